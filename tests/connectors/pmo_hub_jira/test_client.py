"""The wire: paging, what a refusal says, and the `jira` library on the hub's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
import respx

from pmo_hub.sdk.errors import AuthError, ConfigError, TransientError
from pmo_hub.sdk.http import BasicAuth
from pmo_hub_jira.client import JiraClient, Refused
from tests.connectors.pmo_hub_jira.lending import Lent

URL = "https://acme.atlassian.net"
DATE = {"Date": "Mon, 23 Nov 2026 09:00:00 GMT"}


@pytest.fixture
def client() -> Iterator[JiraClient]:
    with Lent().http(URL, BasicAuth("jane@acme.example", "t0ken")) as http:
        yield JiraClient(http, 8)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=URL) as made:
        yield made


def test_a_search_is_a_post_with_its_fields_and_its_token(client: JiraClient, router: respx.MockRouter) -> None:
    route = router.post("/rest/api/3/search/jql").respond(json={"issues": [{"id": "1"}], "isLast": False, "nextPageToken": "t2"})
    page = client.search("project = 1", ["id", "summary"], 100, "t1")
    assert json.loads(route.calls[0].request.content) == {
        "jql": "project = 1",
        "fields": ["id", "summary"],
        "maxResults": 100,
        "nextPageToken": "t1",
    }
    assert page.next_page_token == "t2"
    assert [bytes(raw) for raw in page.issues or ()] == [b'{"id":"1"}']


@pytest.mark.parametrize(
    "answer",
    [{"issues": []}, {"issues": None, "isLast": None}, {"isLast": True, "nextPageToken": "t2"}, {"isLast": False}, {"nextPageToken": ""}],
)
def test_a_page_that_says_last_or_has_no_token_is_the_last(client: JiraClient, router: respx.MockRouter, answer: dict[str, object]) -> None:
    router.post("/rest/api/3/search/jql").respond(json=answer)
    assert client.search("project = 1", ["id"], 100).next_page_token is None


def test_the_clock_is_the_servers(client: JiraClient, router: respx.MockRouter) -> None:
    router.post("/rest/api/3/search/approximate-count").respond(json={"count": 7}, headers=DATE)
    assert client.count("project = 1") == 7
    assert client.clock_ms() == 1_795_424_400_000


@pytest.mark.parametrize("headers", [{}, {"Date": "once upon a time"}])
def test_without_a_date_header_the_server_is_asked_for_its_time(
    client: JiraClient, router: respx.MockRouter, headers: dict[str, str]
) -> None:
    router.post("/rest/api/3/search/approximate-count").respond(json={"count": 7}, headers=headers)
    router.get("/rest/api/3/serverInfo").respond(json={"serverTime": "2026-11-23T10:00:00.000+0100"})
    client.count("project = 1")
    assert client.clock_ms() == 1_795_424_400_000


def test_a_server_that_hides_the_time_is_an_error(client: JiraClient, router: respx.MockRouter) -> None:
    router.get("/rest/api/3/serverInfo").respond(json={"baseUrl": URL})
    with pytest.raises(TransientError, match="told the time"):
        client.clock_ms()


def test_offset_pages_go_on_by_what_came_not_by_what_was_asked_for(client: JiraClient, router: respx.MockRouter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["startAt"])
        values = [{"id": str(n)} for n in range(start, min(start + 3, 7))]
        return httpx.Response(200, json={"values": values, "startAt": start, "maxResults": 3, "total": 7, "isLast": start + 3 >= 7})

    route = router.get("/rest/api/3/project/search").mock(side_effect=answer)
    assert [project.id for project in client.projects()] == [str(n) for n in range(7)]
    assert [call.request.url.params["startAt"] for call in route.calls] == ["0", "3", "6"]


def test_projects_are_asked_for_fifty_ids_at_a_time(client: JiraClient, router: respx.MockRouter) -> None:
    route = router.get("/rest/api/3/project/search").respond(json={"values": [], "total": 0})
    list(client.projects([str(n) for n in range(120)]))
    assert [len(call.request.url.params.get_list("id")) for call in route.calls] == [50, 50, 20]


def test_comments_are_joined_over_their_pages(client: JiraClient, router: respx.MockRouter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["startAt"])
        return httpx.Response(
            200, json={"startAt": start, "total": 5, "comments": [{"id": str(n)} for n in range(start, min(start + 2, 5))]}
        )

    router.get("/rest/api/3/issue/20001/comment").mock(side_effect=answer)
    assert json.loads(client.comments("20001")) == [{"id": str(n)} for n in range(5)]


def test_comments_deleted_while_they_are_read_end_the_reading(client: JiraClient, router: respx.MockRouter) -> None:
    route = router.get("/rest/api/3/issue/20001/comment").respond(json={"total": 5, "comments": []})
    assert client.comments("20001") == b"[]"
    assert route.call_count == 1


def test_the_library_asks_through_the_same_client(client: JiraClient, router: respx.MockRouter) -> None:
    route = router.get("/rest/api/3/myself").mock(side_effect=[httpx.Response(503), httpx.Response(200, json={"displayName": "Jane"})])
    assert client.library().myself() == {"displayName": "Jane"}
    assert route.call_count == 2
    # Its credential comes from the hub's client: the library itself has none.
    assert all(call.request.headers["Authorization"].startswith("Basic ") for call in route.calls)
    assert client.library()._session.auth is None


def test_behind_the_gateway_the_library_keeps_the_path(router: respx.MockRouter) -> None:
    gateway = "https://api.atlassian.com/ex/jira/11111111-2222"
    with respx.mock(base_url=gateway) as own, Lent().http(gateway, BasicAuth("jane@acme.example", "t0ken")) as http:
        client = JiraClient(http, 8)
        own.get("/rest/api/3/myself").respond(json={"displayName": "Jane"})
        own.post("/rest/api/3/search/approximate-count").respond(json={"count": 1})
        assert client.library().myself()["displayName"] == "Jane"
        assert client.count("project = 1") == 1


def test_a_refusal_carries_jiras_own_words_in_one_line(client: JiraClient, router: respx.MockRouter) -> None:
    said = {"errorMessages": ["Field 'x'\ndoes not exist."], "errors": {"jql": "unbounded"}}
    router.post("/rest/api/3/search/jql").respond(400, json=said)
    with pytest.raises(Refused) as raised:
        client.search("x = 1", ["id"], 100)
    assert raised.value.status == 400
    assert str(raised.value) == "Jira refused POST /rest/api/3/search/jql (400): Field 'x' does not exist. unbounded"


def test_a_refusal_without_words_is_still_a_sentence(client: JiraClient, router: respx.MockRouter) -> None:
    router.post("/rest/api/3/search/jql").respond(400, content=b"\xff")
    with pytest.raises(Refused, match=r"^Jira refused POST /rest/api/3/search/jql \(400\)$"):
        client.search("x = 1", ["id"], 100)


def test_a_credential_that_is_ignored_is_no_credential(client: JiraClient, router: respx.MockRouter) -> None:
    router.get("/rest/api/3/project/search").respond(
        json={"values": [], "total": 0}, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    )
    with pytest.raises(AuthError, match="does not accept"):
        list(client.projects())


@pytest.mark.parametrize("body", [b'{"issues":{}}', b"\xff\xfe", b'"text"', b"{]}"])
def test_an_answer_of_another_shape_is_worth_another_try(client: JiraClient, router: respx.MockRouter, body: bytes) -> None:
    router.post("/rest/api/3/search/jql").respond(200, content=body, headers={"Content-Type": "application/json"})
    with pytest.raises(TransientError):
        client.search("project = 1", ["id"], 100)


def test_an_issue_nested_ten_thousand_levels_does_not_take_its_page_down(client: JiraClient, router: respx.MockRouter) -> None:
    deep = b'{"content":[' * 10_000 + b"]}" * 10_000
    body = b'{"issues":[{"id":"1"},{"id":"2","fields":{"description":' + deep + b'}},{"id":"3"}],"isLast":true}'
    router.post("/rest/api/3/search/jql").respond(200, content=body)
    page = client.search("project = 1", ["id"], 100)
    assert [json.loads(bytes(raw))["id"] for raw in page.issues or ()] == ["1", "2", "3"]


@pytest.mark.parametrize(("status", "expected"), [(404, None), (200, "c1")])
def test_a_site_may_lack_a_cloud_id(client: JiraClient, router: respx.MockRouter, status: int, expected: str | None) -> None:
    router.get("/_edge/tenant_info").respond(status, json={"cloudId": "c1"})
    assert client.cloud_id() == expected


def test_a_cloud_id_that_cannot_be_read_now_is_not_taken_for_none(client: JiraClient, router: respx.MockRouter) -> None:
    router.get("/_edge/tenant_info").respond(503)
    with pytest.raises(TransientError):
        client.cloud_id()


def test_a_web_page_in_place_of_the_cloud_id_is_a_wrong_address(client: JiraClient, router: respx.MockRouter) -> None:
    router.get("/_edge/tenant_info").respond(200, html="<html>")
    with pytest.raises(ConfigError, match="web page"):
        client.cloud_id()


def test_no_more_requests_run_at_once_than_the_setting_says() -> None:
    running = most = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        # Another thread is let in here, if anything lets it.
        barrier.wait(timeout=10)
        running -= 1
        return httpx.Response(200, json={"count": 1})

    import threading

    barrier = threading.Barrier(2)
    with respx.mock(base_url=URL) as own, Lent().http(URL, BasicAuth("jane@acme.example", "t0ken")) as http:
        own.post("/rest/api/3/search/approximate-count").mock(side_effect=answer)
        client = JiraClient(http, 2)
        threads = [threading.Thread(target=client.count, args=("project = 1",)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
    assert most == 2
