"""The evidence log's hashes are frozen: a pack of today is verified in ten years."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pmo_hub.domain.chain import GENESIS, Entry, Kind, Selection, body_digest, canonical, instant, kind_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"b": [1, 2.5, None, True], "a": 'é"\ud800\x00'}) == '{"a":"\\u00e9\\"\\ud800\\u0000","b":[1,2.5,null,true]}'
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_spell_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": value})


def test_the_hashes_are_frozen() -> None:
    digest = body_digest("0" * 32, '{"a":1}')
    assert digest == "8af3228f5cd1d891457eb0e7fd5f68750b42684b5ce60d33bc1184627a503463"
    entry = Entry(1, NOON, NOON, "change", "key.created", "api_key", "5" * 32, ("p",), digest, GENESIS)
    assert entry.hash == "6e920414df00e701e4cb326093d8cd0dee4580e110596e4624c4653c456dc67d"


def test_a_salt_makes_another_digest_of_the_same_body() -> None:
    assert body_digest("0" * 32, "{}") != body_digest("1" * 32, "{}")


def test_instants_are_utc_and_compare_as_text() -> None:
    assert instant(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00.000000Z"
    assert instant(NOON) < instant(NOON + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("violation.acknowledged", Kind.DECISION),
        ("check.bound", Kind.DECISION),
        ("same_as_rule.added", Kind.DECISION),
        ("person.joined", Kind.DECISION),
        ("connection.scopes_removed", Kind.DECISION),
        ("connection.rules_changed", Kind.DECISION),
        ("project.rules_replaced", Kind.DECISION),
        ("key.created", Kind.CHANGE),
        ("connection.changed", Kind.CHANGE),
        ("project.created", Kind.CHANGE),
    ],
)
def test_decisions_are_told_from_changes(action: str, kind: Kind) -> None:
    assert kind_of(action) is kind


def test_a_selection_takes_what_concerns_the_project_or_the_whole_hub_in_its_time() -> None:
    wanted = Selection("p", NOON, NOON + timedelta(hours=1))
    assert wanted.takes("evaluation", NOON, ("p", "q"))
    assert wanted.takes("change", NOON, ())
    assert not wanted.takes("evaluation", NOON, ("q",))
    assert not wanted.takes("evaluation", NOON - timedelta(seconds=1), ("p",))
    assert not wanted.takes("evaluation", NOON + timedelta(hours=1), ("p",))
    assert wanted.takes("redaction", NOON - timedelta(days=9), ("q",))
