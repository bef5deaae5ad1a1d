"""What real Jira sites are known to do, case by case, and the test that fails without its handling (`here` is this module).

case                                       | module           | test
-------------------------------------------|------------------|-----
empty page with a token                    | test_reading     | test_no_trap_of_paging_loses_an_issue
empty pages that never move on             | test_reading     | test_empty_pages_that_never_move_on_are_an_error
repeated token                             | test_reading     | test_a_repeated_token_is_an_error_and_never_success
expired token                              | test_reading     | test_an_expired_token_restarts_from_the_last_creation_seen
page shorter than asked for, in the middle | test_reading     | test_no_trap_of_paging_loses_an_issue
listing that breaks off unseen             | test_reading     | test_a_listing_that_breaks_off_is_read_a_second_time
410 of a removed operation                 | test_connector   | test_each_failure_of_a_check_is_one_clear_sentence
429 with 0, seconds, a date or nothing     | test_connector   | test_a_rate_limit_is_waited_for
429 with 1800 seconds                      | test_reading     | test_a_wait_of_half_an_hour_ends_the_run_and_the_next_goes_on
503 and other failures of the server       | test_bad_input   | test_what_passes_while_a_run_waits_is_no_failure
HTML with status 200                       | test_bad_input   | test_a_run_that_breaks_off_says_why_once_and_the_next_one_makes_it_good
truncated JSON                             | test_reading     | test_no_trap_of_paging_loses_an_issue
read timeout on page 3, resumed            | here             | test_a_read_timeout_on_the_third_page_costs_that_page_alone
issue updated during the sweep             | test_reading     | test_an_issue_touched_during_the_read_is_found_by_the_next
user's zone +05:45, hour of the DST change | test_reading     | test_the_callers_time_zone_changes_nothing
timestamps in a zone of +05:45             | here             | test_instants_in_any_zone_are_the_same_instants
key renamed                                | here             | test_a_renamed_key_is_the_same_issue
issue in two sprints                       | here             | test_an_issue_in_two_sprints_is_in_both
sprint called `A, id=9, name=B]`           | here             | test_a_sprint_may_be_called_like_the_text_of_another
ADF null, unknown nodes                    | test_adf         | test_a_document_reads_as_its_text
ADF ten thousand levels deep               | test_mapping     | test_an_issue_nested_ten_thousand_levels_is_mapped
two ends of a link                         | test_mapping     | test_a_link_seen_from_both_ends_is_one_dependency
epic link and parent both                  | here             | test_a_parent_goes_before_an_epic_link
Chinese names of statuses and types        | here             | test_names_in_any_script_are_read_by_their_ids
inactive, app and deleted users            | here             | test_users_may_be_inactive_apps_or_deleted
points 0 and null                          | here             | test_zero_points_are_not_no_points
worklog on a deleted issue                 | test_worklogs    | test_a_worklog_on_a_deleted_issue_ends_with_it
twenty-one worklogs                        | test_worklogs    | test_a_first_reading_holds_every_worklog_and_asks_for_none_of_the_sites
year 51502                                 | test_mapping     | test_dates_out_of_our_centuries_are_unknown
a hundred and one histories                | here             | test_a_hundred_and_one_changes_all_arrive
unauthorised, expired and wrong tokens     | test_connector   | test_an_expired_token_is_told_from_a_wrong_one
project that vanished                      | test_reading     | test_a_project_that_vanished_is_named
boards out of reach                        | test_agile       | test_where_boards_are_out_of_reach_sprints_come_from_the_issues
sprints out of reach                       | test_agile       | test_where_sprints_alone_are_out_of_reach_boards_stay
more than fifty sprints on a board         | here             | test_a_board_with_sixty_sprints_has_sixty
release moved without any issue            | here             | test_a_release_that_is_moved_is_noticed_though_no_issue_changed
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from pmo_hub.domain.records import Component, Identity, Iteration, Transition, Version
from pmo_hub.domain.vocabulary import Field, IterationState, Kind, StatusCategory
from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.errors import AuthError, TransientError
from pmo_hub_jira.connector import JiraSource
from pmo_hub_jira.instants import instant, version_of
from pmo_hub_jira.simulated_site import Sprint
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira.issues import issue, mapped, mentioned, owned, scope, site, status, user
from tests.connectors.pmo_hub_jira.lending import START, Lent, Store, opened, records_of, run

SITE = generate(7, 60, START, awkward=True)
SEARCH = "/rest/api/3/search/jql"
PAY, ERP, ODD = "10000", "10001", "19999"


@pytest.fixture
def jira() -> Iterator[Simulator]:
    with serve(SITE, clock=lambda: START) as simulator:
        yield simulator


@pytest.fixture
def source(jira: Simulator) -> Iterator[JiraSource]:
    with opened(jira.config(), Lent()) as made:
        yield made


def table() -> list[tuple[str, str, str]]:
    rows = [tuple(cell.strip() for cell in line.split("|")) for line in (__doc__ or "").splitlines() if line.count("|") == 2]
    return [(case, module, test) for case, module, test in rows[2:]]


def test_every_case_of_the_table_has_its_test() -> None:
    here = Path(__file__)
    folders = {"test_bad_input": here.parents[2] / "acceptance"}
    assert len(table()) > 30
    for case, module, test in table():
        file = here if module == "here" else folders.get(module, here.parent) / f"{module}.py"
        assert f"def {test}(" in file.read_text(encoding="utf-8"), case


# Paging


def test_a_read_timeout_on_the_third_page_costs_that_page_alone() -> None:
    simulator = Simulator(SITE, lambda: START)
    simulator.limits.fields = 5
    failing = {"on": False}
    asked: list[bool] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == SEARCH:
            asked.append("nextPageToken" in json.loads(request.content))
            if failing["on"] and len(asked) >= 3:
                raise httpx.ReadTimeout("no answer", request=request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = simulator.answer(request.method, request.url.path, request.url.query.decode(), headers, request.content)
        return httpx.Response(found.status, content=found.body, headers=list(found.headers))

    store = Store()
    with respx.mock(base_url=simulator.url) as router:
        router.route().mock(side_effect=answer)
        failing["on"] = True
        with opened(simulator.config(), lent := Lent()) as source, pytest.raises(TransientError):
            run(source, [PAY], store)
        assert lent.waits, "the page is asked for again before the run is given up"
        assert len(store.of("issue")) == 10
        failing["on"] = False
        asked.clear()
        with opened(simulator.config(), Lent()) as source:
            run(source, [PAY], store)
    assert asked[0], "the next run goes on with the third page"
    assert set(store.of("issue")) == {str(i.id) for i in simulator.world.visible_issues() if i.project_id == PAY}


def test_a_hundred_and_one_changes_all_arrive(jira: Simulator, source: JiraSource) -> None:
    target = next(i for i in jira.world.visible_issues() if i.project_id == ERP)
    jira.mutate("add_history", target.id, 101 - len(target.histories))
    jira.limits.histories = 100
    store = Store()
    run(source, [ERP], store)
    assert sum(1 for id in store.of("history") if id.startswith(f"{target.id}:")) == 101


def test_a_board_with_sixty_sprints_has_sixty(jira: Simulator, source: JiraSource) -> None:
    """More may be asked for than fifty a page: the answer holds fifty all the same."""
    world = jira.world
    board = next(b for b in world.boards.values() if b.project_id == PAY)
    ids = tuple(range(7_000, 7_060))
    for id in ids:
        world.put_sprint(Sprint(id, f"Sprint {id}", "future", board.id, START))
    world.boards[board.id] = replace(board, sprint_ids=ids)
    store = Store()
    run(source, [PAY], store)
    assert set(store.of("sprint")) == {str(id) for id in ids}


# Time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T00:10:00.000+0545", datetime(2026, 2, 28, 18, 25, tzinfo=UTC)),
        # Half past two happens twice where summer time ends, and not at all where it begins.
        ("2026-10-25T02:30:00.000+0200", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00.000+0100", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-03-29T02:30:00.000+0100", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_instants_in_any_zone_are_the_same_instants(text: str, moment: datetime) -> None:
    assert instant(text) == moment
    assert version_of(text) == moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "what is newer is told by the instant, not by the text"
    found = owned(mapped(issue(created=text, duedate="2026-03-01")), "work_item")[0]
    assert (found.created_at, found.due) == (moment, date(2026, 3, 1))


# Identity


def test_a_renamed_key_is_the_same_issue(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY, ERP], store)
    target = next(i for i in jira.world.visible_issues() if i.project_id == ERP)
    jira.advance(timedelta(minutes=30))
    key = jira.mutate("move", target.id, "PAY").key
    run(source, [PAY, ERP], store)
    found = records_of(source, [PAY, ERP], store)
    (item,) = (r for r in found[f"issue {target.id}"] if getattr(r, "type", None) == "work_item")
    assert (item.external_id, item.key) == (str(target.id), key)  # type: ignore[attr-defined]
    assert sum(1 for id in store.of("issue") if id == str(target.id)) == 1
    told = [r for records in found.values() for r in records if isinstance(r, Transition) and r.item == str(target.id)]
    assert {r.field: (r.from_text, r.to_text) for r in told if r.field is Field.KEY} == {Field.KEY: (target.key, key)}


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"active": False}, (False, "atlassian", "ann@acme.example")),
        ({"accountType": "app", "emailAddress": ""}, (True, "app", None)),
        ({"accountType": "customer"}, (True, "customer", "ann@acme.example")),
        ({"displayName": "Former user", "active": False, "accountType": "unknown", "emailAddress": None}, (False, "unknown", None)),
    ],
)
def test_users_may_be_inactive_apps_or_deleted(changes: dict[str, Any], kept: tuple[Any, ...]) -> None:
    result = mapped(issue(assignee=user("Ann", **changes)))
    assert owned(result, "work_item")[0].assignee == "id-ann"
    (found,) = mentioned(result, "identity")
    assert isinstance(found, Identity)
    assert (found.is_active, found.account_type, found.email) == kept


def test_names_in_any_script_are_read_by_their_ids() -> None:
    started = status("3", "处理中", "indeterminate")
    defect = {"id": "10104", "name": "缺陷", "subtask": False, "hierarchyLevel": 0}
    child = {"id": "10103", "name": "子任务", "subtask": True, "hierarchyLevel": -1}
    (bug,) = owned(mapped(issue(status=started, issuetype=defect)), "work_item")
    assert (bug.status_category, bug.original_status, bug.kind) == (StatusCategory.IN_PROGRESS, "处理中", Kind.BUG)
    (sub,) = owned(mapped(issue(status=status("6", "已取消", "done"), issuetype=child)), "work_item")
    assert (sub.status_category, sub.kind, sub.counts) == (StatusCategory.CANCELLED, Kind.SUB_ITEM, False)


# Sprints, parents, points


def sprint(id: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "state": "active", "boardId": 1, "goal": ""} | more


def test_an_issue_in_two_sprints_is_in_both() -> None:
    fields: dict[str, Any] = {"customfield_10020": [sprint(7, "A"), sprint(9, "B"), sprint(7, "A")]}
    for agile in (True, False):
        result = mapped(issue(**fields), references=[site(agile=agile), scope()])
        assert owned(result, "work_item")[0].iterations == ("7", "9")
        assert {r.external_id for r in mentioned(result, "iteration")} == (set() if agile else {"7", "9"})


def test_a_sprint_may_be_called_like_the_text_of_another(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [ODD], store)
    found = records_of(source, [ODD], store)
    sprints = {r.name: r for records in found.values() for r in records if isinstance(r, Iteration)}
    names = {s.name for s in jira.world.sprints.values() if jira.world.boards[s.board_id].project_id == ODD}
    assert names == {"A, id=9, name=B]", "Sprint [state=CLOSED,goal=<null>]"}
    assert set(sprints) == names
    assert all(sprints[name].state is IterationState.ACTIVE for name in names)


def test_a_parent_goes_before_an_epic_link() -> None:
    parent = {"id": "20009", "key": "ERP-9"}
    both = mapped(issue(parent=parent, customfield_10014="ERP-5"))
    assert owned(both, "work_item")[0].parent == "20009"
    assert owned(both, "custom_value") == []
    only = mapped(issue(customfield_10014="ERP-5"))
    assert owned(only, "work_item")[0].parent is None
    assert [value.text for value in owned(only, "custom_value")] == ["ERP-5"]


@pytest.mark.parametrize(("given", "points"), [(0, 0.0), (0.0, 0.0), (None, None), (0.5, 0.5)])
def test_zero_points_are_not_no_points(given: float | None, points: float | None) -> None:
    # The other field of points stands in only where the first has none.
    result = mapped(issue(customfield_10026=given, customfield_10016=8.0), references=[site(), scope("customfield_10026")])
    assert owned(result, "work_item")[0].points == (8.0 if points is None else points)
    assert owned(mapped(issue(customfield_10026=given)), "work_item")[0].points == points


# Versions and components


def plan(source: JiraSource, store: Store, id: str) -> dict[str, Any]:
    found = records_of(source, [ERP], store)[f"releases {id}"]
    return {r.external_id: r for r in found if isinstance(r, Version | Component)}


def test_versions_and_components_are_whole(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [ERP, ODD], store)
    project = jira.world.projects[ERP]
    found = plan(source, store, ERP)
    for version in project.versions:
        assert found[version.id] == Version(version.id, version.name, version.released, version.archived, version.start, version.release)
    assert {c.id: c.lead for c in project.components} == {c.id: found[c.id].lead for c in project.components}
    assert any(component.lead for component in project.components)
    assert set(store.of("releases")) == {ERP}, "a project without any has no payload"
    assert [e.path for e in jira.log if e.path.endswith("/components")] == [f"/rest/api/3/project/{ERP}/components"]


def test_a_release_that_is_moved_is_noticed_though_no_issue_changed(jira: Simulator) -> None:
    lent = Lent()
    with opened(jira.config(), lent) as source:
        store = Store()
        run(source, [ERP], store)
        project = jira.world.projects[ERP]
        first = replace(project.versions[0], release=date(2027, 1, 1), released=True, archived=True)
        jira.world.projects[ERP] = replace(project, versions=(first, *project.versions[1:]))
        for hours, moved in ((5, False), (2, True)):
            jira.advance(timedelta(hours=hours))
            lent.advance(timedelta(hours=hours))
            run(source, [ERP], store)
            assert (plan(source, store, ERP)[first.id].released_on == date(2027, 1, 1)) is moved


@pytest.mark.parametrize("status", [403, 404])
def test_where_projects_tell_no_versions_issues_do(jira: Simulator, source: JiraSource, status: int) -> None:
    jira.fault("status", path=f"/rest/api/3/project/{ERP}", status=status, times=None)
    store = Store()
    run(source, [ERP], store, Mode.FULL)
    assert store.of("releases") == {}
    found = [r for records in records_of(source, [ERP], store).values() for r in records if isinstance(r, Version)]
    used = {v for i in jira.world.visible_issues() if i.project_id == ERP for v in i.values.get("fixVersions") or ()}
    assert {r.external_id for r in found} == used


def test_a_credential_that_is_refused_amid_the_versions_is_told(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path=f"/rest/api/3/project/{ERP}", status=401, times=None)
    with pytest.raises(AuthError, match="is not accepted"):
        run(source, [ERP], Store(), Mode.FULL)
