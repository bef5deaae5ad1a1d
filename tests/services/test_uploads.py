"""Files from their upload to the rows that they become, on both engines: kept, read, read again, cut short, held back and confirmed."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.time_phased import Step
from pmo_hub.services import connections, held, projects, removal, scopes, uploads
from pmo_hub.services.connections import Draft
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.removal import Data
from pmo_hub.services.time_phased import time_phased
from pmo_hub.store.repositories import connections as stored
from pmo_hub.store.unit_of_work import Work
from pmo_hub_mspdi.simulated_plans import PEOPLE, PlanSpec, plan_xml
from tests.connectors.pmo_hub_mspdi.archives import ARCHIVED, archive_zip
from tests.connectors.pmo_hub_mspdi.plans import plan, task
from tests.services.desk import Desk

PLAN = PlanSpec("ERP Rollout", 60, seed=3, people=PEOPLE[:4])


Make = Callable[..., Desk]


@pytest.fixture
def make(work: Work, tmp_path: Path) -> Make:
    def made(config: dict[str, Any] | None = None, **hub: Any) -> Desk:
        return Desk(work, tmp_path, config, **hub)

    return made


@pytest.fixture
def desk(make: Make) -> Desk:
    return make()


def test_a_connection_to_files_begins_without_any(desk: Desk) -> None:
    assert connections.get(desk.hub, desk.id).counts.scopes == 0
    assert desk.sync().state == "finished"


def test_an_upload_is_read_into_rows_and_a_project_of_its_own(desk: Desk) -> None:
    run = desk.upload(PLAN)
    assert (run.state, run.error) == ("finished", None)
    items = desk.rows("work_items")
    assert len(items) == len({i.external_id for i in items}) > 60
    assert {i.kind for i in items} == {"task", "milestone", "summary"}
    assert len(desk.rows("schedules")) == len(desk.rows("baselines")) == len(items)
    assert desk.rows("dependencies")
    assert len(desk.rows("resources")) == len(PLAN.people)
    (project,) = projects.page(desk.hub, projects.Query(), None, 10)
    assert project.name == "ERP Rollout"


def test_the_same_file_again_writes_nothing(desk: Desk) -> None:
    desk.upload(PLAN)
    before = desk.written()
    again = desk.upload(PLAN)
    assert again.fetched == {}
    assert desk.sync("full").changed == {}
    assert desk.written() == before
    (told,) = uploads.listed(desk.hub, desk.id)
    assert (told.name, told.uploaded_by, told.is_here) == ("erp.xml", "admin", True)


def test_an_edited_file_changes_what_was_edited(desk: Desk) -> None:
    desk.upload(PLAN)
    run = desk.upload(replace(PLAN, renamed={4: "Renamed"}))
    assert run.changed == {"task": 1}
    assert "Renamed" in desk.titles()


def test_removed_tasks_end_with_all_that_was_theirs(desk: Desk) -> None:
    desk.upload(PLAN)
    run = desk.upload(replace(PLAN, removed=frozenset({4, 5})))
    assert run.gone == {"task": 2}
    gone = {f"{PLAN.id}/4", f"{PLAN.id}/5"}
    assert {row.external_id for row in desk.rows("tombstones") if row.record_type == "work_item"} == gone
    assert not gone & {row.external_id for table in ("work_items", "schedules") for row in desk.rows(table)}
    assert not any(set(row.external_id.split(">")) & gone for row in desk.rows("dependencies"))


@pytest.fixture
def shrunk(desk: Desk) -> Desk:
    """A plan of which the newest file lacks more than the brake lets pass."""
    desk.upload(PLAN)
    desk.upload(replace(PLAN, removed=frozenset(range(30, 60))))
    return desk


def test_a_file_that_lacks_too_much_waits_for_an_admin(shrunk: Desk) -> None:
    before = shrunk.written()
    run = shrunk.sync()
    assert run.state == "held"
    assert "30 of" in (run.error or "")
    assert "confirm-groups" in (run.error or "")
    assert connections.get(shrunk.hub, shrunk.id).last_error == run.error
    (waiting,) = held.listed(shrunk.hub, shrunk.id)
    assert (waiting.external_id, waiting.missing, waiting.accepted_at) == (PLAN.id, 30, None)
    assert shrunk.written() == before


def test_what_an_admin_confirms_ends_and_the_connection_is_well_again(shrunk: Desk) -> None:
    run = shrunk.run(held.confirm(shrunk.hub, shrunk.id, None, "admin").id)
    assert (run.state, run.gone, run.error) == ("finished", {"task": 30}, None)
    assert held.listed(shrunk.hub, shrunk.id) == []
    assert connections.get(shrunk.hub, shrunk.id).last_error is None
    (entry,) = [row for row in shrunk.rows("audit_entries") if row.action == "connection.groups_confirmed"]
    assert entry.detail["groups"] == {PLAN.id: 30}


def test_a_confirmation_holds_for_that_generation_only(shrunk: Desk) -> None:
    held.confirm(shrunk.hub, shrunk.id, [PLAN.id], "admin")
    kept = uploads.keep(shrunk.hub, shrunk.id, "erp.xml", io.BytesIO(plan_xml(replace(PLAN, removed=frozenset(range(20, 70))))), "admin")
    run = shrunk.run(kept.run.id)
    assert run.state == "held"
    (waiting,) = held.listed(shrunk.hub, shrunk.id)
    assert waiting.accepted_at is None
    assert waiting.missing > 30


def test_a_whole_file_lets_go_of_what_was_held(shrunk: Desk) -> None:
    assert shrunk.upload(PLAN).state == "finished"
    assert held.listed(shrunk.hub, shrunk.id) == []


def test_a_file_without_tasks_where_there_were_many_is_held(desk: Desk) -> None:
    desk.upload(PLAN)
    assert desk.upload(replace(PLAN, removed=frozenset(range(200)))).state == "held"
    assert len(desk.rows("work_items")) > 60


def test_nothing_that_is_not_held_can_be_confirmed(shrunk: Desk) -> None:
    with pytest.raises(Invalid, match="waits for no confirmation"):
        held.confirm(shrunk.hub, shrunk.id, ["other"], "admin")
    shrunk.run(held.confirm(shrunk.hub, shrunk.id, None, "admin").id)
    with pytest.raises(Conflict, match="Nothing of the connection waits"):
        held.confirm(shrunk.hub, shrunk.id, None, "admin")


def test_a_file_that_breaks_off_is_told_and_changes_nothing(desk: Desk) -> None:
    desk.upload(PLAN)
    before = desk.written()
    content = plan_xml(replace(PLAN, renamed={4: "Renamed"}))
    run = desk.upload(content[: len(content) // 2])
    assert "erp.xml is no well-formed XML" in (run.error or "")
    assert desk.written() == before
    assert desk.upload(content).error is None
    assert "Renamed" in desk.titles()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("plan.xml", b"", "empty"),
        ("plan.xml", b"hello", "no XML"),
        ("plan.xml", b"<Project/>", "no Microsoft Project XML"),
        ("plan.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Project>&a;</Project>', "entities"),
        ("plan.txt", b"hello", "by its name"),
        ("plan.zip", b"PK\x03\x04broken", "can't be unpacked"),
        ("../plan.xml", b"x", "without a path"),
        ("..\\plan.xml", b"x", "without a path"),
        ("/etc/passwd", b"x", "without a path"),
        ("", b"x", "without a path"),
        (".plan.xml", b"x", "begins with a dot"),
        ("pl\u202ean.xml", b"x", "can't be seen"),
        ("p" * 300 + ".xml", b"x", "longer than"),
    ],
)
def test_what_can_be_nobodys_plan_is_refused_and_leaves_nothing(desk: Desk, name: str, content: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        uploads.keep(desk.hub, desk.id, name, io.BytesIO(content), "admin")
    assert uploads.listed(desk.hub, desk.id) == []
    folder = desk.folder / "data" / "files" / desk.id
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_file_that_is_too_large_is_refused(make: Make) -> None:
    desk = make(most_upload_bytes=1000)
    with pytest.raises(Invalid, match="PMO_HUB_UPLOAD_MAX_MB"):
        uploads.keep(desk.hub, desk.id, "plan.xml", io.BytesIO(b"x" * 1001), "admin")


def test_a_deleted_file_leaves_its_data_and_is_missed(desk: Desk) -> None:
    desk.upload(PLAN)
    before = desk.written()["work_items"]
    uploads.delete(desk.hub, desk.id, "erp.xml", "admin")
    assert uploads.listed(desk.hub, desk.id) == []
    assert "No file holds the plan" in (desk.sync().error or "")
    assert desk.written()["work_items"] == before
    with pytest.raises(NotFound):
        uploads.delete(desk.hub, desk.id, "erp.xml", "admin")


def test_a_file_of_another_machine_is_listed_as_such(desk: Desk) -> None:
    desk.upload(PLAN)
    (desk.folder / "data" / "files" / desk.id / "erp.xml").unlink()
    (told,) = uploads.listed(desk.hub, desk.id)
    assert not told.is_here


def test_a_plan_that_was_given_up_does_not_come_back_by_an_upload(desk: Desk) -> None:
    desk.upload(PLAN)
    other = PlanSpec("Plant", 10, seed=4, people=PEOPLE[:2])
    desk.upload(other, "plant.xml")
    scopes.choose(desk.hub, desk.id, [other.id], "admin", "keep")
    kept = uploads.keep(desk.hub, desk.id, "erp.xml", io.BytesIO(plan_xml(PLAN)), "admin")
    assert kept.chosen == []


def test_a_plan_that_another_connection_reads_is_a_conflict(desk: Desk) -> None:
    desk.upload(PLAN)
    second = connections.create(desk.hub, Draft("More files", "mspdi", {}), "admin").connection.id
    with pytest.raises(Conflict, match="'Files' reads 'ERP Rollout' already"):
        uploads.keep(desk.hub, second, "erp.xml", io.BytesIO(plan_xml(PLAN)), "admin")
    assert uploads.listed(desk.hub, second) == []


def test_an_archive_is_uploaded_like_a_plan(desk: Desk) -> None:
    run = desk.upload(archive_zip(), "project-online.zip")
    assert (run.state, run.error) == ("finished", None)
    assert {row.external_id for row in desk.rows("plans")} == {ARCHIVED}
    assert [row.probability for row in desk.rows("register_entries") if row.probability is not None] == [0.4]
    assert len(desk.rows("stage_passages")) == 2


# The watched folder.


@pytest.fixture
def watching(make: Make, tmp_path: Path) -> Desk:
    folder = tmp_path / "plans"
    folder.mkdir()
    return make({"folder": str(folder)}, watched_folders=(tmp_path,))


def test_a_file_that_appears_in_the_watched_folder_is_read_when_it_lies_still(watching: Desk, tmp_path: Path) -> None:
    (tmp_path / "plans" / "erp.xml").write_bytes(plan_xml(PLAN))
    assert watching.sync().fetched == {}  # it may still be written
    watching.later += timedelta(minutes=1)
    assert watching.sync().fetched["task"] > 60
    assert {row.external_id for row in watching.rows("plans")} == {PLAN.id}


def test_a_file_that_changes_in_the_watched_folder_is_read_again(watching: Desk, tmp_path: Path) -> None:
    path = tmp_path / "plans" / "erp.xml"
    path.write_bytes(plan_xml(PLAN))
    watching.later += timedelta(minutes=1)
    watching.sync()
    assert watching.sync().fetched == {}
    watching.later = timedelta(0)
    path.write_bytes(plan_xml(replace(PLAN, renamed={4: "Renamed"})))
    os.utime(path, (1, 1))  # who copies a file may give it the time of the original
    assert watching.sync().fetched == {}
    watching.later += timedelta(minutes=1)
    assert watching.sync().changed == {"task": 1}


@pytest.mark.parametrize("data", ["keep", "purge"])
def test_a_plan_that_was_given_up_does_not_come_back_by_lying_there(watching: Desk, tmp_path: Path, data: Data) -> None:
    other = PlanSpec("Plant", 10, seed=4, people=PEOPLE[:2])
    for name, spec in (("erp.xml", PLAN), ("plant.xml", other)):
        (tmp_path / "plans" / name).write_bytes(plan_xml(spec))
    watching.sync()
    watching.later += timedelta(minutes=1)
    assert watching.sync().state == "finished"
    taken = removal.request(watching.hub, watching.id, [PLAN.id], data, "admin")
    assert removal.run(watching.hub, taken.id).state == "finished"
    assert watching.sync().state == "finished"
    with watching.hub.work.read() as session:
        assert [scope.external_id for scope in stored.scopes(session, watching.id)] == [other.id]


def test_a_broken_file_in_the_watched_folder_does_not_hold_up_the_others(watching: Desk, tmp_path: Path) -> None:
    (tmp_path / "plans" / "erp.xml").write_bytes(plan_xml(PLAN))
    (tmp_path / "plans" / "broken.xml").write_bytes(b"<html/>")
    watching.later += timedelta(minutes=1)
    run = watching.sync()
    assert run.state == "finished"
    assert "broken.xml is no Microsoft Project XML" in (run.error or "")
    assert len(watching.rows("plans")) == 1


def test_an_unpacked_archive_in_the_watched_folder_is_read(watching: Desk, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive_zip())) as packed:
        packed.extractall(tmp_path / "plans" / "archive")
    watching.later += timedelta(minutes=1)
    assert watching.sync().error is None
    assert {row.external_id for row in watching.rows("plans")} == {ARCHIVED}


@pytest.mark.parametrize("folder", ["/etc", "plans/../../..", "none"])
def test_a_folder_that_nobody_allowed_can_not_be_watched(make: Make, tmp_path: Path, folder: str) -> None:
    (tmp_path / "plans").mkdir()
    path = folder if folder.startswith("/") else f"{tmp_path}/{folder}"
    with pytest.raises(Invalid, match=r"may not be watched|is not there"):
        make({"folder": path}, watched_folders=(tmp_path / "plans",))


def test_work_by_day_of_a_file_is_answered_and_followed(desk: Desk) -> None:
    def file(hours: int) -> bytes:
        periods = [
            {"Type": 1, "UID": 1, "Start": f"2026-06-{day:02}T08:00:00", "Finish": f"2026-06-{day + 1:02}T08:00:00", "Unit": 2,
             "Value": f"PT{hours}H0M0S"} for day in (1, 2)
        ]  # fmt: skip
        tasks = [task(1, Summary=1, Work=f"PT{2 * hours}H0M0S"), task(2, OutlineLevel=2, Work=f"PT{2 * hours}H0M0S", ActualWork="PT0H0M0S"),
                 task(3, Work="PT5H0M0S")]  # fmt: skip
        booked = {"UID": 1, "TaskUID": 2, "ResourceUID": 1, "Work": f"PT{2 * hours}H0M0S", "TimephasedData": periods}
        return plan(tasks, Resources=[{"UID": 1, "Name": "Ann", "Type": 1}], Assignments=[booked])

    assert desk.upload(file(8)).state == "finished"
    (project,) = projects.page(desk.hub, projects.Query(), None, 10)
    first = time_phased(desk.hub, project.id, None, None, Step.DAY)
    assert [one.first.day for one in first.periods] == [1, 2]
    assert [one.inside["planned_hours"] for one in first.periods] == [Decimal(8), Decimal(8)]
    assert first.periods[-1].cumulative["planned_hours"] == 16
    assert (first.figures["planned_hours"].known, first.figures["planned_hours"].of) == (1, 2), "of task 3 its hours are known and no day"
    assert first.figures["baseline_hours"].total is None
    assert desk.upload(file(4)).changed["task"] >= 1
    assert time_phased(desk.hub, project.id, None, None, Step.WEEK).figures["planned_hours"].total == 8
