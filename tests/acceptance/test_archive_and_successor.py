"""An archive of Project Online and the live plan that follows it: one continuous project, on both engines, over real sockets."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.vocabulary import Kind
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.contract import Connector
from pmo_hub.services import connections, facts, plans, projects, risks, same_as, sync, uploads, work_items
from pmo_hub.services.connections import Draft
from pmo_hub.services.hub import Hub
from pmo_hub.services.projects import NewRule
from pmo_hub.store.base import Base
from pmo_hub.store.repositories.work_items import Filter, Order, StoredItem
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_dataverse import simulator as dataverse
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_msproject import simulator as msproject
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.microsoft import Microsoft
from pmo_hub_msproject.simulated_organisation import generate
from tests.connectors.pmo_hub_mspdi.archives import ARCHIVED, archive_zip, as_json, dumps, task_id

Clock = Callable[[], datetime]
PACKED, DUMPED = "zip", "folder"


@dataclass
class Successor:
    """A live source with one plan: how it is connected, and how somebody renames a task there."""

    connector: Connector
    config: dict[str, Any]
    rename: Callable[[str], object]


@contextmanager
def project_server(clock: Clock) -> Iterator[Successor]:
    with msproject.serve(generate(7, 1, clock(), tasks=12), page_size=50) as site:
        (plan,) = site.projects

        def rename(name: str) -> None:
            site.mutate("edit", plan, publish=True, Name=name)

        yield Successor(MsProjectConnector(Microsoft(served_at=site.base)), dict(site.config()), rename)


@contextmanager
def planner_premium(clock: Clock) -> Iterator[Successor]:
    with dataverse.serve(11, "1x12", clock(), clock=clock) as environment:
        (plan,) = environment.projects

        def rename(name: str) -> None:
            tasks = environment.world.ids("msdyn_projecttasks", _msdyn_project_value=plan)
            environment.world.put("msdyn_projecttasks", {"msdyn_projecttaskid": tasks[0], "msdyn_subject": name})

        yield Successor(DataverseConnector(), dict(environment.config()), rename)


class House:
    """A hub with a connection to files and one to the successor; `later` than real time, which files have: tomorrow at ten."""

    def __init__(self, work: Work, folder: Path, successor: Successor) -> None:
        now = datetime.now(UTC)
        self.later = (now + timedelta(days=1)).replace(hour=10, minute=0) - now
        self.successor = successor
        self.folder = folder / "watched"
        registry = Registry.of(MspdiConnector(), successor.connector)
        self.hub = Hub(
            work, self.clock, registry, SecretBox([bytes(range(32))]), Throttles(), folder / "data", watched_folders=(self.folder,)
        )
        self.live = ""

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.later

    def take_in(self, how: str) -> None:
        """The archive as a zip that somebody uploads, or as a folder of dumps that is watched."""
        if how == PACKED:
            made = connections.create(self.hub, Draft("Archive", "mspdi", {}), "admin")
            kept = uploads.keep(self.hub, made.connection.id, "project-online.zip", io.BytesIO(archive_zip()), "admin")
            assert sync.run(self.hub, kept.run.id).state == "finished"
            return
        self.folder.mkdir()
        for name, rows in dumps().items():
            (self.folder / f"{name}.json").write_bytes(as_json(rows))
        made = connections.create(self.hub, Draft("Archive", "mspdi", {"folder": str(self.folder)}), "admin")
        assert sync.run(self.hub, made.run.id).state == "finished"

    def connect(self) -> None:
        made = connections.create(self.hub, Draft("Live", self.successor.connector.name, self.successor.config), "admin")
        self.live = made.connection.id
        assert sync.run(self.hub, made.run.id).state == "finished"

    def sync(self) -> None:
        assert sync.run(self.hub, sync.request(self.hub, self.live)).state == "finished"

    @property
    def scope(self) -> str:
        """The successor's plan."""
        scopes = Base.metadata.tables["scopes"]
        with self.hub.work.read() as session:
            return str(session.execute(sa.select(scopes.c.id).where(scopes.c.connection_id == self.live)).scalar_one())

    def join(self, until: date) -> str:
        rules = [
            NewRule(self.scope, "all", None, "schedule"),
            NewRule(row_id("file", "scope", ARCHIVED), "all", None, "history", until),
        ]
        return projects.create(self.hub, "Head Office Move", {}, rules, "admin").id

    def wait(self, **span: int) -> None:
        """Time passes, and the hub looks at its clock."""
        self.later += timedelta(**span)
        facts.expire(self.hub)

    def count(self, project: str, as_of: datetime | None = None) -> object:
        found = {one.fact.name: one.fact.value for one in facts.list_facts(self.hub, project, as_of).facts}
        return found["project.item_count"]

    def items(self, project: str, as_of: datetime | None = None) -> list[StoredItem]:
        wanted = work_items.Query(Filter(project_id=project))
        return work_items.page(self.hub, wanted, Order("key", descending=False), None, 200, as_of)

    def counted(self) -> list[StoredItem]:
        """Of the successor alone."""
        page = work_items.page(self.hub, work_items.Query(Filter(counts=True), scope=self.scope), Order("key"), None, 200)
        return [item for item in page if item.counts]


