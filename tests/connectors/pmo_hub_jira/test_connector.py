"""The plugin and its source against the simulator: signing in, what may be chosen, dictionaries, fetches, the census."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import respx

from pmo_hub.domain.records import WorkItem
from pmo_hub.sdk.contract import CONTRACT_VERSION, Capability, Connector, Listing, Mode, Partition, Reason, Ref, Selecting, Source
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, ScopeError, TransientError
from pmo_hub_jira.client import Refused
from pmo_hub_jira.connector import JiraConnector, JiraSource
from pmo_hub_jira.reference import SYSTEM_FIELDS
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira import vendor_specification
from tests.connectors.pmo_hub_jira.lending import START, Lent, Store, opened, records_of, run

SITE = generate(7, 150, START, awkward=True)
API = "/rest/api/3"
PAY, ERP, ODD = "10000", "10001", "19999"


@pytest.fixture
def jira() -> Iterator[Simulator]:
    with serve(SITE, clock=lambda: START) as simulator:
        yield simulator


@pytest.fixture
def source(jira: Simulator) -> Iterator[JiraSource]:
    with opened(jira.config()) as made:
        yield made


def issue_ids(jira: Simulator, *projects: str) -> set[str]:
    return {str(issue.id) for issue in jira.world.visible_issues() if not projects or issue.project_id in projects}


def fetched(source: JiraSource, *refs: Ref) -> Store:
    store = Store()
    for page in source.fetch(refs):
        store.commit(Partition("fetch", (), {}, Mode.INCREMENTAL), page)
    return store


# The plugin


def test_the_plugin_keeps_the_contract(source: JiraSource) -> None:
    connector: Connector = JiraConnector()
    opened_source: Source = source
    assert opened_source is source
    assert (connector.name, connector.contract, connector.census_kinds) == ("jira", CONTRACT_VERSION, ("issue",))
    asked = {Capability.INCREMENTAL, Capability.CENSUS, Capability.QUERY, Capability.AUTHORIZE, Capability.HOOKS}
    assert connector.capabilities == asked
    assert isinstance(source, Selecting)


# Signing in


def test_a_check_says_who_we_are(jira: Simulator, source: JiraSource) -> None:
    assert source.check() == "Signed in to 127.0.0.1 as Portfolio Sync, whose permissions decide what is seen."
    assert next(entry.path for entry in jira.log) == f"{API}/myself"


@pytest.mark.parametrize("answer", ["anonymous", "401"])
def test_a_wrong_token_is_refused_before_anything_else_is_believed(answer: str) -> None:
    with serve(SITE, wrong_token=answer) as jira, opened(jira.config() | {"token": "wrong"}) as source:
        for attempt in (source.check, lambda: list(source.scopes()), lambda: run(source, [PAY], Store())):
            with pytest.raises(AuthError, match=r"create a new|not accept"):
                attempt()


def test_an_expired_token_is_told_from_a_wrong_one(jira: Simulator) -> None:
    config = jira.config() | {"token": jira.expired_token}
    with opened(config) as source, pytest.raises(AuthError, match=r"has expired \(401\); create a new one"):
        source.check()


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ({"kind": "html"}, ConfigError, "answered with a web page, not JSON; check the URL"),
        ({"kind": "status", "status": 410}, ConfigError, "update pmo-hub"),
        ({"kind": "status", "status": 404}, ConfigError, "does not answer as Jira Cloud does; check the URL"),
        ({"kind": "status", "status": 403}, AuthError, "check the permissions"),
        ({"kind": "status", "status": 500}, TransientError, "failed with status 500, 5 attempts"),
        ({"kind": "status", "status": 503, "retry_after": 5}, TransientError, "failed with status 503, 5 attempts"),
        ({"kind": "status", "status": 429, "retry_after": 0}, TransientError, "refuses more requests for now"),
        ({"kind": "status", "status": 429, "retry_after": "date:30"}, TransientError, "refuses more requests for now"),
        ({"kind": "truncated"}, TransientError, "5 attempts in a row"),
        ({"kind": "reset"}, TransientError, "5 attempts in a row"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_each_failure_of_a_check_is_one_clear_sentence(
    jira: Simulator, source: JiraSource, fault: dict[str, Any], kind: type[ConnectorError], words: str
) -> None:
    jira.fault(path=f"{API}/myself", times=None, **fault)
    with pytest.raises(kind) as raised:
        source.check()
    assert isinstance(raised.value, kind)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("retry_after", "waited_s"), [(0, 1.5), (7, 7.5), ("date:20", 20.5), (None, 1.0)])
def test_a_rate_limit_is_waited_for(jira: Simulator, retry_after: Any, waited_s: float) -> None:
    lent = Lent()
    jira.fault("status", path=f"{API}/myself", status=429, retry_after=retry_after)
    with opened(jira.config(), lent) as source:
        assert source.check()
    # The date is told in whole seconds.
    assert sum(lent.waits) == pytest.approx(waited_s, abs=1.1 if isinstance(retry_after, str) else 0.01)


def test_a_rate_limit_of_half_an_hour_is_the_hosts_to_wait_for(jira: Simulator) -> None:
    lent = Lent()
    jira.fault("status", path=f"{API}/myself", status=429, retry_after=1800, reason="jira-quota-tenant-based")
    with opened(jira.config(), lent) as source, pytest.raises(TransientError) as raised:
        source.check()
    assert raised.value.retry_after == timedelta(seconds=1800)
    assert lent.waits == []


def test_no_error_and_no_log_holds_the_token(jira: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = "s3cret-t0ken-value"
    with opened(jira.config() | {"token": token}) as source:
        for attempt in (source.check, lambda: list(source.scopes())):
            with pytest.raises(ConnectorError) as raised:
                attempt()
            assert token not in "".join(traceback.format_exception(raised.value))
    assert token not in caplog.text
    assert "Authorization: Basic" not in caplog.text


# The site


def test_the_namespace_is_the_cloud_id_under_either_address(jira: Simulator, source: JiraSource) -> None:
    assert source.namespace() == jira.world.site.cloud_id
    with opened(jira.config() | {"url": "https://api.atlassian.com/ex/jira/11111111-2222"}) as gateway:
        assert gateway.namespace() == "11111111-2222"


def test_a_site_without_a_cloud_id_is_named_by_its_base_address(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path="/_edge/tenant_info", status=404, times=None)
    assert source.namespace() == jira.world.site.base_url


def test_a_failing_tenant_is_no_reason_for_another_namespace(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path="/_edge/tenant_info", status=500, times=None)
    with pytest.raises(TransientError):
        source.namespace()


def test_the_scopes_are_the_projects_that_may_be_browsed(jira: Simulator, source: JiraSource) -> None:
    jira.mutate("revoke_project", "ERP")
    found = {scope.external_id: scope for scope in source.scopes()}
    assert set(found) == set(jira.projects)
    assert (found[PAY].name, found[PAY].kind) == ("Payments Platform", "project")
    assert found[PAY].estimate == len(issue_ids(jira, PAY))
    assert found[PAY].url == f"{jira.world.site.base_url}/browse/PAY"


def test_reading_the_dictionaries_twice_gives_the_same_bytes(jira: Simulator, source: JiraSource) -> None:
    first = list(source.reference(jira.projects))
    with opened(jira.config()) as later:
        assert list(later.reference(jira.projects)) == first
    assert [reference.scope for reference in first] == [None, *jira.projects]


def test_a_dictionary_holds_what_mapping_reads_and_no_more(jira: Simulator, source: JiraSource) -> None:
    (site, scope) = source.reference([PAY])
    found = json.loads(site.body)
    assert set(found) == {"base_url", "agile", "fields", "statuses", "types", "priorities", "blocking", "asked"}
    assert found["priorities"] == {"1": 100, "2": 75, "3": 50, "4": 25, "5": 0}
    assert found["statuses"] == {status.id: status.category for status in jira.world.dictionary.statuses}
    assert found["base_url"] == jira.world.site.base_url
    assert set(SYSTEM_FIELDS) < set(found["asked"])
    assert found["asked"] == sorted(found["asked"])
    assert b"avatar" not in site.body
    board = next(board for board in jira.world.boards.values() if board.project_id == PAY)
    assert json.loads(scope.body) == {"estimation": board.estimation_field}


@pytest.mark.parametrize("status", [403, 404])
def test_a_site_whose_priorities_may_not_be_read_is_read_without(jira: Simulator, source: JiraSource, status: int) -> None:
    jira.fault("status", path=f"{API}/priorityscheme", status=status)
    (site, _) = source.reference([PAY])
    assert json.loads(site.body)["priorities"] == {}


def test_a_site_without_links_is_read_without(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path=f"{API}/issueLinkType", status=404)
    (site, _) = source.reference([PAY])
    assert json.loads(site.body)["blocking"] == []


def test_every_issue_of_the_site_maps(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, jira.projects, store)
    records = [record for found in records_of(source, jira.projects, store).values() for record in found]
    items = {record.external_id: record for record in records if isinstance(record, WorkItem)}
    assert set(items) == issue_ids(jira)
    for id, item in items.items():
        issue = jira.world.issues[int(id)]
        assert (item.key, item.title) == (issue.key, issue.values["summary"])
        assert item.original_status_id == issue.values["status"]
        assert item.assignee == (issue.values.get("assignee") or None)
        assert item.iterations == tuple(map(str, issue.values.get("customfield_10020") or ()))


# What is read


def test_partitions_are_a_back_fill_for_what_is_new_and_chunks_for_the_rest(source: JiraSource) -> None:
    covered = [str(n) for n in range(10_000, 10_450)]
    state = {f"{id}/watermark_ms": "1" for id in covered}
    found = source.partitions([*covered, "7", "12"], state, Mode.INCREMENTAL)
    assert [(p.name, p.mode) for p in found if p.name.isalpha()] == [
        ("worklogs", Mode.INCREMENTAL),
        ("agile", Mode.INCREMENTAL),
        ("releases", Mode.INCREMENTAL),
    ]
    # Before anything else, so that their first mark is older than every issue that is read.
    assert found[0].name == "worklogs"
    assert [(p.name, p.scopes, p.mode) for p in found if p.name.isdigit()] == [("7", ("7",), Mode.FULL), ("12", ("12",), Mode.FULL)]
    chunks = [p for p in found if "/" in p.name]
    assert [len(p.scopes) for p in chunks] == [200, 200, 50]
    assert {p.mode for p in chunks} == {Mode.INCREMENTAL}
    assert sorted(id for p in chunks for id in p.scopes) == covered
    assert all(p.name.startswith("updates/") and dict(p.state) == {f"{id}/watermark_ms": "1" for id in p.scopes} for p in chunks)
    again = source.partitions([*reversed(covered), "12", "7"], state, Mode.INCREMENTAL)
    assert [p.name for p in again] == [p.name for p in found]


def test_a_full_run_is_a_partition_a_project(source: JiraSource) -> None:
    found = source.partitions([PAY, ERP], {f"{PAY}/watermark_ms": "1"}, Mode.FULL)
    assert [(p.name, p.mode) for p in found] == [
        ("worklogs", Mode.INCREMENTAL),
        (PAY, Mode.FULL),
        ("agile", Mode.FULL),
        (ERP, Mode.FULL),
        ("releases", Mode.FULL),
    ]
    assert dict(found[1].state) == {f"{PAY}/watermark_ms": "1"}


# Fetching


def test_fetch_gives_the_bytes_that_read_gave(jira: Simulator, source: JiraSource) -> None:
    read = Store()
    run(source, jira.projects, read)
    found = fetched(source, *(Ref("issue", id) for id in issue_ids(jira)))
    kinds = ("issue", "history", "comments", "worklog")
    assert found.payloads == {key: payload for key, payload in read.payloads.items() if key[0] in kinds}


def test_what_jira_no_longer_shows_is_absent(jira: Simulator, source: JiraSource) -> None:
    kept, deleted, hidden = sorted(issue_ids(jira, ERP))[:3]
    jira.mutate("delete", deleted)
    jira.mutate("revoke_issue", hidden)
    store = fetched(source, Ref("issue", kept), Ref("issue", deleted), Ref("issue", hidden))
    assert set(store.of("issue")) == {kept}
    gone = [gone for page in store.pages for gone in page.gone if gone.ref.kind == "issue"]
    assert {(g.ref.external_id, g.reason) for g in gone} == {(deleted, Reason.ABSENT), (hidden, Reason.ABSENT)}


def test_what_moved_comes_under_its_new_project(jira: Simulator, source: JiraSource) -> None:
    moved = min(issue_ids(jira, ERP))
    jira.mutate("move", moved, "PAY")
    payload = fetched(source, Ref("issue", moved)).of("issue")[moved]
    assert payload.scope == PAY
    assert json.loads(payload.body)["key"].startswith("PAY-")


def test_a_dependent_is_fetched_with_its_issue(jira: Simulator, source: JiraSource) -> None:
    issue = next(issue for issue in jira.world.visible_issues() if issue.histories)
    whole = fetched(source, Ref("issue", str(issue.id)))
    assert whole.of("history")
    for ref in (Ref("history", f"{issue.id}:{issue.histories[0].id}"), Ref("comments", str(issue.id))):
        assert fetched(source, ref).payloads == whole.payloads


def test_an_issue_that_jira_failed_to_return_is_not_taken_for_gone() -> None:
    answer = {"issues": [], "issueErrors": [{"id": "1", "errorMessage": "Payload too large"}]}
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    with respx.mock(base_url="https://acme.atlassian.net") as router, opened(config) as source:
        router.get(f"{API}/field").respond(json=[])
        router.post(f"{API}/issue/bulkfetch").respond(json=answer)
        (page,) = source.fetch([Ref("issue", "1"), Ref("issue", "2")])
    assert [(r.ref, r.why) for r in page.rejected] == [(Ref("issue", "1"), "Jira could not return the issue: Payload too large")]
    assert [g.ref for g in page.gone] == [Ref("issue", "2")]


def test_an_unreadable_issue_is_not_taken_for_gone(jira: Simulator, source: JiraSource) -> None:
    first, second = sorted(issue_ids(jira, PAY), key=int)[:2]
    jira.fault("field_value", path=f"{API}/issue/bulkfetch", issue=first, field="id", value=None)
    store = fetched(source, Ref("issue", first), Ref("issue", second))
    assert set(store.of("issue")) == {second}
    assert [gone for page in store.pages for gone in page.gone if gone.ref.kind == "issue"] == []


# The census


def test_the_census_lists_every_id_once(jira: Simulator, source: JiraSource) -> None:
    jira.limits.ids = 20
    listings = list(source.census(jira.projects))
    ids = [id for listing in listings for id in listing.ids]
    assert sorted(ids) == sorted(issue_ids(jira))
    assert [listing.last for listing in listings] == [False] * (len(listings) - 1) + [True]
    assert {listing.scopes for listing in listings} == {tuple(sorted(jira.projects, key=lambda id: (len(id), id)))}
    assert {listing.kind for listing in listings} == {"issue"}
    assert {tuple(entry.body["fields"]) for entry in jira.log} == {("id",)}


def test_the_census_takes_two_hundred_projects_at_a_time() -> None:
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    with respx.mock(base_url="https://acme.atlassian.net") as router, opened(config) as source:
        route = router.post(f"{API}/search/jql").respond(json={"issues": [], "isLast": True})
        listings = list(source.census([str(n) for n in range(10_000, 11_000)]))
    assert route.call_count == 5
    assert [(len(listing.scopes), listing.last) for listing in listings] == [(200, True)] * 5


def test_half_a_census_never_closes(jira: Simulator, source: JiraSource) -> None:
    jira.limits.ids = 20
    jira.fault("repeated_token", path=f"{API}/search/jql", nth=2)
    listings: list[Listing] = []
    with pytest.raises(TransientError, match="repeated a page token"):
        listings.extend(source.census([PAY, ERP]))
    assert listings
    assert not any(listing.last for listing in listings)


def test_a_census_names_the_project_that_vanished(jira: Simulator, source: JiraSource) -> None:
    jira.mutate("revoke_project", "ERP")
    with pytest.raises(ScopeError) as raised:
        list(source.census([PAY, ERP]))
    assert raised.value.scope == ERP


def test_a_census_that_is_refused_blames_no_project(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path=f"{API}/search/jql", status=400)
    with pytest.raises(Refused):
        list(source.census([PAY, ERP]))


# The vendor's specification


def test_every_request_is_one_that_the_vendor_specifies(jira: Simulator, shared_folder: Path) -> None:
    jira.limits.fields, jira.limits.histories, jira.limits.ids = 5, 40, 20
    lent = Lent()
    store = Store()
    with opened(jira.config(), lent) as source:
        source.check()
        source.namespace()
        list(source.scopes())
        list(source.reference(jira.projects))
        run(source, jira.projects, store)
        jira.advance(timedelta(hours=7))
        lent.advance(timedelta(hours=7))
        jira.mutate("edit", min(issue_ids(jira)), summary="Renamed")
        jira.mutate("log_work", min(issue_ids(jira)))
        jira.advance(timedelta(minutes=5))
        run(source, jira.projects, store)
        list(source.census(jira.projects))
        fetched(source, *(Ref("issue", id) for id in issue_ids(jira)))
        jira.mutate("revoke_project", "ERP")
        with pytest.raises(ScopeError):
            list(source.census([PAY, ERP]))
    specification = vendor_specification.load(shared_folder)
    wrong = {problem for entry in jira.log for problem in specification.check_request(entry.method, entry.path, entry.query, entry.body)}
    assert wrong == set()
    assert len({(entry.method, entry.path) for entry in jira.log}) > 15
    asked = set(jira.stats)
    assert {f"GET {API}/worklog/{what}" for what in ("updated", "deleted")} | {f"POST {API}/worklog/list"} <= asked
    assert {f"GET {API}/issue/{{issue}}/{what}" for what in ("comment", "worklog")} <= asked
    assert {f"GET {API}/project/{{project}}{what}" for what in ("", "/components")} <= asked
    agile = "GET /rest/agile/1.0/board"
    assert {agile, f"{agile}/{{board}}/configuration", f"{agile}/{{board}}/sprint"} <= asked


# Queries


def test_a_query_selects_the_ids_of_its_project_alone(jira: Simulator, source: JiraSource) -> None:
    jira.limits.ids = 7
    everything = {id for listing in source.census([PAY]) for id in listing.ids}
    done = list(source.select(PAY, "statusCategory = Done"))
    other = list(source.select(PAY, "statusCategory != Done OR project = " + ERP))
    found = [{id for listing in listings for id in listing.ids} for listings in (done, other)]
    assert found[0]
    assert found[0] | found[1] == everything
    assert found[0].isdisjoint(found[1])
    assert [listing.last for listing in done] == [False] * (len(done) - 1) + [True]
    assert {(listing.kind, listing.scopes) for listing in done} == {("issue", (PAY,))}
    assert {tuple(entry.body["fields"]) for entry in jira.log if entry.path.endswith("/search/jql")} == {("id",)}


def test_a_query_that_selects_nothing_closes_with_nothing(source: JiraSource) -> None:
    assert list(source.select(PAY, 'labels = "no such label"')) == [Listing("issue", (PAY,), [], last=True)]


def test_a_query_that_jira_refuses_is_the_admins_in_jiras_words(jira: Simulator, source: JiraSource) -> None:
    with pytest.raises(ConfigError, match=r"\(400\): .*nonsense"):
        list(source.select(PAY, "nonsense = 7"))


def test_a_query_that_would_leave_its_project_is_not_even_sent(jira: Simulator, source: JiraSource) -> None:
    with pytest.raises(ConfigError, match="parenthesis"):
        list(source.select(PAY, f"labels = a) OR (project = {ERP}"))
    assert not jira.log
