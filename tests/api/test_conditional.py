"""ETags save bodies, and other people's changes."""

from __future__ import annotations

import pytest

from pmo_hub.api.conditional import etag, require_match, stop_if_held
from pmo_hub.api.errors import NotModified, PreconditionFailed, PreconditionRequired
from pmo_hub.api.schemas.connections import CountsView

TAG = etag(b"content")


def test_a_tag_is_strong_and_follows_the_content() -> None:
    assert etag(b"content") == TAG
    assert etag(b"other") != TAG
    assert TAG.startswith('"')
    assert etag(CountsView(scopes=1, items=2, quarantined=0)) != etag(CountsView(scopes=1, items=2, quarantined=1))


def test_a_change_without_a_tag_is_refused() -> None:
    with pytest.raises(PreconditionRequired):
        require_match(None, TAG)


@pytest.mark.parametrize("given", ['"other"', f"W/{TAG}", "", TAG.strip('"')])
def test_a_change_on_another_content_is_refused(given: str) -> None:
    with pytest.raises(PreconditionFailed):
        require_match(given, TAG)


@pytest.mark.parametrize("given", [TAG, f'"other", {TAG}', "*"])
def test_a_change_on_this_content_is_let_through(given: str) -> None:
    require_match(given, TAG)


@pytest.mark.parametrize("given", [TAG, f"W/{TAG}", f'"other",{TAG}', "*"])
def test_who_holds_the_content_is_not_sent_it_again(given: str) -> None:
    with pytest.raises(NotModified):
        stop_if_held(given, TAG)


@pytest.mark.parametrize("given", [None, '"other"'])
def test_who_holds_something_else_is_sent_it(given: str | None) -> None:
    stop_if_held(given, TAG)
