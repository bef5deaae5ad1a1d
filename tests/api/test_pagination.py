"""A cursor is where the last page ended, bound to its filters."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.api.errors import BadRequest
from pmo_hub.api.pagination import Position, cursor, page_of, position

FILTERS = {"state": "open", "project": None}


@given(sort=st.none() | st.text() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False), id=st.text(min_size=1))
def test_a_cursor_leads_back_to_its_place(sort: str | int | float | None, id: str) -> None:
    assert position(FILTERS, cursor(FILTERS, sort, id)) == Position(sort, id)


def test_an_instant_comes_back_as_it_was() -> None:
    at = datetime(2026, 11, 23, 8, 0, 0, 123456, UTC)
    found = position({}, cursor({}, at, "a"))
    assert found is not None
    assert found.instant == at


def test_without_a_cursor_there_is_no_place() -> None:
    assert position(FILTERS, None) is None


@pytest.mark.parametrize("filters", [{"state": "closed"}, {}, {"state": "open", "project": "x"}])
def test_a_cursor_of_other_filters_is_refused(filters: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="other filters"):
        position(filters, cursor(FILTERS, "a", "b"))


def test_a_filter_that_is_not_set_is_as_if_it_were_not_there() -> None:
    assert position({"state": "open"}, cursor(FILTERS, "a", "b")) == Position("a", "b")


def made_up(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "====", "ÿ", made_up([]), made_up({}), made_up("text"), made_up(["a", "b", 3]), made_up(["a", ["b"], "c"]),
     made_up(["a", {}, "c"]), "W" * 2_000, base64.urlsafe_b64encode(b"[" * 100_000).decode()],
    ids=range(12),
)  # fmt: skip
def test_a_cursor_of_somebodys_making_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        position(FILTERS, text)


@pytest.mark.parametrize("sort", ["yesterday", "2026-11-23T08:00:00", None, 5])
def test_a_place_that_is_no_instant_is_refused_as_one(sort: str | int | None) -> None:
    with pytest.raises(BadRequest):
        _ = Position(sort, "a").instant


def test_a_page_ends_with_a_cursor_only_where_there_is_more() -> None:
    def key(row: str) -> tuple[str, str]:
        return row, row

    assert page_of(["a", "b"], 2, {}, key) == (["a", "b"], None)
    kept, following = page_of(["a", "b", "c"], 2, {}, key)
    assert kept == ["a", "b"]
    assert position({}, following) == Position("b", "b")
    assert page_of([], 2, {}, key) == ([], None)
