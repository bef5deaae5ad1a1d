"""Plans through the intake: owned and ended with their payloads, followed by facts, and purged with their scope to the last row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.records import Calendar, Record, Resource, WorkItem
from pmo_hub.domain.vocabulary import Kind, ResourceKind, StatusCategory
from pmo_hub.sdk.contract import Gone, Mapped, Payload, Reason, Ref
from pmo_hub.store import intake, purging
from pmo_hub.store.base import Base
from pmo_hub.store.models.canonical import HISTORY
from pmo_hub.store.models.source import PendingDerivation
from pmo_hub.store.placing import Basis, Origin, PayloadIds, Placed
from pmo_hub.store.plan_rows import MODELS
from pmo_hub.store.preparing import prepare
from pmo_hub.store.rows import RowMaker
from pmo_hub.store.unit_of_work import Work
from tests.planned import (
    ASSIGNMENT,
    BASELINE,
    CALENDAR,
    EARNED_VALUE,
    ENTRY,
    EXCEPTION,
    PASSAGE,
    PLAN,
    RESOURCE,
    SCHEDULE,
    TIME_PHASED,
    VALUE,
)
from tests.stored import NAMESPACE, Estate, item_id, scope_id
from tests.uncollected import left_of

ITEM = WorkItem("t1", "1", None, "Dig", None, Kind.TASK, "Task", StatusCategory.TODO, "Not started")
RISK = replace(ITEM, external_id="risk1", kind=Kind.RISK)
SITE = Resource("sand", ResourceKind.MATERIAL, name="Sand")


class Source:
    """A source whose payloads are mapped to whatever a test says."""

    def __init__(self, work: Work, folder: Path) -> None:
        self.estate = Estate(work, folder)
        self.estate.scopes("PLAN", "OTHER")
        self.work = work
        self.mapped: dict[bytes, Mapped] = {}
        self.versions = 0
        scopes = {"PLAN": scope_id("PLAN"), "OTHER": scope_id("OTHER")}
        basis = Basis("b" * 32, lambda payload: self.mapped[payload.body])
        self.origin = Origin("c" * 32, NAMESPACE, "d" * 32, scopes, lambda _: basis)

    def bring(self, id: str, owned: Sequence[Record], mentioned: Sequence[Record] = (), scope: str = "PLAN") -> set[str]:
        """A new version of a payload; returns the items (or "" for all of the scope) that are to be looked at again."""
        self.versions += 1
        body = f"{id} {self.versions}".encode()
        self.mapped[body] = Mapped(owned, mentioned)
        payload = Payload(Ref("thing", id), scope, body, version=f"{self.versions:09}")
        self.estate.clock.forward(minutes=1)
        with self.work.write() as session:
            intake.take_in(session, self.origin, [payload], [], self.estate.clock())
        return self.pending()

    def end(self, id: str) -> None:
        self.estate.clock.forward(minutes=1)
        with self.work.write() as session:
            prepared = prepare(session, self.origin, [])
            gone = [(Gone(Ref("thing", id), Reason.DELETED), ())]
            intake.write(session, self.origin, prepared, gone, (), self.estate.clock())

    def pending(self) -> set[str]:
        with self.work.write() as session:
            found = set(session.scalars(sa.select(PendingDerivation.item_id)))
            session.execute(sa.delete(PendingDerivation))
        return found

    def counts(self) -> dict[str, tuple[int, int]]:
        """Table → rows that are current, rows that were."""
        found = {}
        with self.work.read() as session:
            for model in MODELS.values():
                tables: list[Any] = [model.__table__, HISTORY[model.__tablename__]]
                now, then = (session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables)
                if now or then:
                    found[model.__tablename__] = (now, then)
        return found


@pytest.fixture
def source(work: Work, tmp_path: Path) -> Source:
    return Source(work, tmp_path)


TASK = (ITEM, SCHEDULE, BASELINE, EARNED_VALUE, ASSIGNMENT, TIME_PHASED)
HEAD = (PLAN, CALENDAR, EXCEPTION, PASSAGE, VALUE)


def test_what_a_payload_no_longer_tells_ends_and_its_item_is_looked_at_again(source: Source) -> None:
    source.bring("head", HEAD)
    assert source.bring("t1", TASK) == {item_id("t1")}
    assert source.bring("t1", TASK) == set()
    assert source.bring("t1", [r for r in TASK if r is not BASELINE]) == {item_id("t1")}
    assert source.counts()["baselines"] == (0, 1)
    source.end("t1")
    told = source.counts()
    assert (told["schedules"], told["assignments"], told["earned_values"], told["plans"]) == ((0, 1), (0, 1), (0, 1), (1, 0))


def test_nothing_of_a_batch_waits_for_the_collector(source: Source) -> None:
    source.bring("t1", TASK)
    assert left_of(lambda: source.bring("t1", TASK), Payload, PayloadIds, RowMaker, Placed) == []


def test_a_change_of_the_plans_header_concerns_its_whole_scope(source: Source) -> None:
    assert source.bring("head", HEAD) == {""}
    assert source.bring("head", HEAD) == set()
    assert source.bring("head", (replace(PLAN, stage="Close"), *HEAD[1:])) == {""}
    assert source.bring("head", (replace(PLAN, stage="Close"), *HEAD[1:], replace(EARNED_VALUE, external_id="P", item=None))) == {""}


def test_a_resource_that_many_mention_lives_on_and_one_that_two_own_until_both_let_go(source: Source) -> None:
    source.bring("t1", TASK, [SITE])
    source.bring("r", [RESOURCE])
    source.bring("r2", [RESOURCE], scope="OTHER")
    source.end("r")
    assert source.counts()["resources"] == (2, 0)
    source.end("r2")
    source.end("t1")
    assert source.counts()["resources"] == (1, 1)


def test_a_register_entry_goes_with_its_risk(source: Source) -> None:
    source.bring("risk", [RISK, ENTRY])
    assert source.counts()["register_entries"] == (1, 0)
    source.end("risk")
    assert source.counts()["register_entries"] == (0, 1)


def test_a_value_that_cannot_be_stored_costs_its_payload_alone(source: Source) -> None:
    source.bring("t1", [ITEM, replace(SCHEDULE, duration_hours=float("inf"))])
    source.bring("head", HEAD)
    assert source.counts().keys() == {"plans", "calendars", "calendar_exceptions", "stage_passages", "plan_values"}
    assert len(source.origin.quarantined) == 1


def test_purging_a_scope_leaves_nothing_of_its_plans_and_everything_of_the_others(source: Source) -> None:
    night = Calendar("night", "Night", base="standard")
    everything: list[Record] = [*TASK, replace(SCHEDULE, external_id="risk1", item="risk1", calendar="night"), RISK, ENTRY]
    for _ in range(2):  # with a past
        source.bring("head", (replace(PLAN, stage=str(source.versions)), *HEAD[1:], night))
        source.bring("t1", [replace(r, cost=None) if r is SCHEDULE and source.versions < 3 else r for r in everything], [RESOURCE, SITE])
    source.bring("gone", [replace(PASSAGE, external_id="old"), replace(EARNED_VALUE, external_id="P", item=None)])
    source.end("gone")
    source.bring("head", (PLAN, PASSAGE))  # the calendars ended before
    other: list[Record] = [replace(ITEM, external_id="o"), replace(ASSIGNMENT, external_id="o", item="o", resource="sand")]
    source.bring("other", other, [SITE], scope="OTHER")
    part, removal = purging.Part([scope_id("PLAN")]), "e" * 32
    with source.work.write() as session:
        while purging.purge_payloads(session, removal, NAMESPACE, part, 2):
            pass
        while left := purging.leftover_items(session, [scope_id("PLAN")], 10):
            purging.purge_items(session, removal, NAMESPACE, left)
        while purging.purge_plans(session, removal, [scope_id("PLAN")], 10):
            pass
        while purging.sweep(session, removal, 10) is not None:
            pass
    assert source.counts() == {"assignments": (1, 0), "resources": (1, 0)}
    with source.work.read() as session:
        dead = Base.metadata.tables["tombstones"]
        plan = RowMaker(NAMESPACE)
        assert session.scalar(sa.select(sa.func.count()).select_from(dead).where(dead.c.record_type.in_([k.value for k in MODELS]))) == 0
        assert plan.item_id(PLAN) is None
