"""Reading a PWA site over real sockets: groups, publications, what may not be read, addresses that lead elsewhere, the end of a site."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from pmo_hub.domain.records import Baseline, CustomValue, Dependency, Identity, Plan, RegisterEntry, StagePassage, WorkItem
from pmo_hub.sdk.contract import Mode, Page, Ref
from pmo_hub.sdk.errors import AuthError, ConfigError, RetiredError, TransientError
from pmo_hub.sdk.testing import MemoryHost
from pmo_hub_jira.simulated_organisation import generate as generate_jira
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulator import Simulator, serve
from tests.connectors.pmo_hub_msproject.lending import START, asked, opened, synced


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(generate(7, 2, START, tasks=12), page_size=5) as served:
        yield served


def _items(host: MemoryHost) -> dict[str, WorkItem]:
    return {r.external_id: r for r in host.owned().values() if isinstance(r, WorkItem)}


def _notices(simulator: Simulator, host: MemoryHost) -> set[str]:
    with opened(simulator) as source:
        found: set[str] = set()
        for partition, page in host.pages(source, Mode.INCREMENTAL):
            host.apply(source, partition, page)
            found.update(page.notices)
        return found


def test_a_first_sync_brings_plans_with_all_that_is_in_them(simulator: Simulator) -> None:
    host = synced(simulator)
    records = host.records().values()
    for kind in (Plan, WorkItem, Dependency, Baseline, RegisterEntry, StagePassage, CustomValue, Identity):
        assert any(isinstance(r, kind) for r in records), f"no {kind.__name__}"
    assert {r.number for r in records if isinstance(r, Baseline)} == {0, 1}
    assert {r.text for r in records if isinstance(r, CustomValue) and r.name == "Workstream"} <= {"Technology", "Organisation"}


def test_the_project_summary_task_is_no_item_and_its_sums_are_the_plans(simulator: Simulator) -> None:
    host = synced(simulator)
    tops = {plan.header["SummaryTaskId"] for plan in simulator.site.plans.values()}
    assert not {i for i in _items(host) if i.rpartition("/")[2] in tops}
    assert {r.external_id for r in host.owned().values() if r.type == "earned_value" and r.item is None} == set(simulator.projects)  # type: ignore[union-attr]
    assert not any(item.parent and item.parent.rpartition("/")[2] in tops for item in _items(host).values())


def test_templates_and_the_timesheets_project_are_not_offered(simulator: Simulator) -> None:
    with opened(simulator) as source:
        assert [s.external_id for s in source.scopes()] == simulator.projects


def test_inserted_and_master_projects_are_offered_as_such(simulator: Simulator) -> None:
    one, other = simulator.projects
    simulator.site.plans[one].header["ProjectType"], simulator.site.plans[other].header["ProjectType"] = 5, 6
    with opened(simulator) as source:
        assert [s.kind for s in source.scopes()] == ["inserted project", "master project"]


def test_only_published_projects_are_read_again_and_only_what_changed_has_other_bytes(simulator: Simulator) -> None:
    host = synced(simulator)
    one, other = simulator.projects
    simulator.mutate("edit", one, publish=False, Name="Drafted")
    asked(simulator)
    with opened(simulator) as source:
        assert not host.sync(source).changed
    simulator.mutate("publish", one)
    asked(simulator)
    with opened(simulator) as source:
        done = host.sync(source)
    assert {ref.kind for ref in done.changed} == {"plan", "task"}
    assert len([ref for ref in done.changed if ref.kind == "task"]) == 1
    assert not [path for path in asked(simulator) if other in path]
    assert "Drafted" in {item.title for item in _items(host).values()}


def test_a_date_that_runs_backwards_is_another_date(simulator: Simulator) -> None:
    host = synced(simulator)
    plan = simulator.site.plans[simulator.projects[0]]
    simulator.mutate("edit", plan.id, Name="From a restored database")
    plan.header["LastPublishedDate"] = "2020-01-01T00:00:00"
    synced(simulator, host)
    assert "From a restored database" in {item.title for item in _items(host).values()}


def test_a_publication_in_the_middle_is_read_again(simulator: Simulator) -> None:
    project = simulator.projects[0]
    simulator.interrupt("TaskLinks", lambda: simulator.mutate("remove", project))
    host = synced(simulator)
    with opened(simulator) as source:
        whole = MemoryHost(MsProjectConnector(), simulator.projects)
        whole.sync(source)
    assert host.owned() == whole.owned()


def test_a_project_that_is_published_all_the_time_is_left_to_the_next_poll(simulator: Simulator) -> None:
    project, simulator.page_size = simulator.projects[0], 200
    simulator.interrupt(f"{project}')/TaskLinks", lambda: simulator.mutate("edit", project, Name="Busy"), times=3)
    host = MemoryHost(MsProjectConnector(), simulator.projects)
    asked(simulator)
    notices = _notices(simulator, host)
    assert any("published again" in notice for notice in notices)
    assert len(asked(simulator, f"{project}')/TaskLinks")) == 3, "read once, and again twice"
    assert not [i for i in _items(host) if i.startswith(project)], "half of one publication and half of another is no plan"
    synced(simulator, host)
    assert [i for i in _items(host) if i.startswith(project)]


def test_a_quiet_poll_of_500_plans_asks_for_the_list_only() -> None:
    with serve(generate(7, 500, START, tasks=4), page_size=100) as served:
        host = MemoryHost(MsProjectConnector(), served.projects)
        for id, plan in served.site.plans.items():
            for kind in ("published", "baselines", "risk", "issue", "stage"):
                host.state[f"{id}/{kind}"] = plan.header["LastPublishedDate"]
        with opened(served) as source:
            source.check()
            assert not source.partitions(tuple(host.scopes), dict(host.state), Mode.INCREMENTAL)
        assert len(asked(served)) == 1 + 6, "the check, and a page for each hundred of 502 projects"


def test_reports_that_are_refused_are_told_and_what_was_read_of_them_stays(simulator: Simulator) -> None:
    host = synced(simulator)
    held = {ref for ref in host.held if ref.kind in ("baselines", "risk", "issue", "stage")}
    simulator.reporting = "refused"
    simulator.mutate("edit", simulator.projects[0], Name="Renamed")
    notices = _notices(simulator, host)
    assert [n for n in notices if "403" in n and "Reporting Service" in n]
    assert "Renamed" in {item.title for item in _items(host).values()}
    assert held <= set(host.held)


def test_reports_that_are_allowed_later_are_read_then(simulator: Simulator) -> None:
    simulator.reporting = "refused"
    host = MemoryHost(MsProjectConnector(), simulator.projects)
    assert _notices(simulator, host)
    assert _notices(simulator, host), "a quiet poll goes on to tell it"
    simulator.reporting = "there"
    assert not _notices(simulator, host)
    assert {ref.kind for ref in host.held} >= {"baselines", "risk", "stage"}


def test_one_set_that_is_refused_leaves_the_others(simulator: Simulator) -> None:
    simulator.refused_sets = {"Risks"}
    host = MemoryHost(MsProjectConnector(), simulator.projects)
    assert [n for n in _notices(simulator, host) if "Risks" in n]
    assert {"baselines", "stage"} <= {ref.kind for ref in host.held}
    assert "risk" not in {ref.kind for ref in host.held}


def test_reports_are_asked_for_in_english_and_by_project(simulator: Simulator) -> None:
    synced(simulator)
    reports = [(path, query) for path, query, _ in simulator.log if "ProjectData" in path]
    assert reports
    assert all("/ProjectData/[en-US]/" in path for path, _ in reports)
    assert all("ProjectId" in query and "expand" not in query for path, query in reports if not path.endswith(("Projects", "')")))


def test_a_site_that_cannot_select_custom_fields_is_asked_for_every_property(simulator: Simulator) -> None:
    simulator.selects_customs = False
    host = synced(simulator)
    assert _items(host)
    assert [query for path, query, status in simulator.log if path.endswith("/Tasks") and "select=*" in query and status == 200]


def test_a_link_to_another_host_is_not_followed(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    paged = Simulator._paged

    def misled(self: Simulator, *arguments: Any, **named: Any) -> bytes:
        return paged(self, *arguments, **named).replace(self.url.encode(), b"http://elsewhere.example/pwa")

    monkeypatch.setattr(Simulator, "_paged", misled)
    with opened(simulator) as source, pytest.raises(ConfigError, match="elsewhere"):
        list(source._client.pages(f"ProjectServer/Projects('{simulator.projects[0]}')/Tasks", "$select=Id"))
    assert len(asked(simulator)) == 1


def test_a_list_that_goes_in_circles_ends(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    paged = Simulator._paged

    def circling(self: Simulator, *arguments: Any, **named: Any) -> bytes:
        return paged(self, *arguments, **named).replace(b"skiptoken=10", b"skiptoken=5")

    monkeypatch.setattr(Simulator, "_paged", circling)
    with opened(simulator) as source, pytest.raises(TransientError, match="circles"):
        list(source._client.pages(f"ProjectServer/Projects('{simulator.projects[0]}')/Tasks", "$select=Id"))


@pytest.mark.parametrize(
    ("fault", "word"),
    [({"kind": "status", "status": 410}, "gone"), ({"kind": "login"}, "log-in page"), ({"kind": "html"}, "web page"),
     ({"kind": "status", "status": 404}, "no such site")],
)  # fmt: skip
def test_answers_of_a_retired_site_are_told_as_such(simulator: Simulator, fault: dict[str, Any], word: str) -> None:
    simulator.fault(times=None, **fault)
    with opened(simulator) as source, pytest.raises(RetiredError, match=word) as told:
        source.check()
    assert told.value.is_certain
    assert len(str(told.value)) <= 400


def test_a_host_that_is_no_more_is_a_doubtful_retirement(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with opened(simulator, url="https://gone.example/pwa") as source:
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        with pytest.raises(RetiredError, match="no address") as told:
            source.check()
    assert not told.value.is_certain


def test_a_site_that_lets_us_see_nothing_is_the_admins_to_mend(simulator: Simulator) -> None:
    simulator.fault("status", status=403, times=None)
    with opened(simulator) as source, pytest.raises(AuthError, match="403"):
        source.check()


def test_a_row_without_an_id_is_rejected_and_the_rest_goes_on(simulator: Simulator) -> None:
    simulator.mutate("draft", simulator.projects[0]).tasks[3]["Id"] = "none"
    simulator.mutate("publish", simulator.projects[0])
    host = synced(simulator)
    assert [why for why in host.quarantine.values() if "task" in why]
    assert _items(host)


def test_tasks_of_other_projects_are_ends_of_links_only(simulator: Simulator) -> None:
    one, other = simulator.projects
    theirs = next(t["Id"] for t in simulator.mutate("draft", other).tasks if not t.get("IsSummary"))
    ours = next(t["Id"] for t in simulator.mutate("draft", one).tasks if not t.get("IsSummary"))
    ghost = simulator.mutate("add", one, publish=False, IsExternalTask=True, ExternalProjectUid=other, ExternalTaskUid=theirs)
    simulator.mutate("link", one, ghost, ours)
    host = synced(simulator)
    assert f"{one}/{ghost}" not in _items(host)
    assert [
        d
        for d in host.owned().values()
        if isinstance(d, Dependency) and (d.predecessor, d.successor) == (f"{other}/{theirs}", f"{one}/{ours}")
    ]


def test_fetch_brings_the_whole_group_and_nothing_of_others(simulator: Simulator) -> None:
    host = synced(simulator)
    risk = next(ref for ref in host.held if ref.kind == "risk")
    with opened(simulator) as source:
        pages: list[Page] = list(source.fetch([risk, Ref("risk", "nowhere")]))
    assert {p.ref.kind for page in pages for p in page.payloads} == {"risk"}
    assert [g.ref.external_id for page in pages for g in page.gone] == ["nowhere"]


def test_the_organisation_shares_its_people_with_the_other_simulators() -> None:
    ours = {person.email for person in generate(5, "small", START).people}
    theirs = {person.email for person in generate_jira(5, "small", START).people if person.email}
    assert len(ours & theirs) >= 15
