"""The connectors' HTTP client: retries, throttling, whose fault an answer is, and no secret in any words."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import respx

from pmo_hub.sdk import http
from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, TransientError

URL = "https://jira.example"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOKEN = "secret-token-4711"


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    def now(self) -> datetime:
        return NOW


def throttle(clock: Clock, limit: RateLimit | None = None) -> http.LocalThrottle:
    return http.LocalThrottle(limit or RateLimit(1000, 1.0, 4), clock=clock.monotonic, sleep=clock.sleep)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[httpx.Client]:
    clockwork = http.Clockwork(clock.monotonic, clock.sleep, clock.now, lambda: 0.5)
    with http.client(URL, http.BasicAuth("jane@example.com", TOKEN), throttle=throttle(clock), clockwork=clockwork) as made:
        yield made


@respx.mock(base_url=URL)
def test_an_answer_is_handed_out_whole_and_at_once(client: httpx.Client, clock: Clock, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("/x").respond(json={"a": 1})
    assert client.get("/x").json() == {"a": 1}
    assert clock.waits == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_with_the_same_body(client: httpx.Client, clock: Clock, status: int) -> None:
    with respx.mock(base_url=URL) as router:
        route = router.post("/x").mock(side_effect=[httpx.Response(status), httpx.Response(200, json=[])])
        assert client.post("/x", content=b'{"jql":"a"}').json() == []
    assert [call.request.content for call in route.calls] == [b'{"jql":"a"}'] * 2
    assert len(clock.waits) == 1


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "0"}, 1.5),
        ({"Retry-After": "7"}, 7.5),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=20), usegmt=True)}, 20.5),
        # The server's clock is an hour ahead of ours: its own Date header is what its Retry-After counts from.
        (
            {
                "Retry-After": format_datetime(NOW + timedelta(hours=1, seconds=20), usegmt=True),
                "Date": format_datetime(NOW + timedelta(hours=1), usegmt=True),
            },
            20.5,
        ),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
    ids=["zero is floored", "seconds", "date", "date by the server's clock", "nonsense", "none"],
)
@respx.mock(base_url=URL)
def test_retry_after_is_obeyed(
    client: httpx.Client, clock: Clock, respx_mock: respx.MockRouter, headers: dict[str, str], wait_s: float
) -> None:
    respx_mock.get("/x").mock(side_effect=[httpx.Response(429, headers=headers), httpx.Response(200, json=[])])
    client.get("/x")
    # The throttle closes for the same time; that it wakes up at the same instant is no second wait.
    assert clock.waits[0] == pytest.approx(wait_s)
    assert sum(clock.waits) == pytest.approx(wait_s, abs=0.001)


@respx.mock(base_url=URL)
def test_a_wait_of_more_than_a_minute_is_left_to_the_host(client: httpx.Client, clock: Clock, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("/x").respond(429, headers={"Retry-After": "1800"})
    with pytest.raises(TransientError) as raised:
        client.get("/x")
    assert raised.value.retry_after == timedelta(seconds=1800)
    assert route.call_count == 1
    assert clock.waits == []


@respx.mock(base_url=URL, assert_all_called=False)
def test_others_do_not_wait_for_half_an_hour_either(client: httpx.Client, clock: Clock, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("/x").respond(429, headers={"Retry-After": "1800", "RateLimit-Reason": "jira-quota-tenant-based"})
    other = respx_mock.get("/y").respond(json=[])
    with pytest.raises(TransientError):
        client.get("/x")
    clock.at += 300
    with pytest.raises(TransientError) as raised:
        client.get("/y")
    assert raised.value.retry_after is not None
    assert 1400 < raised.value.retry_after.total_seconds() <= 1501
    assert not other.called


@respx.mock(base_url=URL)
def test_attempts_are_bounded_and_the_error_says_what_failed(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("/x").respond(503)
    with pytest.raises(TransientError, match=r"jira\.example failed with status 503, 5 attempts in a row"):
        client.get("/x")
    assert route.call_count == 5


@respx.mock(base_url=URL)
def test_the_time_spent_on_one_request_is_bounded(clock: Clock, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("/x").respond(429, headers={"Retry-After": "40"})
    clockwork = http.Clockwork(clock.monotonic, clock.sleep, clock.now, lambda: 0.5)
    policy = http.Policy(attempts=50, total_s=100)
    with http.client(URL, throttle=throttle(clock), policy=policy, clockwork=clockwork) as client, pytest.raises(TransientError):
        client.get("/x")
    assert route.call_count == 3
    assert clock.at - 1000 <= 100


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("Connection refused"),
        httpx.ReadTimeout("timed out"),
        httpx.ConnectTimeout("timed out"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.ReadError("reset"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@respx.mock(base_url=URL)
def test_a_broken_connection_is_tried_again(client: httpx.Client, respx_mock: respx.MockRouter, failure: Exception) -> None:
    respx_mock.get("/x").mock(side_effect=[failure, httpx.Response(200, json=[])])
    assert client.get("/x").json() == []


@pytest.mark.parametrize("body", [b'{"issues":[{"id":"1"', b'[{"a":1},', b'{"a":[1,2]\n '])
@respx.mock(base_url=URL)
def test_json_without_its_end_is_tried_again(client: httpx.Client, respx_mock: respx.MockRouter, body: bytes) -> None:
    respx_mock.get("/x").mock(side_effect=[httpx.Response(200, content=body), httpx.Response(200, content=b'{"a":1}\n')])
    assert client.get("/x").json() == {"a": 1}


@respx.mock(base_url=URL)
def test_a_failing_certificate_is_the_admins_and_not_tried_again(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("/x").mock(side_effect=httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))
    with pytest.raises(ConfigError, match="certificate"):
        client.get("/x")
    assert route.call_count == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("[Errno -2] Name or service not known"), httpx.ReadTimeout(f"{TOKEN}")])
@respx.mock(base_url=URL)
def test_no_error_leads_to_the_credential(client: httpx.Client, respx_mock: respx.MockRouter, failure: Exception) -> None:
    respx_mock.get("/x").mock(side_effect=failure)
    with pytest.raises(ConnectorError) as raised:
        client.get("/x")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert TOKEN not in str(raised.value)


@respx.mock(base_url=URL)
def test_redirects_are_not_followed(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("/x").respond(302, headers={"Location": "https://elsewhere.example/"})
    error = http.error_of(client.get("/x"), "Jira")
    assert isinstance(error, ConfigError)
    assert "redirects" in str(error)


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (httpx.Response(200, json={"a": 1}), None, ""),
        (httpx.Response(204), None, ""),
        (httpx.Response(401, text="Client must be authenticated"), AuthError, "not accepted"),
        (httpx.Response(401, text="The token has expired"), AuthError, "has expired"),
        (httpx.Response(403), AuthError, "permissions"),
        (httpx.Response(404, json={}), ConfigError, "404"),
        (httpx.Response(410, json={}), ConfigError, "has removed /x"),
        (httpx.Response(200, html="<html>Log in</html>"), ConfigError, "web page, not JSON"),
        (httpx.Response(200, text="  <!DOCTYPE html>"), ConfigError, "web page, not JSON"),
        (httpx.Response(500), TransientError, "500"),
        (httpx.Response(501, json={}), TransientError, "501"),
    ],
)
def test_each_answer_says_who_has_to_act(response: httpx.Response, kind: type[ConnectorError] | None, words: str) -> None:
    response.request = httpx.Request("GET", f"{URL}/x")
    error = http.error_of(response, "Jira")
    if kind is None:
        assert error is None
    else:
        assert type(error) is kind
        assert words in str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic amFuZTpzZWNyZXQ=",
        "{'authorization': 'Bearer eyJhbGciOi'}",
        "GET https://api.example/1/boards?key=0123456789&token=abcdef HTTP/1.1",
        "postgresql://hub:hunter2@db/hub",
        "password=hunter2",
    ],
)
def test_secrets_are_taken_out_of_texts(text: str) -> None:
    clean = http.redact(text)
    assert "***" in clean
    for secret in ("amFuZTpzZWNyZXQ=", "eyJhbGciOi", "0123456789", "abcdef", "hunter2"):
        assert secret not in clean


def test_given_secrets_are_taken_out_wherever_they_stand() -> None:
    assert http.redact(f"it said {TOKEN}!", [TOKEN, ""]) == "it said ***!"
    assert http.redact("an issue with the key ERP-1") == "an issue with the key ERP-1"


class TestThrottle:
    def test_a_bucket_lends_what_it_holds_and_then_its_rate(self, clock: Clock) -> None:
        own = throttle(clock, RateLimit(requests=2, per_s=1.0, concurrency=9))
        for _ in range(4):
            own.acquire()
            own.release()
        assert clock.at - 1000 == pytest.approx(1.0, abs=0.01)

    def test_refusals_halve_the_concurrency_once_a_wave(self, clock: Clock) -> None:
        own = throttle(clock, RateLimit(100, 1.0, 8))
        for _ in range(8):
            own.penalise(0.0, "jira-burst-based")
        assert own.concurrency == 4
        clock.at += 2
        own.penalise(0.0, "jira-burst-based")
        assert own.concurrency == 2

    def test_a_clean_minute_gives_one_back(self, clock: Clock) -> None:
        own = throttle(clock, RateLimit(100, 1.0, 8))
        own.penalise(0.0, "jira-burst-based")
        seen = []
        for _ in range(6):
            clock.at += 61
            own.acquire()
            own.release()
            seen.append(own.concurrency)
        assert seen == [5, 6, 7, 8, 8, 8]

    def test_a_burst_limit_does_not_stop_the_others(self, clock: Clock) -> None:
        own = throttle(clock)
        own.penalise(30.0, "jira-burst-based")
        own.acquire()
        assert clock.waits == []

    def test_a_quota_stops_all_until_it_is_over(self, clock: Clock) -> None:
        own = throttle(clock)
        own.penalise(30.0, "jira-quota-global-based")
        own.acquire()
        assert clock.at - 1000 == pytest.approx(30.0, abs=0.01)

    def test_no_more_run_at_once_than_allowed(self) -> None:
        own = http.LocalThrottle(RateLimit(1000, 1.0, 1))
        own.acquire()
        entered = threading.Event()

        def second() -> None:
            own.acquire()
            entered.set()

        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.is_set()
        own.release()
        thread.join(timeout=10)
        assert entered.is_set()


@respx.mock(base_url=URL)
def test_the_credential_goes_with_each_request_and_no_cookie_does(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("/x").respond(json=[], headers={"Set-Cookie": "session=1; Path=/"})
    assert client.get("/x").request.headers["authorization"].startswith("Basic ")
    client.get("/x")
    sent = [call.request.headers for call in route.calls]
    assert len({headers["authorization"] for headers in sent}) == 1
    assert ["cookie" in headers for headers in sent] == [False, False]


@respx.mock(base_url=URL)
def test_another_credential_may_be_given_for_one_request(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("/x").respond(json=[])
    client.get("/x", auth=httpx.BasicAuth("ravi@example.com", "other"))
    (call,) = route.calls
    assert httpx.BasicAuth("ravi@example.com", "other")._auth_header == call.request.headers["authorization"]


def test_a_credential_with_a_dialogue_of_its_own_is_carried_on(clock: Clock) -> None:
    class Renewed(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            response = yield request
            if response.status_code == 401:
                request.headers["Authorization"] = "Bearer new"
                yield request

    with respx.mock(base_url=URL) as router, http.client(URL, Renewed(), throttle=throttle(clock)) as made:
        router.get("/x", headers={"Authorization": "Bearer new"}).respond(json=[])
        router.get("/x").respond(401)
        assert made.get("/x").json() == []


@respx.mock(base_url=URL)
def test_a_packed_answer_is_unpacked(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("/x").respond(content=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    assert client.get("/x").json() == {"a": 1}


@respx.mock(base_url=URL)
def test_a_closed_client_sends_nothing(client: httpx.Client, respx_mock: respx.MockRouter) -> None:
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/x")
    assert not respx_mock.calls
