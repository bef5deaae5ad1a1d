"""Reading issues with their history from the simulator over real sockets: complete, resumable, quiet, and failing rather than wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import respx

from pmo_hub.domain.records import Comment, Transition
from pmo_hub.sdk.contract import Mode, Partition
from pmo_hub.sdk.errors import ConfigError, ScopeError, TransientError
from pmo_hub_jira.agile import digest
from pmo_hub_jira.connector import JiraSource
from pmo_hub_jira.reading import Progress, resumed
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira.lending import START, Lent, Store, opened, records_of, run

SITE = generate(7, 150, START, awkward=True)
SEARCH = "/rest/api/3/search/jql"
CHANGES = "/rest/api/3/changelog/bulkfetch"
PAY, ERP, ODD = "10000", "10001", "19999"


@pytest.fixture
def jira() -> Iterator[Simulator]:
    with serve(SITE, clock=lambda: START) as simulator:
        yield simulator


@pytest.fixture
def lent() -> Lent:
    return Lent()


@pytest.fixture
def source(jira: Simulator, lent: Lent) -> Iterator[JiraSource]:
    with opened(jira.config(), lent) as made:
        yield made


def filled(source: JiraSource, scopes: list[str]) -> Store:
    store = Store()
    run(source, scopes, store)
    return store


def issue_ids(jira: Simulator, *projects: str) -> set[str]:
    return {str(issue.id) for issue in jira.world.visible_issues() if not projects or issue.project_id in projects}


def asked(jira: Simulator, path: str) -> list[Any]:
    return [entry.body for entry in jira.log if entry.path == path]


def contents(store: Store) -> dict[tuple[str, str], bytes]:
    return {key: payload.body for key, payload in store.payloads.items()}


# A full read


def test_a_full_read_holds_every_issue_comment_and_change(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, jira.projects)
    issues = list(jira.world.visible_issues())
    assert set(store.of("issue")) == issue_ids(jira)
    assert set(store.of("history")) == {f"{issue.id}:{history.id}" for issue in issues for history in issue.histories}
    records = [record for found in records_of(source, jira.projects, store).values() for record in found]
    assert {record.external_id for record in records if isinstance(record, Comment)} == {str(c.id) for i in issues for c in i.comments}
    changes = sum(len(history.changes) for issue in issues for history in issue.histories)
    assert len({record.external_id for record in records if isinstance(record, Transition)}) == changes
    assert any(len(issue.histories) > 100 for issue in issues), "the site has an issue whose changelog is long"
    assert any(len(issue.comments) > 20 for issue in issues), "the site has an issue whose comments are truncated"


def test_payloads_are_the_bytes_of_the_page_with_scope_and_version(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, [ERP])
    for id, payload in store.of("issue").items():
        issue = jira.world.issues[int(id)]
        assert (payload.scope, payload.part_of) == (ERP, None)
        assert payload.version == issue.updated.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert json.loads(payload.body)["fields"]["updated"]
    for payload in store.of("history").values():
        assert (payload.scope, payload.version) == (None, None)
        assert payload.part_of is not None
        assert payload.part_of.kind == "issue"


def test_every_page_says_first_how_many_issues_to_expect(jira: Simulator, source: JiraSource) -> None:
    jira.limits.fields = 4
    store = filled(source, [PAY])
    assert [page.expected for page in store.pages if page.expected] == [{"issue": len(issue_ids(jira, PAY))}]


def test_the_mark_is_the_servers_time_before_the_first_page(jira: Simulator, source: JiraSource) -> None:
    # Their clock is a year ahead of ours.
    jira.advance(timedelta(days=365))
    store = filled(source, [PAY])
    assert store.state[f"{PAY}/watermark_ms"] == str(int((START + timedelta(days=365)).timestamp() * 1000))


def test_without_history_no_changelog_is_asked_for(jira: Simulator) -> None:
    with opened(jira.config() | {"history": False}) as source:
        store = filled(source, [PAY])
    assert set(store.of("issue")) == issue_ids(jira, PAY)
    assert store.of("history") == {}
    assert asked(jira, CHANGES) == []


@pytest.mark.parametrize("histories", [10_000, 7])
def test_histories_that_span_pages_are_read_whole(jira: Simulator, source: JiraSource, histories: int) -> None:
    jira.limits.histories = histories
    store = filled(source, [PAY])
    expected = {f"{i.id}:{h.id}" for i in jira.world.visible_issues() if i.project_id == PAY for h in i.histories}
    assert set(store.of("history")) == expected


def test_a_full_read_of_unchanged_data_ends_in_the_same_payloads_and_keys(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, jira.projects)
    before, keys = contents(store), set(store.state)
    run(source, jira.projects, store, Mode.FULL)
    assert contents(store) == before
    assert set(store.state) == keys


def test_a_scope_added_later_ends_equal(jira: Simulator, source: JiraSource) -> None:
    late = filled(source, [PAY])
    jira.advance(timedelta(hours=7))
    run(source, jira.projects, late)
    assert contents(late) == contents(filled(source, jira.projects))
    assert set(late.state) == set(filled(source, jira.projects).state)


# Resuming


def small(jira: Simulator) -> None:
    jira.limits.fields, jira.limits.histories = 5, 40


def test_resuming_after_any_page_loses_nothing(jira: Simulator, source: JiraSource, monkeypatch: pytest.MonkeyPatch) -> None:
    small(jira)
    monkeypatch.setattr("pmo_hub_jira.reading.IDS_A_HISTORY", 12)
    whole = Store()
    pages = run(source, [PAY, ODD], whole)
    assert pages > 20
    for crash in range(1, pages):
        store = Store()
        run(source, [PAY, ODD], store, most_pages=crash)
        run(source, [PAY, ODD], store)
        assert contents(store) == contents(whole), f"lost after page {crash}"
        assert set(store.state) == set(whole.state)


def test_resuming_goes_on_instead_of_starting_anew(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    total = len(issue_ids(jira, PAY))
    store = Store()
    run(source, [PAY], store, most_pages=5)  # the first are the worklogs' mark and the versions
    jira.reset_log()
    run(source, [PAY], store)
    assert len(asked(jira, SEARCH)) == -(-total // 5) - 3
    assert [page.expected for page in store.pages if page.expected] == [{"issue": total}, {"issue": total - 15}]


def test_ids_awaiting_their_history_survive_a_crash(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY], store, most_pages=3)  # the first are the worklogs' mark and the versions
    assert store.of("history") == {}
    assert f"{PAY}/watermark_ms" not in store.state
    saved = resumed(store.state[f"{PAY}/page"])
    assert saved is not None
    assert set(saved.pending) == issue_ids(jira, PAY)
    jira.reset_log()
    run(source, [PAY], store)
    assert asked(jira, SEARCH) == []
    assert store.of("history")
    marks = {"worklogs/updated_ms", "worklogs/deleted_ms"}
    assert set(store.state) == {f"{PAY}/watermark_ms", f"{PAY}/boards", "agile/read", "releases/read", *marks}


def test_a_thousand_pending_ids_fit_the_state() -> None:
    progress = Progress("x" * 3_000, 10**13, 10**6, "t" * 2_000, pending=[str(10**9 + n) for n in range(1_100)])
    assert len(msgspec.json.encode(progress)) < 64 * 1024


def test_an_expired_token_restarts_from_the_last_creation_seen(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    store = Store()
    run(source, [PAY], store, most_pages=3)
    jira.advance(timedelta(days=8))
    jira.reset_log()
    run(source, [PAY], store)
    assert set(store.of("issue")) == issue_ids(jira, PAY)
    queries = [body["jql"] for body in asked(jira, SEARCH)]
    assert "created" not in queries[0].split("ORDER")[0]
    assert all("AND created >= " in query for query in queries[1:])
    assert len(queries) <= 1 + 1 + -(-len(issue_ids(jira, PAY)) // 5) - 2


def test_progress_that_polls_have_overtaken_is_dropped(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    store = filled(source, [PAY])
    run(source, [PAY], store, Mode.FULL, most_pages=2)
    assert f"{PAY}/page" in store.state
    jira.advance(timedelta(hours=2))
    run(source, [PAY], store)
    jira.reset_log()
    run(source, [PAY], store, Mode.FULL)
    assert len(asked(jira, SEARCH)) == -(-len(issue_ids(jira, PAY)) // 5)
    assert f"{PAY}/page" not in store.state


@pytest.mark.parametrize("value", ["", "{", "[]", '{"where":1}'])
def test_progress_of_another_version_is_read_as_none(value: str) -> None:
    assert resumed(value) is None


# Paging traps


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("empty_page", {"nth": 2, "times": 3}),
        ("empty_page", {"nth": 1, "times": 1}),
        ("short_page", {"nth": 2, "rows": 1, "times": 4}),
        ("no_is_last", {"times": None}),
        ("invalid_token", {"times": 1}),
        ("truncated", {"nth": 3}),
        ("reset", {"nth": 2}),
        ("status", {"nth": 2, "status": 502}),
        ("status", {"nth": 2, "status": 429, "retry_after": 0}),
    ],
)
def test_no_trap_of_paging_loses_an_issue(jira: Simulator, source: JiraSource, kind: str, options: dict[str, Any]) -> None:
    small(jira)
    fault = jira.fault(kind, path=SEARCH, project=PAY, **options)
    store = filled(source, [PAY])
    assert fault.struck
    assert set(store.of("issue")) == issue_ids(jira, PAY)
    assert f"{PAY}/watermark_ms" in store.state


@pytest.mark.parametrize("path", [SEARCH, CHANGES])
def test_a_repeated_token_is_an_error_and_never_success(jira: Simulator, source: JiraSource, path: str) -> None:
    small(jira)
    jira.fault("repeated_token", path=path, times=None)
    store = Store()
    with pytest.raises(TransientError, match="repeated a page token"):
        run(source, [PAY], store)
    assert f"{PAY}/watermark_ms" not in store.state


def test_empty_pages_that_never_move_on_are_an_error(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    jira.fault("empty_page", path=SEARCH, nth=2, times=None)
    with pytest.raises(TransientError, match="repeated a page token"):
        run(source, [PAY], Store())


def test_a_token_refused_again_and_again_is_an_error(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    jira.fault("invalid_token", path=SEARCH, times=None)
    store = Store()
    with pytest.raises(TransientError, match="refuses the page tokens"):
        run(source, [PAY], store)
    assert f"{PAY}/watermark_ms" not in store.state


@respx.mock(base_url="https://acme.atlassian.net")
def test_pages_without_end_are_given_up(respx_mock: respx.MockRouter) -> None:
    tokens = iter(range(10**6))
    respx_mock.get("/rest/api/3/project/1").respond(404)
    respx_mock.get("/rest/api/3/field").respond(json=[])
    respx_mock.post("/rest/api/3/search/approximate-count").respond(json={"count": 3}, headers={"Date": "Mon, 23 Nov 2026 09:00:00 GMT"})
    respx_mock.post(SEARCH).mock(side_effect=lambda _: respx.MockResponse(200, json={"issues": [], "nextPageToken": f"t{next(tokens)}"}))
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    with opened(config) as source, pytest.raises(TransientError, match="more than 1006 pages for 3 issues"):
        for _ in source.read(Partition("1", ("1",), {}, Mode.FULL)):
            pass


def test_a_listing_that_breaks_off_is_read_a_second_time(jira: Simulator, source: JiraSource) -> None:
    jira.fault("half_listing", path=SEARCH, project=PAY, times=1)
    store = filled(source, [PAY])
    assert set(store.of("issue")) == issue_ids(jira, PAY)
    assert set(store.of("history")) == {f"{i.id}:{h.id}" for i in jira.world.visible_issues() if i.project_id == PAY for h in i.histories}


def test_a_listing_that_stays_short_is_told_by_the_count(jira: Simulator, source: JiraSource) -> None:
    jira.fault("half_listing", path=SEARCH, project=PAY, times=None)
    store = Store()
    with pytest.raises(TransientError, match="twice in a row"):
        run(source, [PAY], store)
    (expected,) = [page.expected["issue"] for page in store.pages if page.expected]
    assert len(store.of("issue")) == len(issue_ids(jira, PAY)) // 2 < expected
    assert len(asked(jira, SEARCH)) == 2
    assert not any(key.endswith("/watermark_ms") for key in store.state)
    jira.clear_faults()
    run(source, [PAY], store)
    assert contents(store) == contents(filled(source, [PAY]))


def test_a_long_listing_is_read_again_in_windows(jira: Simulator, source: JiraSource, monkeypatch: pytest.MonkeyPatch) -> None:
    small(jira)
    monkeypatch.setattr("pmo_hub_jira.reading.ISSUES_A_WINDOW", 6)
    jira.fault("half_listing", path=SEARCH, project=PAY, nth=2, times=1)
    store = filled(source, [PAY])
    assert set(store.of("issue")) == issue_ids(jira, PAY)
    assert any("created <" in body["jql"] for body in asked(jira, SEARCH))


def test_zero_issues_where_there_were_many_is_told_by_the_count(jira: Simulator, source: JiraSource) -> None:
    jira.fault("zero_results", path=SEARCH, project=PAY, times=None)
    store = Store()
    with pytest.raises(TransientError, match="twice in a row"):
        run(source, [PAY], store)
    assert store.of("issue") == {}
    assert [page.expected for page in store.pages if page.expected] == [{"issue": len(issue_ids(jira, PAY))}]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("fields", None, "without a usable fields"),
        ("project", None, "without a usable fields.project"),
        ("updated", None, "without a usable fields.updated"),
        ("updated", 17, "without a usable fields.updated"),
        ("id", None, "without a usable id"),
    ],
)
def test_an_issue_that_cannot_be_split_off_is_rejected_and_the_rest_goes_on(
    jira: Simulator, source: JiraSource, field: str, value: Any, words: str
) -> None:
    spoilt = min(issue_ids(jira, PAY))
    jira.fault("field_value", path=SEARCH, issue=spoilt, field=field, value=value, times=None)
    store = filled(source, [PAY])
    (rejected,) = [rejected for page in store.pages for rejected in page.rejected]
    assert words in rejected.why
    assert rejected.body
    assert (rejected.ref.external_id if rejected.ref else None) == (None if field == "id" else spoilt)
    assert set(store.of("issue")) == issue_ids(jira, PAY) - {spoilt}
    assert f"{PAY}/watermark_ms" in store.state


def test_an_issue_that_cannot_be_mapped_is_still_handed_over(jira: Simulator, source: JiraSource) -> None:
    spoilt = min(issue_ids(jira, PAY))
    jira.fault("field_value", path=SEARCH, issue=spoilt, field="status", value=None, times=None)
    store = filled(source, [PAY])
    assert json.loads(store.of("issue")[spoilt].body)["fields"]["status"] is None


# Polling


def test_a_poll_reads_what_has_changed_with_its_history(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, jira.projects)
    jira.advance(timedelta(minutes=30))
    edited, commented = sorted(issue_ids(jira, ERP), key=int)[:2]
    jira.mutate("edit", edited, summary="Renamed")
    jira.mutate("comment", commented, "Hello")
    created = str(jira.mutate("create", "PAY", "New one").id)
    jira.reset_log()
    before = len(store.pages)
    run(source, jira.projects, store)
    read = {p.ref.external_id for page in store.pages[before:] for p in page.payloads if p.ref.kind == "issue"}
    assert read == {edited, commented, created}
    # Not the bytes: neighbours that embed a changed issue are rendered anew without being changed themselves.
    assert records_of(source, jira.projects, store) == records_of(source, jira.projects, filled(source, jira.projects))


def test_a_poll_is_one_query_for_all_projects(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, jira.projects)
    jira.advance(timedelta(minutes=30))
    jira.mutate("edit", min(issue_ids(jira, ERP)), summary="Renamed")
    jira.reset_log()
    run(source, jira.projects, store)
    assert dict(jira.stats) == {
        "POST /rest/api/3/search/approximate-count": 1,
        "POST /rest/api/3/search/jql": 1,
        "POST /rest/api/3/changelog/bulkfetch": 1,
        "GET /rest/api/3/worklog/updated": 1,
        "GET /rest/api/3/worklog/deleted": 1,
    }
    (body,) = asked(jira, SEARCH)
    floor = int(START.timestamp() * 1000) - 10 * 60_000
    assert body["jql"] == f"project in ({', '.join(sorted(jira.projects, key=int))}) AND updated >= {floor} ORDER BY created ASC"


def test_the_lower_bound_is_the_oldest_mark_minus_the_overlap_floored_to_the_minute(jira: Simulator) -> None:
    with opened(jira.config() | {"overlap_minutes": 3}) as source:
        state = {f"{PAY}/watermark_ms": "1795424459999", f"{ERP}/watermark_ms": "1795424400000"}
        (partition,) = (p for p in source.partitions([PAY, ERP], state, Mode.INCREMENTAL) if p.name.startswith("updates/"))
        list(source.read(partition))
    assert asked(jira, SEARCH)[0]["jql"] == f"project in ({PAY}, {ERP}) AND updated >= 1795424220000 ORDER BY created ASC"


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati"])
def test_the_callers_time_zone_changes_nothing(zone: str) -> None:
    # 05:45 UTC on the first Sunday in November is inside New York's repeated hour.
    now = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)
    with serve(generate(7, 60, now), clock=lambda: now, time_zone=zone) as jira, opened(jira.config()) as source:
        store = filled(source, jira.projects)
        jira.advance(timedelta(minutes=20))
        changed = str(jira.mutate("edit", min(issue_ids(jira)), summary="Renamed").id)
        before = len(store.pages)
        run(source, jira.projects, store)
    assert {p.ref.external_id for page in store.pages[before:] for p in page.payloads if p.ref.kind == "issue"} == {changed}


def test_an_issue_touched_during_the_read_is_found_by_the_next(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    store = Store()
    touched = min(issue_ids(jira, PAY), key=int)
    for partition in source.partitions([PAY], store.state, Mode.INCREMENTAL):
        for number, page in enumerate(source.read(partition)):
            store.commit(partition, page)
            if number == 2:
                jira.advance(timedelta(minutes=1))
                jira.mutate("edit", touched, summary="Touched while reading")
    jira.advance(timedelta(minutes=30))
    run(source, [PAY], store)
    assert json.loads(store.of("issue")[touched].body)["fields"]["summary"] == "Touched while reading"


def test_a_quiet_poll_writes_nothing(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, jira.projects)
    jira.advance(timedelta(minutes=30))
    jira.reset_log()
    assert run(source, jira.projects, store) == 0
    assert sum(jira.stats.values()) == 4


def test_after_a_quiet_hour_only_the_marks_move(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, jira.projects)
    before = contents(store)
    jira.advance(timedelta(minutes=61))
    run(source, jira.projects, store)
    assert contents(store) == before
    assert [page.payloads for page in store.pages[-1:]] == [[]]
    assert {store.state[f"{id}/watermark_ms"] for id in jira.projects} == {str(int((START + timedelta(minutes=61)).timestamp() * 1000))}


@respx.mock(base_url="https://acme.atlassian.net")
def test_a_quiet_poll_of_a_thousand_projects_takes_twelve_requests(respx_mock: respx.MockRouter, lent: Lent) -> None:
    date = {"Date": "Mon, 23 Nov 2026 09:05:00 GMT"}
    respx_mock.get("/rest/api/3/field").respond(json=[])
    respx_mock.post("/rest/api/3/search/approximate-count").respond(json={"count": 0}, headers=date)
    respx_mock.post(SEARCH).respond(json={"issues": [], "isLast": True}, headers=date)
    for feed in ("updated", "deleted"):
        respx_mock.get(f"/rest/api/3/worklog/{feed}").respond(json={"values": [], "lastPage": True}, headers=date)
    scopes = [str(10_000 + n) for n in range(1_000)]
    now = str(int(START.timestamp() * 1000))
    store = Store()
    store.state = {f"{scope}/watermark_ms": now for scope in scopes}
    store.state |= dict.fromkeys(("worklogs/updated_ms", "worklogs/deleted_ms"), now)
    store.state["releases/read"] = now
    store.state["agile/read"] = json.dumps({"server": int(now), "local": int(now), "scopes": digest(scopes)})
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    with opened(config, lent) as source:
        assert run(source, scopes, store) == 0
    paths = [call.request.url.path for call in respx_mock.calls]
    assert len(paths) == 13
    assert paths.count("/rest/api/3/field") == 1


def test_comments_that_fit_again_drop_the_payload_that_held_them(jira: Simulator, source: JiraSource) -> None:
    store = filled(source, [ODD])
    (talkative,) = store.of("comments")
    issue = jira.world.issues[int(talkative)]
    jira.advance(timedelta(minutes=30))
    jira.world.put(replace(issue, comments=issue.comments[:3]))
    jira.mutate("edit", talkative, summary="Tidied up")
    run(source, [ODD], store)
    assert store.of("comments") == {}
    assert len(json.loads(store.of("issue")[talkative].body)["fields"]["comment"]["comments"]) == 3


# What is no longer there


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.INCREMENTAL])
def test_a_project_that_vanished_is_named(jira: Simulator, source: JiraSource, mode: Mode) -> None:
    store = filled(source, [PAY, ERP])
    jira.advance(timedelta(minutes=30))
    jira.mutate("revoke_project", "ERP")
    with pytest.raises(ScopeError, match="no longer there") as raised:
        run(source, [PAY, ERP], store, mode)
    assert raised.value.scope == ERP
    # Without it, the rest is read in the same run.
    run(source, [PAY], store, mode)


def test_a_query_refused_for_another_reason_is_no_missing_project(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path=SEARCH, status=400)
    with pytest.raises(ConfigError, match="Jira refused POST"):
        run(source, [PAY], Store())


def test_a_wait_of_half_an_hour_ends_the_run_and_the_next_goes_on(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    jira.fault("status", path=SEARCH, nth=3, status=429, retry_after=1800)
    store = Store()
    with pytest.raises(TransientError) as raised:
        run(source, [PAY], store)
    assert raised.value.retry_after == timedelta(minutes=30)
    assert len(store.of("issue")) == 10
    with opened(jira.config()) as later:
        run(later, [PAY], store)
    assert set(store.of("issue")) == issue_ids(jira, PAY)


def test_random_faults_lose_nothing(jira: Simulator, source: JiraSource) -> None:
    small(jira)
    jira.fault_at_random(0.15, seed=3)
    store = filled(source, jira.projects)
    jira.clear_faults()
    assert contents(store) == contents(filled(source, jira.projects))
