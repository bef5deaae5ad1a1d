"""Worklogs, from the issues that bring them along and from the site's lists of what changed, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import respx

from pmo_hub.domain.records import Identity, Worklog
from pmo_hub.sdk.contract import Mode, Page, Payload, Reason, Ref
from pmo_hub.sdk.errors import AuthError, RecordError, TransientError
from pmo_hub.sdk.testing_host import MemoryHost
from pmo_hub_jira.connector import JiraConnector, JiraSource
from pmo_hub_jira.simulator import Simulator, generate, serve
from pmo_hub_jira.worklogs import map_worklog
from tests.connectors.pmo_hub_jira.lending import START, Lent, Store, opened, run

SITE = generate(7, 60, START, awkward=True)
PAY, ERP, ODD = "10000", "10001", "19999"
API = "/rest/api/3"
FEEDS = (f"{API}/worklog/updated", f"{API}/worklog/deleted", f"{API}/worklog/list")


@pytest.fixture
def jira() -> Iterator[Simulator]:
    with serve(SITE, clock=lambda: START) as simulator:
        yield simulator


@pytest.fixture
def source(jira: Simulator) -> Iterator[JiraSource]:
    with opened(jira.config(), Lent()) as made:
        yield made


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost(JiraConnector(), [PAY, ODD])


def logged(host: MemoryHost) -> dict[str, Worklog]:
    return {record.external_id: record for record in host.owned().values() if isinstance(record, Worklog)}


def at_the_site(jira: Simulator, *projects: str) -> dict[str, float]:
    world = jira.world
    return {str(w.id): w.seconds / 3600 for i in world.visible_issues() if i.project_id in projects for w in world.visible_worklogs(i)}


def hours(host: MemoryHost) -> dict[str, float | None]:
    return {id: worklog.hours for id, worklog in logged(host).items()}


def first(jira: Simulator, project: str) -> int:
    return min(issue.id for issue in jira.world.visible_issues() if issue.project_id == project)


def busy(jira: Simulator) -> Any:
    return next(issue for issue in jira.world.visible_issues() if len(issue.worklogs) == 21)


# What issues bring along


def test_a_first_reading_holds_every_worklog_and_asks_for_none_of_the_sites(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    jira.mutate("log_work", first(jira, PAY), 5400)
    host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)
    assert len(hours(host)) == 23
    asked = [entry.path for entry in jira.log if "worklog" in entry.path]
    # An issue embeds twenty: only the one with twenty-one is asked for them.
    assert asked == [f"{API}/issue/{busy(jira).id}/worklog"]


def test_a_long_list_of_an_issue_is_read_page_by_page(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    jira.limits.worklogs = 4
    host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)
    assert sum(1 for entry in jira.log if entry.path.endswith(f"{busy(jira).id}/worklog")) == 6


def test_an_issue_that_goes_before_its_worklogs_are_asked_for_has_none(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    jira.fault("status", path=f"{API}/issue/{busy(jira).id}/worklog", status=404)
    host.sync(source)
    assert Ref("issue", str(busy(jira).id)) in host.held
    assert len(hours(host)) == 1


def test_a_project_chosen_later_ends_with_all_its_worklogs(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.scopes = [PAY]
    host.sync(source)
    assert hours(host) == {}
    jira.advance(timedelta(days=1))
    jira.mutate("log_work", first(jira, ODD), 60)
    host.sync(source)
    assert hours(host) == {}, "a worklog of a project that nobody chose is left alone"
    host.scopes = [PAY, ODD]
    jira.reset_log()
    host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)
    assert len(hours(host)) == 23
    assert not any(entry.query.get("since") == ["0"] for entry in jira.log), "the whole site is not read again"


def test_an_issue_that_moves_in_brings_its_worklogs(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    moving = first(jira, ERP)
    old = str(jira.mutate("log_work", moving, 7200).id)
    host.sync(source)
    jira.advance(timedelta(days=3))
    jira.mutate("move", moving, "PAY")
    host.sync(source)
    assert hours(host)[old] == 2.0


def test_fetch_brings_an_issue_with_its_worklogs_and_a_worklog_by_itself(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    id = str(busy(jira).id)
    host.sync(source)
    pages = list(source.fetch([Ref("issue", id)]))
    found = {payload.ref: payload for page in pages for payload in page.payloads if payload.ref.kind == "worklog"}
    assert len(found) == 21
    assert all(host.held[ref].payload == payload for ref, payload in found.items())
    (one, *_) = found
    (page,) = source.fetch([one, Ref("worklog", "999999"), Ref("worklog", "no number")])
    assert list(page.payloads) == [found[one]]
    assert [(gone.ref.external_id, gone.reason) for gone in page.gone] == [("999999", Reason.ABSENT)]


# What changed on the site


def test_an_edit_that_leaves_the_issue_alone_arrives(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    issue = busy(jira)
    jira.mutate("edit_worklog", issue.id, issue.worklogs[20].id, 7200, touch=False)
    jira.advance(timedelta(minutes=2))
    done = host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)
    assert hours(host)[str(issue.worklogs[20].id)] == 2.0
    assert done.fetched["issue"] == 0


def test_a_deletion_acts_at_once(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    issue = busy(jira)
    jira.mutate("delete_worklog", issue.id, issue.worklogs[3].id, touch=False)
    jira.advance(timedelta(minutes=2))
    done = host.sync(source)
    assert done.gone == {Ref("worklog", str(issue.worklogs[3].id)): Reason.DELETED}
    assert hours(host) == at_the_site(jira, PAY, ODD)


def test_a_worklog_that_is_restricted_to_others_is_no_longer_shown(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    issue = busy(jira)
    jira.mutate("restrict_worklog", issue.id, issue.worklogs[5].id)
    jira.advance(timedelta(minutes=2))
    done = host.sync(source)
    assert done.gone == {Ref("worklog", str(issue.worklogs[5].id)): Reason.ABSENT}


def test_a_worklog_of_an_unknown_issue_is_no_error(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    jira.mutate("log_work", first(jira, ERP), 60)
    jira.advance(timedelta(minutes=2))
    host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)
    assert host.quarantine == {}


def test_a_worklog_on_a_deleted_issue_ends_with_it(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    issue = busy(jira)
    jira.mutate("edit_worklog", issue.id, issue.worklogs[0].id, 60)
    jira.mutate("delete", issue.id)
    jira.advance(timedelta(minutes=2))
    host.sync(source)
    assert host.quarantine == {}
    assert len(hours(host)) == 22, "the issue is held until two censuses miss it"
    for _ in range(2):
        host.census(source)
    assert len(hours(host)) == 1


def test_a_deletion_is_not_undone_by_a_page_that_was_read_before_it(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    issue = busy(jira)
    stale = [p for page in source.fetch([Ref("issue", str(issue.id))]) for p in page.payloads]
    jira.mutate("delete_worklog", issue.id, issue.worklogs[3].id)
    jira.advance(timedelta(minutes=2))
    host.sync(source)
    zombie = Ref("worklog", str(issue.worklogs[3].id))
    assert zombie not in host.held
    host.apply(source, None, Page([p for p in stale if p.ref == zombie]))
    assert zombie in host.held
    jira.advance(timedelta(minutes=3))
    host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)


@pytest.mark.parametrize("size", [1, 3])
def test_the_lists_are_read_to_their_end_and_go_on_after_a_crash(jira: Simulator, source: JiraSource, size: int) -> None:
    store = Store()
    run(source, [PAY, ODD], store)
    issue = busy(jira)
    for n in range(7):
        jira.advance(timedelta(minutes=20))
        jira.mutate("edit_worklog", issue.id, issue.worklogs[n].id, 60 * (n + 1), touch=False)
    for n in range(10, 14):
        jira.advance(timedelta(minutes=20))
        jira.mutate("delete_worklog", issue.id, issue.worklogs[n].id, touch=False)
    jira.advance(timedelta(minutes=20))
    jira.limits.worklogs = size
    pages = run(source, [PAY, ODD], whole := _copy(store))
    assert pages >= 11 // size
    for crash in range(1, pages):
        broken = _copy(store)
        run(source, [PAY, ODD], broken, most_pages=crash)
        jira.reset_log()
        run(source, [PAY, ODD], broken)
        assert _bodies(broken) == _bodies(whole), f"lost after page {crash}"


def test_more_changes_in_one_millisecond_than_a_page_holds_are_all_found(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    """An import stamps thousands with one time: no page of the list gets past it, so the rest is read from the issues."""
    host.sync(source)
    jira.advance(timedelta(hours=1))
    jira.limits.worklogs = 5
    ids = sorted(issue.id for issue in jira.world.visible_issues() if issue.project_id == PAY)[:9]
    for id in ids:
        jira.mutate("log_work", id, 900)
    for id in ids:
        issue = jira.world.issues[id]
        jira.mutate("edit_worklog", id, issue.worklogs[0].id, 1800, touch=False)
    stamps = {w.updated for id in ids for w in jira.world.issues[id].worklogs}
    assert len(stamps) <= 2, "one millisecond, but for the issues' own times of change"
    jira.advance(timedelta(minutes=2))
    host.sync(source)
    assert hours(host) == at_the_site(jira, PAY, ODD)
    assert any("timespent is not EMPTY" in (entry.body or {}).get("jql", "") for entry in jira.log)


def test_a_list_that_never_moves_on_is_given_up() -> None:
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    with respx.mock(base_url="https://acme.atlassian.net") as router, opened(config) as source:
        date = {"Date": "Mon, 23 Nov 2026 09:05:00 GMT"}
        router.get(f"{API}/worklog/updated").respond(json={"values": [], "lastPage": False, "until": 5}, headers=date)
        partition = source.partitions(["1"], {"worklogs/updated_ms": "5", "worklogs/deleted_ms": "5"}, Mode.INCREMENTAL)[0]
        with pytest.raises(TransientError, match="does not move on from 5"):
            list(source.read(partition))


def test_a_quiet_hour_costs_two_requests_and_moves_only_the_marks(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY, ODD], store)
    before = dict(store.state)
    jira.advance(timedelta(minutes=30))
    jira.reset_log()
    run(source, [PAY, ODD], store)
    assert [entry.path for entry in jira.log if "worklog" in entry.path] == list(FEEDS[:2])
    assert store.state == before
    jira.advance(timedelta(minutes=31))
    run(source, [PAY, ODD], store)
    assert store.state["worklogs/updated_ms"] > before["worklogs/updated_ms"]
    assert store.state["worklogs/deleted_ms"] > before["worklogs/deleted_ms"]


def test_projects_read_before_there_were_worklogs_get_them_all(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY, ODD], store)
    whole = _bodies(store)
    for key in ("worklogs/updated_ms", "worklogs/deleted_ms"):
        del store.state[key]
    store.payloads = {key: payload for key, payload in store.payloads.items() if key[0] != "worklog"}
    jira.advance(timedelta(hours=1))
    run(source, [PAY, ODD], store)
    assert _bodies(store) == whole


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_lists_are_out_of_reach_reading_goes_on_and_says_so(jira: Simulator, source: JiraSource, status: int) -> None:
    store = Store()
    run(source, [PAY, ODD], store)
    jira.fault("status", path=f"{API}/worklog/", status=status, times=None)
    jira.advance(timedelta(hours=1))
    new = str(jira.mutate("log_work", first(jira, PAY), 60).id)
    run(source, [PAY, ODD], store)
    assert new in store.of("worklog")
    (notice,) = (notice for page in store.pages for notice in page.notices)
    assert notice.startswith("Jira does not list changed worklogs to this account")


def test_a_credential_that_is_refused_amid_the_lists_is_no_matter_of_permission(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY, ODD], store)
    jira.fault("status", path=f"{API}/worklog/", status=401, times=None)
    jira.advance(timedelta(hours=1))
    jira.mutate("log_work", first(jira, PAY), 60)
    with pytest.raises(AuthError, match="is not accepted"):
        run(source, [PAY, ODD], store)


# Mapping


def body(**values: Any) -> bytes:
    base = {"id": "7", "issueId": "20001", "timeSpentSeconds": 5400, "started": "2026-03-29T02:30:00.000+0200"}
    return json.dumps(base | values).encode()


def payload(content: bytes) -> Payload:
    return Payload(Ref("worklog", "7"), None, content, part_of=Ref("issue", "20001"))


def test_a_worklog_is_hours_of_somebody_on_an_item() -> None:
    author = {"accountId": "a", "displayName": "Ann", "active": False, "accountType": "atlassian"}
    comment = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Read it"}]}]}
    mapped = map_worklog(payload(body(author=author, comment=comment, updated="2026-03-30T01:00:00.000+0545")))
    (found,) = mapped.owned
    assert isinstance(found, Worklog)
    assert (found.external_id, found.item, found.author, found.hours, found.body) == ("7", "20001", "a", 1.5, "Read it")
    # The hour that summer time skips, and a quarter of an hour's zone: instants all the same.
    assert found.started_at is not None
    assert found.started_at.isoformat() == "2026-03-29T00:30:00+00:00"
    assert found.updated_at is not None
    assert found.updated_at.isoformat() == "2026-03-29T19:15:00+00:00"
    assert list(mapped.mentioned) == [Identity("a", "Ann", None, False, "atlassian")]


@pytest.mark.parametrize(
    ("values", "hours", "started"),
    [
        ({"timeSpentSeconds": None, "started": None}, None, None),
        ({"timeSpentSeconds": 0, "started": "51502-01-01T00:00:00.000+0000"}, 0, None),
    ],
)
def test_what_a_worklog_does_not_tell_is_unknown(values: dict[str, Any], hours: float | None, started: Any) -> None:
    (found,) = map_worklog(payload(body(**values))).owned
    assert isinstance(found, Worklog)
    assert (found.hours, found.started_at, found.author, found.body) == (hours, started, None, None)


@pytest.mark.parametrize("content", [b"[]", b'{"id": 7}', b'{"id": "7", "timeSpentSeconds": "much"}'])
def test_a_worklog_of_another_shape_is_refused(content: bytes) -> None:
    with pytest.raises(RecordError, match="worklog 7 can't be mapped"):
        map_worklog(payload(content))
    with pytest.raises(RecordError, match="does not say which issue"):
        map_worklog(Payload(Ref("worklog", "7"), None, body()))


def test_an_unreadable_worklog_is_rejected_alone(jira: Simulator, source: JiraSource, host: MemoryHost) -> None:
    host.sync(source)
    jira.advance(timedelta(hours=1))
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    with respx.mock(base_url="https://acme.atlassian.net") as router, opened(config) as other:
        router.post(f"{API}/worklog/list").respond(json=[{"id": "1"}, {"id": "2", "issueId": "9"}, {"issueId": "9"}])
        (page,) = other.fetch([Ref("worklog", "1"), Ref("worklog", "2"), Ref("worklog", "3")])
    assert [p.ref.external_id for p in page.payloads] == ["2"]
    assert [r.ref for r in page.rejected] == [Ref("worklog", "1"), None]
    assert page.gone == [], "the nameless one may be the third"


def _copy(store: Store) -> Store:
    made = Store()
    made.payloads, made.state = dict(store.payloads), dict(store.state)
    return made


def _bodies(store: Store) -> dict[str, bytes]:
    return {id: payload.body for id, payload in store.of("worklog").items()}
