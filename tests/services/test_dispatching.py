"""Positions without gaps, and what becomes of an event for each subscription, on both engines."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pmo_hub.domain.events import Event, Filters
from pmo_hub.domain.formats import Format
from pmo_hub.services import dispatching
from pmo_hub.services.dispatching import Plan, grouped, hand_out
from pmo_hub.store.engine import create_engine
from pmo_hub.store.repositories import events
from pmo_hub.store.repositories.deliveries import HeldBack, StoredDelivery
from pmo_hub.store.unit_of_work import Work
from tests.receiver import receiving
from tests.services.governed import CONNECTION, NOON
from tests.services.told import Told


@pytest.fixture
def told(work: Work, tmp_path: Path) -> Told:
    return Told(work, tmp_path)


def test_positions_have_no_gaps_and_keep_the_order_of_each_entity(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "AT_A_TIME", 7)
    for number in range(40):
        # The clocks of two processes differ: what happened later to an entity may say that it was earlier.
        told.now = NOON + timedelta(seconds=(number * 37) % 40)
        told.happened("sync.failed", f"{number % 5:032}")
    told.dispatch()
    rows = told.placed()
    assert [row["position"] for row in rows] == list(range(1, 41))
    for entity in range(5):
        sequences = [row["sequence"] for row in rows if row["subject_id"] == f"{entity:032}"]
        assert sequences == list(range(1, 9))


def test_a_late_commit_gets_a_later_position_and_no_reader_skips_it(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """Where writers commit side by side; SQLite has one at a time."""
    work = Work(create_engine(migrated_postgresql_url))
    told = Told(work, tmp_path)
    begun, may_commit = threading.Event(), threading.Event()

    def late() -> None:
        with work.write() as session:
            events.append(session, "sync.failed", "connection", "a" * 32, {}, NOON)
            begun.set()
            may_commit.wait(10)

    writer = threading.Thread(target=late)
    writer.start()
    assert begun.wait(10)
    told.now = NOON + timedelta(seconds=1)
    early = told.happened("sync.recovered", "b" * 32)
    told.dispatch()
    with work.read() as session:
        seen = [one.event.id for one in events.page(session, events.Wanted(), None, 10)]
        at = events.newest_position(session)
    assert seen == [early]
    may_commit.set()
    writer.join(10)
    told.dispatch()
    with work.read() as session:
        after = events.page(session, events.Wanted(), at, 10)
    assert [(one.event.entity_id, one.event.position) for one in after] == [("a" * 32, 2)]
    work.dispose()


def test_two_dispatchers_give_each_position_once(told: Told) -> None:
    for number in range(60):
        told.happened("sync.failed", f"{number % 9:032}")
    threads = [threading.Thread(target=told.dispatch) for _ in range(3)]
    with receiving() as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert [row["position"] for row in told.placed()] == list(range(1, 61))
    assert len(told.deliveries(id)) == 60


def test_events_carry_what_filters_ask_for(told: Told) -> None:
    owner = told.person("Ada")
    project = told.project("ERP", manager_id=owner, classification="internal")
    portfolio = told.portfolio("All", project)
    told.refresh(project)
    told.dispatch()
    [row] = [row for row in told.placed() if row["check_id"] == "GOV-001"]
    assert (row["project_id"], row["portfolio_ids"], row["severity"], row["owner_id"], row["classification"]) == (
        project, [portfolio], "high", owner, "internal",
    )  # fmt: skip


def test_an_event_of_a_project_that_is_gone_is_taken_for_confidential(told: Told) -> None:
    project = told.project("ERP")
    told.refresh(project)
    told.drop_project(project)
    told.refresh(project)
    told.dispatch()
    assert {row["classification"] for row in told.placed()} == {"?"}


def test_only_what_is_wanted_is_delivered_and_of_a_disabled_subscription_nothing(told: Told) -> None:
    with receiving() as receiver:
        wanted = told.subscribe(receiver.url, "Failures", types=("sync.failed",)).info.stored.id
        severe = told.subscribe(receiver.url, "Severe", types=("violation.*",), filters={"severities": ["critical"]}).info.stored.id
    told.happened("sync.failed", CONNECTION)
    told.happened("sync.recovered", CONNECTION)
    told.refresh(told.project("ERP"))
    told.dispatch()
    assert len(told.deliveries(wanted)) == 1
    assert told.deliveries(severe) == []


def test_a_digest_waits_and_is_one_message_a_project_and_owner(told: Told) -> None:
    with receiving() as receiver:
        id = told.subscribe(receiver.url, types=("violation.opened",), digest="0 14 * * *", time_zone="Europe/Zurich").info.stored.id
        one, other = told.project("ERP"), told.project("CRM")
        told.refresh(one, other)
        assert told.send(id) == 0
        told.now = datetime.fromisoformat("2026-11-23T13:00:00+00:00")  # 14:00 in Zurich
        assert told.send(id) == 2
        assert told.send(id) == 0
    bodies = [one.json for one in receiver.got]
    assert [body["type"] for body in bodies] == ["digest", "digest"]
    projects = [{event["data"]["project_id"] for event in body["data"]["events"]} for body in bodies]
    assert sorted(projects, key=str) == sorted([{one}, {other}], key=str)
    assert [one.id for one in receiver.got] == [body["data"]["id"] for body in bodies]


def test_in_quiet_hours_nothing_is_sent_and_afterwards_all_of_it(told: Told) -> None:
    with receiving() as receiver:
        id = told.subscribe(receiver.url, quiet_hours=[{"start": "11:00", "end": "13:00"}]).info.stored.id
        event = told.happened("sync.failed", CONNECTION)  # at noon
        assert told.send(id) == 0
        told.now = NOON + timedelta(minutes=59)
        assert told.send(id) == 0
        told.now = NOON + timedelta(hours=1)
        assert told.send(id) == 1
    assert receiver.ids == [event]


def plan(format: Format) -> Plan:
    return Plan("s" * 32, format, Filters(), None, (), NOON.tzinfo)  # type: ignore[arg-type]


def happened(number: int, project: str | None = "p" * 32) -> Event:
    return Event(f"{number:032}", "violation.opened", NOON, "violation", f"{number % 3:032}", number, position=number, project_id=project)


def test_formats_for_people_are_told_together_what_came_together() -> None:
    wanted = [happened(number) for number in range(1, 61)]
    made = list(hand_out(plan(Format.SLACK), wanted, NOON))
    assert all(isinstance(one, StoredDelivery) for one in made)
    assert [len(one.event_ids) for one in made if isinstance(one, StoredDelivery)] == [50, 10]
    assert len(list(hand_out(plan(Format.STANDARD), wanted, NOON))) == 60
    assert not any(isinstance(one, HeldBack) for one in made)


def test_a_group_keeps_its_id_however_often_it_is_made() -> None:
    wanted = [happened(1), happened(2), happened(3, None)]
    first, second = (grouped("s" * 32, wanted, NOON, is_digest=True) for _ in range(2))
    assert first == second
    assert [one.position for one in first] == [2, 3]
