"""One seals for all: whoever writes waits for nobody, nothing is sealed twice, what was there before is sealed too; on both engines."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from pmo_hub.domain.chain import GENESIS, Selection
from pmo_hub.services import audit
from pmo_hub.services.evidence import packing, sealing, verify_evidence
from pmo_hub.store.engine import create_engine
from pmo_hub.store.models.evidence import EvidenceBacklog, EvidenceBody, EvidenceEntry, EvidenceHead, EvidencePending
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CADENCE, Estate
from tests.store.test_migrations import config


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def noted(estate: Estate, number: int, actor: str = "test") -> None:
    """So many changes are in the audit log."""
    with estate.work.write() as session:
        for n in range(number):
            audit.record(session, actor, "thing.changed", "thing", f"{n}", {"n": n}, estate.now)


def verdict(estate: Estate, *checkpoints: tuple[int, str]) -> verify_evidence.Verdict:
    """What the script says of the whole log."""
    wanted, end = Selection(), packing.Told(sealing.head(estate.hub))
    start = packing.start_of(estate.hub, wanted)
    lines = packing.lines(estate.hub, wanted, packing.Told(start), end.head.position)
    return verify_evidence.verify(lines, packing.manifest(estate.hub, wanted, start, end), checkpoints)


def test_an_empty_log_is_sound(estate: Estate) -> None:
    assert sealing.seal_all(estate.hub) == 0
    assert (sealing.head(estate.hub).position, sealing.head(estate.hub).hash) == (0, GENESIS)
    assert verdict(estate).is_sound


def test_what_waits_is_sealed_in_its_order(estate: Estate) -> None:
    noted(estate, 7)
    assert sealing.seal(estate.hub, limit=3).entries == 3
    assert sealing.head(estate.hub).position == 3
    assert sealing.seal_all(estate.hub) == 4
    assert sealing.seal_all(estate.hub) == 0
    assert estate.rows(EvidencePending) == []
    found = sorted(estate.rows(EvidenceEntry), key=lambda row: int(row["position"]))
    assert [row["subject_id"] for row in found] == [str(n) for n in range(7)]
    assert (verdict(estate).entries, verdict(estate).findings) == (7, [])


def test_a_clock_that_goes_back_is_not_followed(estate: Estate) -> None:
    noted(estate, 1)
    sealing.seal_all(estate.hub)
    estate.now -= timedelta(hours=1)
    noted(estate, 1)
    sealing.seal_all(estate.hub)
    assert {row["sealed_at"] for row in estate.rows(EvidenceEntry)} == {estate.now + timedelta(hours=1)}
    assert verdict(estate).is_sound


def test_writers_and_sealers_at_once_leave_one_sound_chain(estate: Estate) -> None:
    start = threading.Barrier(6)

    def write(name: str) -> None:
        start.wait()
        for _ in range(10):
            noted(estate, 5, name)

    def seal() -> None:
        start.wait()
        for _ in range(25):
            sealing.seal(estate.hub, limit=7)

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(write, f"writer {n}") for n in range(3)] + [pool.submit(seal) for _ in range(3)]
    for one in running:
        one.result()
    sealing.seal_all(estate.hub)
    found = verdict(estate)
    assert (found.entries, found.findings) == (150, [])
    assert {row["position"] for row in estate.rows(EvidenceEntry)} == set(range(1, 151))


def test_a_slow_transaction_holds_up_no_sealer_and_is_sealed_later(migrated_postgresql_url: str, tmp_path: Path) -> None:
    work = Work(create_engine(migrated_postgresql_url))
    estate = Estate(work, tmp_path)
    with work.write() as slow:
        audit.record(slow, "slow", "thing.changed", "thing", "slow", {}, estate.now)
        noted(estate, 2)
        assert sealing.seal_all(estate.hub) == 2
    assert sealing.seal_all(estate.hub) == 1
    assert verdict(estate).entries == 3
    assert verdict(estate).is_sound
    work.dispose()


def test_while_one_seals_another_goes_its_way(migrated_postgresql_url: str, tmp_path: Path) -> None:
    work = Work(create_engine(migrated_postgresql_url))
    estate = Estate(work, tmp_path)
    noted(estate, 1)
    sealing.seal_all(estate.hub)
    noted(estate, 1)
    with work.write() as holder:
        holder.execute(sa.select(EvidenceHead.__table__).with_for_update())
        assert sealing.seal_all(estate.hub) == 0
    assert sealing.seal_all(estate.hub) == 1
    work.dispose()


@pytest.mark.parametrize("statement", ["UPDATE evidence_entries SET action = 'x'", "DELETE FROM evidence_entries WHERE position = 2"])
def test_the_database_refuses_to_change_the_log(estate: Estate, statement: str) -> None:
    noted(estate, 3)
    sealing.seal_all(estate.hub)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), estate.work.write() as session:
        session.execute(sa.text(statement))
    assert verdict(estate).entries == 3


def test_whoever_gets_around_that_is_found(estate: Estate) -> None:
    noted(estate, 5)
    sealing.seal_all(estate.hub)
    head = sealing.head(estate.hub)
    with estate.work.write() as session:
        if estate.work.dialect == "postgresql":
            session.execute(sa.text("ALTER TABLE evidence_entries DISABLE TRIGGER ALL"))
        else:
            for verb in ("update", "delete"):
                session.execute(sa.text(f"DROP TRIGGER evidence_entries_no_{verb}"))
    forgeries = [
        ("UPDATE evidence_entries SET action = 'x' WHERE position = 2", "Entry 2 was changed: its words no longer give its hash."),
        ("UPDATE evidence_bodies SET body = '{}' WHERE position = 3", "The body of entry 3 was changed."),
        ("DELETE FROM evidence_bodies WHERE position = 1", "The body of entry 1 is missing; a change is never redacted."),
        ("DELETE FROM evidence_entries WHERE position = 4", "Entry 4 is missing: entry 5 comes next."),
        ("DELETE FROM evidence_entries WHERE position = 5", "Entries 4 to 5 are missing at the end."),
    ]
    for statement, said in forgeries:
        with estate.work.write() as session:
            session.execute(sa.text(statement))
        assert said in verdict(estate).findings
    with estate.work.write() as session:
        session.execute(sa.text("DELETE FROM evidence_entries"))
        session.execute(sa.text(f"UPDATE evidence_head SET position = 0, hash = '{GENESIS}'"))
    assert verdict(estate).is_sound
    assert not verdict(estate, (5, head.hash)).is_sound


def test_entries_after_the_head_stop_the_sealing(estate: Estate) -> None:
    noted(estate, 2)
    sealing.seal_all(estate.hub)
    with estate.work.write() as session:
        session.execute(sa.text(f"UPDATE evidence_head SET position = 0, hash = '{GENESIS}'"))
    noted(estate, 1)
    with pytest.raises(RuntimeError, match="after its head, 0"):
        sealing.seal_all(estate.hub)
    assert len(estate.rows(EvidencePending)) == 1


def test_what_was_recorded_before_the_log_is_sealed_once(database_url: str, tmp_path: Path) -> None:
    command.upgrade(config(database_url), "head")
    work = Work(create_engine(database_url))
    estate = Estate(work, tmp_path)
    project = estate.project("ERP", sponsor_id=None)
    estate.synced(project)
    before = estate.now
    estate.now += CADENCE
    estate.project("ERP", sponsor_id=estate.person("Ada"))
    estate.synced(project)
    noted(estate, 3)
    live = {(row["kind"], row["at"], row["body"]) for row in estate.rows(EvidencePending) if row["kind"] != "violation"}
    work.dispose()
    command.downgrade(config(database_url), "0010")
    command.upgrade(config(database_url), "head")

    estate.now += CADENCE
    noted(estate, 1)
    waiting = len(estate.rows(EvidenceBacklog))
    assert waiting == len(live)
    assert sealing.seal_all(estate.hub) == waiting + 1
    assert estate.rows(EvidenceBacklog) == []
    bodies = {row["position"]: row["body"] for row in estate.rows(EvidenceBody)}
    sealed = {(row["kind"], row["at"], bodies[row["position"]]) for row in estate.rows(EvidenceEntry) if row["at"] < estate.now}
    assert sealed == live
    assert before in {row["at"] for row in estate.rows(EvidenceEntry)}
    assert {row["sealed_at"] for row in estate.rows(EvidenceEntry)} == {estate.now}
    assert sealing.seal_all(estate.hub) == 0
    assert verdict(estate).is_sound
    work.dispose()
