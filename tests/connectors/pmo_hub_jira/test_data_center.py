"""A Data Center server as a source: signing in and what is said when it fails, reading, mapping, fetches, censuses."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from pmo_hub.domain.records import Component, Identity, Iteration, Transition, Version, WorkItem, Worklog
from pmo_hub.domain.vocabulary import Field, Kind, Uncounted
from pmo_hub.sdk.contract import Mode, Reason, Ref, Selecting, Source
from pmo_hub.sdk.errors import AuthError, ConfigError, ScopeError, TransientError
from pmo_hub_jira import releases, worklogs
from pmo_hub_jira.data_center import DataCenterSource
from tests.connectors.pmo_hub_jira.keyed_server import URL, KeyedServer, entry, issue, user, worklog
from tests.connectors.pmo_hub_jira.lending import Lent, Store, opened, records_of, run

CONFIG = {"url": URL, "sign_in": "personal_access_token", "token": "p4t-secret"}
SPRINT = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,rapidViewId=2,state=ACTIVE,name=A, id=9, name=B],startDate=<null>,endDate=<null>,completeDate=<null>,sequence=7]"  # noqa: E501
CAPTCHA = {
    "X-Authentication-Denied-Reason": f"CAPTCHA_CHALLENGE; login-url={URL}/login.jsp",
    "X-Seraph-LoginReason": "AUTHENTICATION_DENIED",
}


EPIC, INITIATIVE = {"id": "9", "name": "Epic", "subtask": False}, {"id": "2", "name": "Vorhaben", "subtask": False}
PART = {"id": "5", "name": "Part", "subtask": True}


def estate() -> KeyedServer:
    jane = user("u1", "jane")
    wiki = "h2. Wiki *markup*\n{code}x{code}"
    story: dict[str, Any] = {
        "customfield_10008": "ERP-1",
        "customfield_10004": 5.0,
        "customfield_10007": [SPRINT],
        "assignee": jane,
        "description": wiki,
    }
    return KeyedServer(
        issue(20_000, "ERP-1", issuetype=INITIATIVE, customfield_10011="Invoices"),
        issue(20_001, "ERP-2", **story),
        issue(20_002, "ERP-3", customfield_10008="GONE-7", assignee=user("u1", "jane.doe"), issuetype=EPIC),
        issue(20_003, "ERP-4", parent={"id": "20001", "key": "ERP-2"}, customfield_10008="ERP-1", issuetype=PART),
        issue(20_010, "PAY-1", customfield_10008="ERP-1"),
    )


@pytest.fixture
def server() -> KeyedServer:
    return estate()


@contextmanager
def source(of: KeyedServer, **values: Any) -> Iterator[DataCenterSource]:
    with of.served(), opened(CONFIG | values) as made:
        assert isinstance(made, DataCenterSource)
        yield made


def every(of: KeyedServer) -> list[str]:
    return [project["id"] for project in of.projects()]


def items(found: dict[str, list[object]]) -> dict[str, WorkItem]:
    return {record.key: record for records in found.values() for record in records if isinstance(record, WorkItem)}


# Signing in


def test_a_check_says_who_we_are_and_the_token_is_a_bearers(server: KeyedServer) -> None:
    with server.served() as router, opened(CONFIG) as made:
        opened_source: Source = made
        assert isinstance(opened_source, Selecting)
        assert made.check() == "Signed in to jira.example.com as Jane, whose permissions decide what is seen."
        assert {call.request.headers["Authorization"] for call in router.calls} == {"Bearer p4t-secret"}
        # The context path stands before every path that is asked for.
        assert all(call.request.url.path.startswith("/jira/rest/") for call in router.calls)


def test_an_old_server_takes_user_and_password(server: KeyedServer) -> None:
    given = {"url": URL, "sign_in": "password", "user": "jane", "password": "pw"}
    with server.served() as router, opened(given) as made:
        made.check()
        assert {call.request.headers["Authorization"] for call in router.calls} == {"Basic amFuZTpwdw=="}


def test_cookies_bind_all_requests_to_the_node_that_answered_first(server: KeyedServer) -> None:
    server.headers = {"Set-Cookie": "AWSALB=node-3; Path=/"}
    with server.served() as router, opened(CONFIG) as made:
        made.check()
        run(made, every(server), Store())
        assert [call.request.headers.get("Cookie") for call in router.calls][1:] == ["AWSALB=node-3"] * (len(router.calls) - 1)


def test_a_site_of_cloud_is_told_from_a_server(server: KeyedServer) -> None:
    server.deployment = "Cloud"
    with source(server) as made, pytest.raises(ConfigError, match="is a site of Jira Cloud; set sign_in to api_token"):
        made.check()


def test_a_server_asked_as_cloud_is_told_from_a_site() -> None:
    given = {"url": "https://jira.example.com", "email": "jane@example.com", "token": "x"}
    with respx.mock() as router, opened(given) as made:
        router.get("https://jira.example.com/rest/api/3/myself").respond(404, json={})
        with pytest.raises(ConfigError, match="set sign_in to personal_access_token for a Data Center server"):
            made.check()


@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_captcha_stops_everything_and_says_what_to_do(status: int) -> None:
    with respx.mock(base_url=URL) as router, opened(CONFIG) as made:
        route = router.get("/rest/api/2/serverInfo").respond(status, json={}, headers=CAPTCHA)
        for attempt in (made.check, made.namespace, lambda: list(made.scopes())):
            with pytest.raises(AuthError) as raised:
                attempt()
            assert str(raised.value) == (
                "Jira at jira.example.com has locked the account after failed log-ins and wants a CAPTCHA solved: log in once as "
                f"this account in a browser, at {URL}/login.jsp, then check the credential of the connection and resume it"
            )
        assert route.call_count == 1
        assert len(router.calls) == 1


def test_a_refused_credential_is_not_tried_again() -> None:
    """Each failed log-in brings the account nearer to its CAPTCHA."""
    with respx.mock(base_url=URL) as router, opened(CONFIG) as made:
        router.get("/rest/api/2/serverInfo").respond(401, json={})
        for _ in range(3):
            with pytest.raises(AuthError, match="not accepted"):
                made.check()
        assert len(router.calls) == 1


def test_a_credential_that_is_ignored_is_no_credential() -> None:
    with respx.mock(base_url=URL) as router, opened(CONFIG) as made:
        router.get("/rest/api/2/serverInfo").respond(200, json={"baseUrl": URL})
        router.get("/rest/api/2/project").respond(200, json=[], headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
        with pytest.raises(AuthError, match="does not accept the credential"):
            list(made.scopes())


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(200, html="<html>Log in</html>"), ConfigError, "answered with a web page"),
        (httpx.Response(302, headers={"Location": "https://sso.example.com"}), ConfigError, "redirects elsewhere"),
        (httpx.Response(404, json={}), ConfigError, "does not answer as Jira does; check the URL of the connection, with its context path"),
        (httpx.Response(404, html="<html>nginx</html>"), ConfigError, "with its context path"),
        (httpx.Response(503, json={}), TransientError, "503"),
    ],
    ids=["log-in page", "sign-on", "no Jira", "no Jira at all", "down"],
)
def test_what_is_no_answer_of_jira_is_said_in_a_sentence(answer: httpx.Response, error: type[Exception], words: str) -> None:
    with respx.mock(base_url=URL) as router, opened(CONFIG) as made:
        router.get("/rest/api/2/serverInfo").mock(return_value=answer)
        with pytest.raises(error, match=words) as raised:
            made.check()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("https://Jira.Example.com/jira/", "https://jira.example.com/jira"),
        ("https://jira.example.com:443", "https://jira.example.com"),
        ("http://jira.example.com:8080/Jira", "http://jira.example.com:8080/jira"),
    ],
)
def test_a_server_is_named_by_its_own_base_address_in_one_spelling(server: KeyedServer, base: str, name: str) -> None:
    server.base_url = base
    with source(server) as made:
        assert made.namespace() == name


def test_the_scopes_are_the_projects(server: KeyedServer) -> None:
    with source(server) as made:
        found = list(made.scopes())
    assert [(scope.external_id, scope.name, scope.kind) for scope in found] == [
        (server.project("ERP"), "Erp", "project"), (server.project("PAY"), "Pay", "project"),
    ]  # fmt: skip
    assert found[0].url == f"{URL}/browse/ERP"


# An authority of one's own


def test_a_certificate_authority_is_text_or_a_file(tmp_path: Path, server: KeyedServer) -> None:
    system = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not system:
        pytest.skip("the system has no certificates to lend")
    text = ssl.DER_cert_to_PEM_cert(system[0])
    file = tmp_path / "own.pem"
    file.write_text(text)
    for authority in (text, str(file)):
        with source(server, verify=authority) as made:
            assert made.check()


@pytest.mark.parametrize("authority", ["/nowhere/own.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----"])
def test_an_authority_that_cannot_be_read_is_said(authority: str) -> None:
    with pytest.raises(ConfigError, match="can't be read as certificates in PEM format"), opened(CONFIG | {"verify": authority}):
        pass


# When it ends


@pytest.mark.parametrize(
    ("given", "tokens", "ends"),
    [
        ({"expires_on": "2027-01-31"}, [], "2027-01-31T00:00:00+00:00"),
        ({}, [{"id": 1, "expiringAt": "2027-02-01T10:00:00.000+0100"}], "2027-02-01T09:00:00+00:00"),
        ({}, [{"id": 1}], None),
        ({}, [{"id": 1, "expiringAt": "2027-02-01T10:00:00.000+0100"}, {"id": 2}], None),  # nobody knows which is ours
    ],
)
def test_the_end_of_a_token_is_told_where_it_can_be_known(given: dict[str, str], tokens: list[dict[str, Any]], ends: str | None) -> None:
    with respx.mock(base_url=URL, assert_all_called=False) as router, opened(CONFIG | given) as made:
        router.get("/rest/pat/latest/tokens").respond(json=tokens)
        found = made.credential_expires_at()
    assert (found.isoformat() if found else None) == ends


def test_a_server_without_tokens_knows_no_end() -> None:
    with respx.mock(base_url=URL) as router, opened(CONFIG) as made:
        router.get("/rest/pat/latest/tokens").respond(404, json={})
        assert made.credential_expires_at() is None


# Reading


def test_everything_is_read_with_whole_changelogs_and_without_what_depends_on_the_request(server: KeyedServer) -> None:
    server.histories["20001"] = [entry(n, {"field": "status", "from": "1", "to": "3"}) for n in range(101)]
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
    assert set(store.of("issue")) == {one["id"] for one in server.issues}
    # A search cuts a changelog short here; the issue by itself has all of it.
    assert len(store.of("history")) == 101
    assert set(json.loads(store.of("issue")["20001"].body)) == {"id", "key", "fields"}
    assert store.of("issue")["20001"].context == {"parent": "20000"}
    assert store.of("issue")["20000"].context == {"level": "1"}
    assert store.of("issue")["20002"].context == {}
    assert [page.expected for page in store.pages if page.expected] == [{"issue": 4}, {"issue": 1}]


def test_no_more_than_a_page_may_hold_comes_at_once(server: KeyedServer) -> None:
    server.histories["20001"] = [entry(n, {"field": "status", "from": "1", "to": "3"}) for n in range(2_500)]
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
    assert len(store.of("history")) == 2_500
    assert max(len(page.payloads) for page in store.pages) == 1_000
    # The mark is set by the last part only.
    marked = [n for n, page in enumerate(store.pages) if any(key.endswith("watermark_ms") for key in page.state)]
    assert len(store.pages[marked[0]].payloads) == 500


def test_a_quiet_poll_of_a_thousand_projects_takes_at_most_twenty_requests() -> None:
    server = KeyedServer(*(issue(20_000 + n, f"P{chr(65 + n // 676)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}-1") for n in range(1_000)))
    scopes = [str(n) for n in range(1_000)]
    now = str(int(server.now.timestamp() * 1000))
    state = dict.fromkeys([*(f"{scope}/watermark_ms" for scope in scopes), *worklogs.STATE, releases.READ], now)
    with server.served() as router, opened(CONFIG) as made:
        made.check()
        partitions = [partition for partition in made.partitions(scopes, state, Mode.INCREMENTAL) if partition.name != "agile"]
        assert [page for partition in partitions for page in made.read(partition)] == []
        assert len(router.calls) <= 20, [str(call.request.url) for call in router.calls]


def test_without_history_no_changelog_is_asked_for(server: KeyedServer) -> None:
    server.histories["20001"] = [entry(1, {"field": "status", "from": "1", "to": "3"})]
    store = Store()
    with source(server, history=False) as made:
        run(made, every(server), store, Mode.FULL)
    assert store.of("history") == {}


def test_a_poll_asks_for_what_changed_and_a_quiet_one_writes_nothing(server: KeyedServer) -> None:
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
        before = len(store.pages)
        run(made, every(server), store)
        assert len(store.pages) == before
        server.issues[1]["fields"] |= {"updated": "2026-11-23T08:59:00.000+0000", "summary": "Renamed"}
        run(made, every(server), store)
    assert json.loads(store.of("issue")["20001"].body)["fields"]["summary"] == "Renamed"
    assert len(store.pages) == before + 1
    assert server.queries[-1].endswith(f" AND updated >= {1_795_424_400_000 - 600_000}")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Los_Angeles", "Europe/Berlin", None])
def test_a_server_that_takes_no_milliseconds_is_asked_by_the_accounts_clock(zone: str | None) -> None:
    server = estate()
    server.takes_ms, server.time_zone = False, zone
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
    # Ten minutes back, as the connection says: the server's clock stood at nine.
    server.issues[1]["fields"] |= {"updated": "2026-11-23T08:50:00.000+0000", "summary": "Just in"}
    server.issues[2]["fields"] |= {"updated": "2026-11-22T08:49:00.000+0000", "summary": "Too old"}
    with source(server) as made:
        run(made, every(server), store)
    assert json.loads(store.of("issue")["20001"].body)["fields"]["summary"] == "Just in"
    if zone is not None:
        assert json.loads(store.of("issue")["20002"].body)["fields"]["summary"] == "Issue ERP-3"


def test_a_server_that_reads_milliseconds_as_something_else_is_found_out(server: KeyedServer) -> None:
    server.takes_ms, server.time_zone = False, "Asia/Kathmandu"
    holds = server._holds
    server._holds = lambda clause, one: False if clause.startswith("updated >= 9") else holds(clause, one)  # type: ignore[method-assign]
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
        run(made, every(server), store)
    assert server.queries[-1].endswith('AND updated >= "2026-11-23 14:35"')


def test_a_crash_between_pages_loses_nothing() -> None:
    server = KeyedServer(*(issue(20_000 + n, f"ERP-{n}") for n in range(1, 121)))
    whole = Store()
    with source(server) as made:
        run(made, every(server), whole, Mode.FULL)
    for most in range(1, 4):
        store = Store()
        with source(server) as made:
            run(made, every(server), store, most_pages=most)
        with source(server) as made:
            run(made, every(server), store)
        assert store.of("issue") == whole.of("issue")
        assert store.state.keys() == whole.state.keys()


def test_a_listing_that_ends_early_moves_no_mark(server: KeyedServer) -> None:
    of = KeyedServer(*(issue(20_000 + n, f"ERP-{n}") for n in range(1, 21)))
    answered = of._search

    def broken(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        answer = answered(request)
        if body["maxResults"] == 0:
            return answer
        shown = answer.json()
        return of._json(shown | {"issues": shown["issues"][:5], "total": 5})

    of._search = broken  # type: ignore[method-assign]
    store = Store()
    with source(of) as made, pytest.raises(TransientError, match="listed 5 issues and counts 20"):
        run(made, every(of), store, Mode.FULL)
    assert len(store.of("issue")) == 5
    assert not any(key.endswith("watermark_ms") for key in store.state)


def test_a_project_that_may_no_longer_be_browsed_is_named(server: KeyedServer) -> None:
    lost = server.project("PAY")
    with source(server) as made:
        partition = next(one for one in made.partitions([lost], {}, Mode.FULL) if one.name == lost)
        server.remove("PAY-1")
        holds = server._holds

        def refusing(clause: str, one: dict[str, Any]) -> bool:
            if lost in clause:
                raise ValueError(f"The value '{lost}' does not exist for the field 'project'.")
            return holds(clause, one)

        server._holds = refusing  # type: ignore[method-assign]
        with pytest.raises(ScopeError) as raised:
            list(made.read(partition))
    assert raised.value.scope == lost


# Worklogs and releases


def logged(store: Store) -> dict[str, int]:
    return {id: json.loads(payload.body)["timeSpentSeconds"] for id, payload in store.of("worklog").items()}


def asked_for_worklogs(router: respx.MockRouter) -> list[str]:
    return [path.removeprefix("/jira") for call in router.calls if "worklog" in (path := call.request.url.path)]


def test_issues_bring_their_worklogs_and_lists_tell_what_becomes_of_them(server: KeyedServer) -> None:
    server.worklogs = [worklog(1, 20_000, 60), *(worklog(100 + n, 20_001, n) for n in range(21))]
    store = Store()
    with server.served() as router, opened(CONFIG) as made:
        run(made, every(server), store, Mode.FULL)
        assert logged(store) == {"1": 60} | {str(100 + n): n for n in range(21)}
        assert {str(payload.part_of and payload.part_of.external_id) for payload in store.of("worklog").values()} == {"20000", "20001"}
        # Only the issue with more than it embeds is asked for them, once: what is asked for comes whole.
        assert asked_for_worklogs(router) == ["/rest/api/2/issue/20001/worklog"]

        server.now += dt.timedelta(minutes=1)
        server.log(1, 20_000, 120)
        server.log(2, 20_010, 30)
        server.unlog(100)
        server.now += dt.timedelta(minutes=2)
        run(made, every(server), store)
        assert logged(store) == {"1": 120, "2": 30} | {str(100 + n): n for n in range(1, 21)}
        assert asked_for_worklogs(router)[1:] == [f"/rest/api/2/worklog/{name}" for name in ("updated", "list", "deleted")]


@pytest.mark.parametrize("word", ["lastPage", "isLastPage"])
def test_lists_of_worklogs_are_read_page_by_page_whatever_their_last_is_called(server: KeyedServer, word: str) -> None:
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
    for n in range(7):
        server.now += dt.timedelta(minutes=1)
        server.log(1 + n, 20_000, 60 * n)
    server.now += dt.timedelta(minutes=2)
    server.worklogs_a_page, server.last_page = 3, word
    with server.served() as router, opened(CONFIG) as made:
        run(made, every(server), store)
        assert asked_for_worklogs(router) == [f"/rest/api/2/worklog/{name}" for name in (*("updated", "list") * 3, "deleted")]
    assert logged(store) == {str(1 + n): 60 * n for n in range(7)}


def test_a_server_without_lists_of_worklogs_says_so_and_is_read(server: KeyedServer) -> None:
    server.worklogs = [worklog(1, 20_000, 60)]
    store = Store()
    with server.served() as router, opened(CONFIG) as made:
        router.get("/rest/api/2/worklog/updated").respond(404, json={}, headers={"Date": "Mon, 23 Nov 2026 09:00:00 GMT"})
        run(made, every(server), store, Mode.FULL)
        run(made, every(server), store)
    assert logged(store) == {"1": 60}
    (notice,) = [notice for page in store.pages for notice in page.notices]
    assert notice.startswith("Jira does not list changed worklogs to this account")


def test_worklogs_versions_and_components_are_mapped(server: KeyedServer) -> None:
    erp = server.project("ERP")
    server.worklogs = [worklog(1, 20_000, 5_400)]
    server.versions[erp] = [
        {"id": "700", "name": "1.0", "released": True, "archived": False, "startDate": "2026-09-01", "releaseDate": "2026-10-01"}
    ]
    server.components[erp] = [{"id": "800", "name": "Core", "lead": user("u9", "kim")}]
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
        found = records_of(made, every(server), store)
    records = [record for owned in found.values() for record in owned]
    (work,) = [record for record in records if isinstance(record, Worklog)]
    assert (work.author, work.hours, work.item, work.body) == ("u1", 1.5, "20000", "Wiki *markup*")
    (version,) = [record for record in records if isinstance(record, Version)]
    assert version == Version("700", "1.0", True, False, dt.date(2026, 9, 1), dt.date(2026, 10, 1))
    (component,) = [record for record in records if isinstance(record, Component)]
    assert (component.name, component.lead) == ("Core", "u9")
    # A project that has neither has no payload.
    assert set(store.of("releases")) == {erp}


# Mapping


def test_epics_sprints_people_and_wiki_text_are_mapped(server: KeyedServer) -> None:
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
        records = records_of(made, every(server), store)
    found = items(records)
    # An epic by its name's field, whatever its type is called, and by the type where it has none.
    assert [(found[key].kind, found[key].counts, found[key].uncounted) for key in ("ERP-1", "ERP-3", "ERP-2", "ERP-4")] == [
        (Kind.EPIC, False, Uncounted.SUMMARY), (Kind.EPIC, False, Uncounted.SUMMARY), (Kind.TASK, True, None),
        (Kind.SUB_ITEM, False, Uncounted.SUB_ITEM),
    ]  # fmt: skip
    # A parent is nearer than an epic, and an epic that nobody may see is none.
    assert {key: item.parent for key, item in found.items()} == {
        "ERP-1": None, "ERP-2": "20000", "ERP-3": None, "ERP-4": "20001", "PAY-1": "20000",
    }  # fmt: skip
    assert (found["ERP-2"].points, found["ERP-2"].iterations) == (5.0, ("7",))
    assert found["ERP-2"].description == "h2. Wiki *markup*\n{code}x{code}"
    # Renamed meanwhile: the key stays.
    assert (found["ERP-2"].assignee, found["ERP-3"].assignee) == ("u1", "u1")
    people = {record.external_id for found in records.values() for record in found if isinstance(record, Identity)}
    assert people == {"u1"}


def test_a_sprint_named_in_an_issue_is_known_where_boards_may_not_be_read(server: KeyedServer) -> None:
    store = Store()
    with server.served() as router, opened(CONFIG) as made:
        router.get("/rest/agile/1.0/board").respond(403, json={}, headers={"Date": "Mon, 23 Nov 2026 09:00:00 GMT"})
        run(made, every(server), store, Mode.FULL)
        records = records_of(made, every(server), store)
    (sprint,) = {record for found in records.values() for record in found if isinstance(record, Iteration)}
    assert (sprint.external_id, sprint.name, sprint.state) == ("7", "A, id=9, name=B]", "active")


def test_entries_that_name_a_custom_field_without_its_id_are_understood(server: KeyedServer) -> None:
    server.histories["20001"] = [
        entry(1, {"field": "Epic Link", "fieldtype": "custom", "from": "20000", "fromString": "ERP-1", "to": None, "toString": ""}),
        entry(2, {"field": "Story Points", "fieldtype": "custom", "from": None, "fromString": "3", "to": None, "toString": "5"}),
        entry(3, {"field": "Sprint", "fieldtype": "custom", "from": "6", "fromString": "A", "to": "6, 7", "toString": "A, B"}),
        entry(4, {"field": "assignee", "fieldtype": "jira", "from": "u1", "fromString": "Jane", "to": "u2", "toString": "Joe"}),
    ]
    store = Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
        records = records_of(made, every(server), store)
    found = [record for found in records.values() for record in found if isinstance(record, Transition)]
    assert [(change.field, change.actor) for change in found] == [
        (Field.PARENT, "jane"), (Field.POINTS, "jane"), (Field.ITERATION, "jane"), (Field.ASSIGNEE, "jane"),
    ]  # fmt: skip


def test_boards_belong_to_the_project_that_they_were_asked_by(server: KeyedServer) -> None:
    server.boards[server.project("ERP")] = [{"id": 2, "name": "ERP board", "type": "kanban"}]
    store = Store()
    with server.served() as router, opened(CONFIG) as made:
        router.get("/rest/agile/1.0/board/2/configuration").respond(404, json={})
        run(made, every(server), store, Mode.FULL)
    assert {id: payload.scope for id, payload in store.of("board").items()} == {"2": server.project("ERP")}


def test_priorities_are_urgent_in_their_order(server: KeyedServer) -> None:
    with source(server) as made:
        site = json.loads(next(iter(made.reference(every(server)))).body)
    assert site["priorities"] == {"1": 100, "2": 50, "3": 0}
    assert "customfield_10008" in site["asked"]


# Fetches and censuses


def test_a_fetch_gives_what_reading_gives_and_calls_absent_what_is_nowhere(server: KeyedServer) -> None:
    server.histories["20001"] = [entry(1, {"field": "status", "from": "1", "to": "3"})]
    store, fetched = Store(), Store()
    with source(server) as made:
        run(made, every(server), store, Mode.FULL)
        # Of two that the index does not have, the database has one.
        server.hidden_from_search = {"20003"}
        pages = list(made.fetch([Ref("issue", "20001"), Ref("history", "20003:5"), Ref("issue", "99999"), Ref("board", "2")]))
    for page in pages:
        fetched.payloads |= {(payload.ref.kind, payload.ref.external_id): payload for payload in page.payloads}
    assert set(fetched.of("issue")) == {"20001", "20003"}
    assert fetched.payloads.items() <= store.payloads.items()
    gone = [gone for page in pages for gone in page.gone if gone.ref.kind == "issue"]
    assert [(one.ref.external_id, one.reason) for one in gone] == [("99999", Reason.ABSENT)]


def test_a_fetch_of_many_bears_a_server_that_caps_its_pages() -> None:
    server = KeyedServer(*(issue(20_000 + n, f"ERP-{n}") for n in range(1, 251)))
    server.cap = 30
    with source(server) as made:
        pages = list(made.fetch([Ref("issue", str(20_000 + n)) for n in range(1, 251)]))
    assert sum(len(page.payloads) for page in pages) == 250
    assert not any(page.gone for page in pages)


def test_two_censuses_list_the_same_by_chunks_of_projects(server: KeyedServer) -> None:
    server.cap = 2
    listings = []
    for _ in range(2):
        with source(server) as made:
            listings.append(list(made.census(every(server))))
    assert listings[0] == listings[1]
    assert [id for listing in listings[0] for id in listing.ids] == [one["id"] for one in server.issues]
    assert [listing.last for listing in listings[0]] == [False] * (len(listings[0]) - 1) + [True]


def test_a_query_selects_within_a_project(server: KeyedServer) -> None:
    with source(server) as made:
        found = [id for listing in made.select(server.project("ERP"), 'key in ("ERP-2", "PAY-1")') for id in listing.ids]
    assert found == ["20001"]


def test_the_clock_is_the_servers(server: KeyedServer) -> None:
    with source(server) as made:
        run(made, every(server), store := Store(), Mode.FULL)
    marks = {value for key, value in store.state.items() if key.endswith("watermark_ms")}
    assert marks == {str(int(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC).timestamp() * 1000))}
    assert Lent().now().tzinfo is dt.UTC
