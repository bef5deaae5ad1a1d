"""What has to be true after bad input, and after it is gone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.acceptance.bad_input_bases import Content
from tests.acceptance.bad_input_estate import AFTER, TOKEN, Estate, instant

BETWEEN = ("facts_history", "evaluations_history", "events", "violations")
"""What was judged of a state between: that the hub held it for a while is true."""


def assert_clear(sentence: str | None, pattern: str) -> None:
    """It is one sentence for a person, and says that."""
    assert sentence is not None
    assert re.search(pattern, sentence), sentence
    assert len(sentence) <= 300
    assert "\n" not in sentence
    assert len(re.findall(r"[.!?](?=\s|$)", sentence)) <= 1, sentence
    assert not re.search(r"Traceback|Error\b|Exception|<\w|\{", sentence), sentence


def assert_secret(estate: Estate, logged: list[Any]) -> None:
    """The credential stands nowhere that somebody could read."""
    assert TOKEN not in estate.told()
    assert TOKEN not in repr(logged)


def assert_nothing_lost(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> None:
    """No row has ended."""
    for table, rows in before.items():
        assert rows.keys() <= after[table].keys(), table


def assert_told_once(estate: Estate, logged: list[Any], sentence: str) -> None:
    """The outbox and the log have the failure, once each."""
    assert estate.events() == {"sync.failed": 1}
    assert [entry["error"] for entry in logged if entry["event"] == "connection.failed"] == [sentence]


def assert_failed(estate: Estate, logged: list[Any], run: dict[str, Any], pattern: str, state: str = "failed") -> None:
    """The run, the connection, its violation, the outbox and the log say the same sentence, once."""
    assert run["state"] == state
    assert_clear(run["error"], pattern)
    assert estate.shown()["last_error"] == run["error"]
    violation = estate.violation()
    assert violation is not None
    assert (violation["state"], violation["severity"]) == ("open", "critical")
    assert [evidence["note"] for evidence in violation["evidence"]] == [run["error"]]
    assert_told_once(estate, logged, run["error"])


def assert_stopped(estate: Estate) -> None:
    """Whatever time passes, nothing is read until an admin wants it."""
    now, runs = estate.now, len(estate.rows("sync_runs"))
    shown = estate.shown()
    assert (shown["state"], shown["next_due_at"]) == ("failing", None)
    estate.poll(now + timedelta(days=2))
    assert len(estate.rows("sync_runs")) == runs
    estate.now = now


def recover(estate: Estate, undisturbed: Content, logged: list[Any], mode: str | None = None, left_out: Sequence[str] = ()) -> None:
    """The fault is gone; the schedule, or an admin where it was stopped, has the connection read again: as if nothing had been wrong."""
    failures = estate.events()["sync.failed"]
    estate.simulator.clear_faults()
    estate.now = AFTER
    if mode is not None or estate.shown()["state"] == "failing":
        estate.api("POST", f"connections/{estate.connection}/sync", json={"mode": mode or "incremental"})
    run = estate.poll(AFTER)
    assert (run["state"], run["error"]) == ("finished", None)
    shown = estate.shown()
    assert (shown["state"], shown["last_error"], shown["counts"]["quarantined"]) == ("active", None, 0)
    assert instant(shown["next_due_at"]) > AFTER
    violation = estate.violation()
    assert violation is None or violation["state"] == "resolved"
    assert (violation is None) == (failures == 0)
    assert estate.events()["sync.recovered"] == failures <= 1
    assert sum(entry["event"] == "connection.recovered" for entry in logged) == failures
    found = estate.content(*left_out)
    for table, rows in undisturbed.items():
        assert table in left_out or found[table] == rows, f"{table} is not what it is without the fault"
    assert_secret(estate, logged)