@pytest.fixture(params=[project_server, planner_premium], ids=["project_server", "planner_premium"])
def house(work: Work, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    held: list[House] = []

    def clock() -> datetime:
        return held[0].clock() if held else datetime.now(UTC)

    with request.param(clock) as successor:
        held.append(House(work, tmp_path, successor))
        yield held[0]


def archived(number: int) -> str:
    return row_id("file", "work_item", f"{ARCHIVED}/{task_id(number)}")


@pytest.mark.parametrize("how", [PACKED, DUMPED])
def test_one_project_goes_on_from_its_archive_into_the_live_plan(house: House, how: str) -> None:
    house.take_in(how)
    house.connect()
    own = house.counted()
    assert len(own) >= 5
    today = house.clock().date()
    project = house.join(today)
    # One task and one milestone of the archive; what adds up, was cancelled or is in a register counts nowhere.
    assert house.count(project) == len(own) + 2
    # What was carried over is one piece of work in both, and counts once.
    same_as.add(house.hub, own[0].id, archived(2), "admin")
    assert house.count(project) == len(own) + 1
    until_then = house.clock()
    house.wait(days=2)
    assert house.count(project) == len(own)
    house.successor.rename("Named after the change")
    house.wait(hours=1)
    house.sync()
    assert "Named after the change" in {item.title for item in house.items(project)}
    assert house.count(project) == len(own)

    # As of the last day of the archive: both, counted once, and the successor as it was then.
    assert house.count(project, until_then) == len(own) + 1
    then = {item.title for item in house.items(project, until_then)}
    assert "Order boxes" in then
    assert "Named after the change" not in then

    # What the archive alone knows stays readable, after the change as before it.
    for at in (None, until_then):
        told = {one.plan.name: one for one in plans.project_plans(house.hub, project, at)}
        assert [one.stage for one in told["Head Office Move"].passages] == ["Business case", "Execution"]
        baselines = plans.project_baselines(house.hub, project, 3, None, 200, at)
        assert [one.baseline.item_id for one in baselines if one.baseline.item_id == archived(2)] == [archived(2)]
        assert "Landlord is late" in {one.title for one in risks.project_register(house.hub, Kind.RISK, project, None, None, 200, at)}
        assert "Lift is broken" in {one.title for one in risks.project_register(house.hub, Kind.ISSUE, project, None, None, 200, at)}
    believed = [one.info.plan.name for one in plans.project_earned_value(house.hub, project) if one.is_believed and one.info.plan]
    assert "Head Office Move" not in believed


def test_work_that_the_archive_counted_is_not_lost_when_the_archive_ends(house: House) -> None:
    """Whoever pairs in the other direction has the archive's line count; after the change the successor's does."""
    house.take_in(PACKED)
    house.connect()
    own = house.counted()
    project = house.join(house.clock().date())
    same_as.add(house.hub, archived(2), own[0].id, "admin")
    assert house.count(project) == len(own) + 1
    house.wait(days=2)
    assert house.count(project) == len(own)
