"""Packs: what is asked for in full, the rest by its hashes; made while they are sent, sound while data is purged; on both engines."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.chain import Selection
from pmo_hub.domain.membership import automatic_project
from pmo_hub.services import checks, people, removal
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.evidence import packing, recording, sealing, verify_evidence
from pmo_hub.store.engine import create_engine
from pmo_hub.store.models.evidence import EvidenceBody, EvidenceEntry
from pmo_hub.store.repositories import evidence as log
from pmo_hub.store.repositories.evidence import NewEntry
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import FakeSite
from tests.sdk.fake_source import DeltaConnector
from tests.services.connected import CONNECTION, Connected
from tests.services.governed import CADENCE, NOON, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def opened(pieces: Any) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def told(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read("entries.ndjson").splitlines()]


def verdict(archive: zipfile.ZipFile, *checkpoints: tuple[int, str]) -> verify_evidence.Verdict:
    lines = io.BytesIO(archive.read("entries.ndjson"))
    return verify_evidence.verify(lines, json.loads(archive.read("manifest.json")), checkpoints)


def test_a_pack_holds_what_its_reader_needs(estate: Estate) -> None:
    estate.synced(estate.project("ERP"))
    with opened(packing.pack(estate.hub, Selection())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["README.txt", "verify_evidence.py", "entries.ndjson", "manifest.json"]
        assert archive.read("verify_evidence.py") == Path(verify_evidence.__file__).read_bytes()
        manifest = json.loads(archive.read("manifest.json"))
        head = sealing.head(estate.hub)
        assert (manifest["head"]["position"], manifest["head"]["hash"]) == (head.position, head.hash)
        assert manifest["entries"] == manifest["bodies"] == len(told(archive)) == head.position > 10
        assert (verdict(archive).findings, verdict(archive).notes) == ([], [])


def test_a_project_s_pack_has_its_own_and_the_hub_s_in_full(estate: Estate) -> None:
    erp, crm = estate.project("ERP"), estate.project("CRM")
    estate.synced(erp, crm)
    checks.bind(estate.hub, "GOV-013", "evaluate", {}, "cli:admin")
    with opened(packing.pack(estate.hub, Selection(erp))) as archive:
        full = [one for one in told(archive) if "body" in one]
        assert {tuple(one["projects"]) for one in full} == {(erp,), ()}
        assert "check.bound" in {one["action"] for one in full}
        bare = [one for one in told(archive) if "body" not in one]
        assert {tuple(one["projects"]) for one in bare} == {(crm,)}
        assert "ERP" not in str(bare)
        assert "CRM" not in str(bare)
        assert verdict(archive).findings == []


def test_a_span_of_time_and_a_checkpoint_narrow_a_pack(estate: Estate) -> None:
    project = estate.project("ERP", sponsor_id=None)
    estate.synced(project)
    sealing.seal_all(estate.hub)
    first = sealing.head(estate.hub)
    estate.now += CADENCE
    estate.project("ERP", sponsor_id=estate.person("Ada"))
    estate.synced(project)
    with opened(packing.pack(estate.hub, Selection(None, NOON, estate.now))) as archive:
        assert {one["at"] for one in told(archive) if "body" in one} == {"2026-11-23T12:00:00.000000Z"}
        assert verdict(archive).findings == []
    with opened(packing.pack(estate.hub, Selection(after=first.position))) as archive:
        assert told(archive)[0]["position"] == first.position + 1
        assert verdict(archive, (first.position, first.hash)).findings == []
        assert verdict(archive).notes[0].startswith(f"The pack begins after entry {first.position}:")
        assert len(verdict(archive, (first.position, "0" * 64)).findings) == 1
    with opened(packing.pack(estate.hub, Selection(after=sealing.head(estate.hub).position))) as archive:
        assert told(archive) == []
        assert verdict(archive).findings == []


def test_what_makes_no_sense_is_refused_before_the_first_byte(estate: Estate) -> None:
    with pytest.raises(NotFound, match="no project 'nowhere'"):
        packing.pack(estate.hub, Selection("nowhere"))
    with pytest.raises(Invalid, match="ends before it begins"):
        packing.pack(estate.hub, Selection(None, NOON, NOON))
    with pytest.raises(Invalid, match="The log ends at entry 0"):
        packing.pack(estate.hub, Selection(after=1))


def added(work: Work, number: int) -> None:
    """So many entries wait to be sealed."""
    body = {"message": "x" * 500}
    for start in range(0, number, 1000):
        with work.write() as session:
            log.add(session, [NewEntry(NOON, "change", "thing.changed", "thing", f"{start + n}", (), body) for n in range(1000)])


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def drained(estate: Estate) -> None:
    for _ in packing.pack(estate.hub, Selection()):
        pass


def test_a_pack_takes_as_much_memory_of_a_long_log_as_of_a_short_one(migrated_sqlite_url: str, tmp_path: Path) -> None:
    work = Work(create_engine(migrated_sqlite_url))
    estate = Estate(work, tmp_path)
    added(work, 2_000)
    sealing.seal_all(estate.hub)
    drained(estate)
    short = peak(lambda: drained(estate))
    added(work, 6_000)
    sealing.seal_all(estate.hub)
    long = peak(lambda: drained(estate))
    assert sealing.head(estate.hub).position == 8_000
    assert long < short * 1.2
    assert long < 8 * 2**20
    work.dispose()


def test_what_is_redacted_while_a_pack_is_made_is_explained_in_it(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.synced(project)
    sealing.seal_all(estate.hub)
    last = sealing.head(estate.hub).position
    pieces = packing.lines(estate.hub, Selection(), packing.Told(log.Head()), last)
    with estate.work.write() as session:
        recording.redacted(session, [project], "purged", {}, estate.now)
    sealing.seal_all(estate.hub)
    lines = list(pieces)
    assert json.loads(lines[-1])["action"] == "evidence.redacted"
    assert len(lines) == last + 1


# What becomes of the evidence when the data goes.


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    connected = Connected(work, tmp_path, DeltaConnector(FakeSite.sample()))
    connected.sync()
    connected.now += timedelta(minutes=1)
    return connected


def test_a_purge_takes_what_the_log_quotes_and_leaves_the_chain_whole(hub: Connected) -> None:
    sealing.seal_all(hub.hub)
    noted = sealing.head(hub.hub)
    scope: str = next(row.id for row in hub.rows("scopes") if row.external_id == "P3")
    project = automatic_project(scope)
    with opened(packing.pack(hub.hub, Selection(project))) as archive:
        before = [one for one in told(archive) if "body" in one and one["projects"] == [project]]
    assert len(before) > 10

    removal.run(hub.hub, removal.request(hub.hub, CONNECTION, ["P3"], "purge", "test").id)
    sealing.seal_all(hub.hub)
    entries = {row.position: row for row in hub.rows(EvidenceEntry.__tablename__)}
    left = [row for row in hub.rows(EvidenceBody.__tablename__) if entries[row.position].subject_id == project]
    assert [entries[row.position].kind for row in left] == ["redaction"]
    assert not [row for row in hub.rows(EvidenceBody.__tablename__) if "P3-" in row.body]
    for wanted in (Selection(), Selection(project)):
        with opened(packing.pack(hub.hub, wanted)) as archive:
            found = verdict(archive, (noted.position, noted.hash))
            assert found.findings == []
            assert found.redacted == len(before)
            assert "connection.scopes_removed" in {one["action"] for one in told(archive) if "body" in one}


def test_a_purged_connection_leaves_its_decisions_and_a_sound_log(hub: Connected) -> None:
    sealing.seal_all(hub.hub)
    noted = sealing.head(hub.hub)
    removal.run(hub.hub, removal.request(hub.hub, CONNECTION, None, "purge", "test").id)
    with opened(packing.pack(hub.hub, Selection())) as archive:
        found = verdict(archive, (noted.position, noted.hash))
        assert found.findings == []
        left = {one["kind"] for one in told(archive) if "body" in one}
        assert left == {"redaction", "decision"}


def test_forgetting_people_breaks_nothing(hub: Connected) -> None:
    accounts = [row.id for row in hub.rows("identities")][:2]
    people.join(hub.hub, accounts, "test")
    with opened(packing.pack(hub.hub, Selection())) as archive:
        joined = next(one for one in told(archive) if one["action"] == "person.joined")
        assert joined["body"]["detail"] == {"identity_ids": accounts}
    names = {row.name for row in hub.rows("identities")}
    removal.run(hub.hub, removal.request(hub.hub, CONNECTION, None, "purge", "test").id)
    assert hub.rows("identities") == []
    with opened(packing.pack(hub.hub, Selection())) as archive:
        assert verdict(archive).findings == []
        text = archive.read("entries.ndjson").decode()
        assert accounts[0] in text
        assert not [name for name in names if name in text]
