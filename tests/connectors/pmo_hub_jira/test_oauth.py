"""OAuth with Atlassian: the consent, tokens that rotate, and what is said where either no longer serves."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from pmo_hub.sdk.authorizing import Authorizing
from pmo_hub.sdk.contract import Expiring, Mode
from pmo_hub.sdk.errors import AuthError, ConfigError, ReauthError, TransientError
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing_context import MemoryContext, MemoryCredentials
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.connector import JiraConnector, JiraSource
from pmo_hub_jira.oauth import SCOPES, Atlassian, Grant
from pmo_hub_jira.simulated_sign_in import SimulatedAtlassian, serve_atlassian
from pmo_hub_jira.simulator import generate, serve
from pmo_hub_jira.ways import OAuth
from tests.connectors.pmo_hub_jira.lending import START, Store, run

SITE = generate(7, 60, START)
REDIRECT = "https://hub.example.com/authorized"
WAY = OAuth.model_validate({"client_id": "app", "client_secret": "app-secret"})
TOKEN_ADDRESS = "https://auth.atlassian.com/oauth/token"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> object:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def atlassian(clock: Clock) -> Iterator[SimulatedAtlassian]:
    with serve(SITE, clock=lambda: clock.now) as simulator, serve_atlassian(simulator) as served:
        yield served


@pytest.fixture
def context(clock: Clock) -> MemoryContext:
    return MemoryContext(clock=lambda: clock.now, policy=Policy(attempts=2))


def signed_in(atlassian: SimulatedAtlassian, context: MemoryContext) -> JiraConnector:
    """A person has consented; what came of it is in the context."""
    connector = JiraConnector(atlassian.addresses())
    config = JiraConfig.model_validate(atlassian.config())
    begun = connector.authorize.start(config, REDIRECT)
    answer = atlassian.consent(begun.url)
    assert answer.pop("state") == begun.state
    connector.authorize.finish(config, begun.kept, answer, context)
    return connector


@contextmanager
def opened(connector: JiraConnector, atlassian: SimulatedAtlassian, context: MemoryContext) -> Iterator[JiraSource]:
    with connector.open(JiraConfig.model_validate(atlassian.config()), context) as source:
        yield source


def stored(context: MemoryContext) -> dict[str, str]:
    value: dict[str, str] = json.loads(context.credentials.load()[0])
    return value


def put(context: MemoryContext, clock: Clock, *, minutes: int = 60) -> None:
    """Tokens are stored that live as long."""
    until = (clock.now + timedelta(minutes=minutes)).isoformat()
    tokens = {"access": "a1", "access_until": until, "refresh": "r1", "refreshed_at": START.isoformat(), "consented_at": START.isoformat()}
    assert context.credentials.save(json.dumps(tokens).encode(), context.credentials.load()[1])


def granted(access: str, refresh: str) -> httpx.Response:
    return httpx.Response(200, json={"access_token": access, "refresh_token": refresh, "expires_in": 3600})


@contextmanager
def grant(context: MemoryContext) -> Iterator[Grant]:
    with context.http("https://api.atlassian.com") as http:
        yield Grant(context, http, Atlassian(), WAY)


# The consent


def test_the_address_to_consent_at_is_atlassians_and_says_what_is_asked(atlassian: SimulatedAtlassian) -> None:
    connector = JiraConnector()
    assert isinstance(connector, Authorizing)
    begun = connector.authorize.start(JiraConfig.model_validate(atlassian.config()), REDIRECT)
    assert begun.url.startswith("https://auth.atlassian.com/authorize?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert (query["redirect_uri"], query["state"], query["audience"]) == (REDIRECT, begun.state, "api.atlassian.com")
    assert query["scope"].split() == list(SCOPES)
    assert "offline_access" in SCOPES
    assert atlassian.client_secret not in begun.url
    assert connector.authorize.start(JiraConfig.model_validate(atlassian.config()), REDIRECT).state != begun.state


def test_a_consented_connection_reads_through_the_gateway(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    connector = signed_in(atlassian, context)
    store = Store()
    with opened(connector, atlassian, context) as source:
        assert source.namespace() == atlassian.cloud_id
        assert source.check().startswith("Signed in to 127.0.0.1 as ")
        scopes = [scope.external_id for scope in source.scopes()]
        run(source, scopes, store, Mode.FULL)
    assert len(store.of("issue")) == len(list(atlassian.simulator.world.visible_issues()))
    # Only who the site is, was asked at the site's own address.
    assert {path for entry in atlassian.simulator.log if (path := entry.path).startswith("/_edge")} == {"/_edge/tenant_info"}
    assert atlassian.asked["gateway"] > 5
    assert atlassian.asked["refresh_token"] == 0


def test_another_way_of_signing_in_has_nothing_to_authorize(atlassian: SimulatedAtlassian) -> None:
    config = JiraConfig.model_validate(atlassian.simulator.config())
    connector = JiraConnector()
    assert not connector.authorize.applies(config)
    with pytest.raises(ConfigError, match="signs in with API token, so nobody has to authorize it"):
        connector.authorize.start(config, REDIRECT)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied", "error_description": "User did not\nauthorize the request"}, "User did not authorize the request"),
        ({}, "no code came back"),
        ({"code": "never-given"}, "does not know the code"),
    ],
)
def test_a_consent_that_was_not_given_is_said_in_a_sentence(
    atlassian: SimulatedAtlassian, context: MemoryContext, answer: dict[str, str], words: str
) -> None:
    connector = JiraConnector(atlassian.addresses())
    config = JiraConfig.model_validate(atlassian.config())
    begun = connector.authorize.start(config, REDIRECT)
    with pytest.raises(AuthError, match=words) as raised:
        connector.authorize.finish(config, begun.kept, answer, context)
    assert "start again" in str(raised.value)
    assert context.credentials.load() == (b"", 0)


def test_a_consent_for_another_site_is_refused(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    atlassian.sites = {"another-cloud": "https://other.atlassian.net"}
    with pytest.raises(AuthError, match=r"given for other\.atlassian\.net and not for 127\.0\.0\.1; start again and choose that site"):
        signed_in(atlassian, context)
    assert context.credentials.load() == (b"", 0)


def test_a_wrong_client_secret_is_told_from_a_consent_that_ended(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    atlassian.client_secret = "right"
    connector = JiraConnector(atlassian.addresses())
    config = JiraConfig.model_validate(atlassian.config() | {"client_secret": "wrong"})
    begun = connector.authorize.start(config, REDIRECT)
    with pytest.raises(AuthError, match="does not accept the client id and secret"):
        connector.authorize.finish(config, begun.kept, atlassian.consent(begun.url), context)


def test_an_app_without_offline_access_is_told_what_it_lacks(context: MemoryContext) -> None:
    config = JiraConfig.model_validate({"url": "https://acme.atlassian.net", "sign_in": "oauth", "client_id": "a", "client_secret": "b"})
    with respx.mock() as router:
        router.get("https://acme.atlassian.net/_edge/tenant_info").respond(json={"cloudId": "c1"})
        router.post(TOKEN_ADDRESS).respond(json={"access_token": "a1", "expires_in": 3600})
        with pytest.raises(AuthError, match="offline_access"):
            JiraConnector().authorize.finish(config, {"redirect": REDIRECT}, {"code": "c"}, context)


def test_a_connection_that_nobody_signed_in_for_says_so(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    with opened(JiraConnector(atlassian.addresses()), atlassian, context) as source:
        assert source.namespace() == atlassian.cloud_id
        with pytest.raises(ReauthError, match="nobody has signed in"):
            source.check()


def test_an_address_that_is_no_site_of_cloud_is_said(context: MemoryContext) -> None:
    config = JiraConfig.model_validate({"url": "https://jira.example.com", "sign_in": "oauth", "client_id": "a", "client_secret": "b"})
    with respx.mock() as router:
        router.get("https://jira.example.com/_edge/tenant_info").respond(404)
        with pytest.raises(ConfigError, match="no site of Jira Cloud"), JiraConnector().open(config, context):
            pass


# Tokens that rotate


def test_an_access_token_that_ends_is_renewed_and_the_new_refresh_token_kept(
    atlassian: SimulatedAtlassian, context: MemoryContext, clock: Clock
) -> None:
    connector = signed_in(atlassian, context)
    for hours in range(1, 4):
        before = stored(context)
        clock.now += timedelta(hours=1)
        with opened(connector, atlassian, context) as source:
            source.check()
            source.check()
        assert stored(context)["refresh"] != before["refresh"]
        assert atlassian.asked["refresh_token"] == hours
    assert stored(context)["consented_at"] == before["consented_at"]


def test_the_new_refresh_token_is_stored_before_anything_is_asked_with_it(context: MemoryContext, clock: Clock) -> None:
    put(context, clock, minutes=-5)
    config = JiraConfig.model_validate(
        {"url": "https://api.atlassian.com/ex/jira/c1", "sign_in": "oauth", "client_id": "app", "client_secret": "app-secret"}
    )
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["Authorization"], stored(context)["refresh"]))
        return httpx.Response(200, json={"displayName": "Jane"})

    with respx.mock() as router:
        token = router.post(TOKEN_ADDRESS).mock(return_value=granted("a2", "r2"))
        router.get("https://api.atlassian.com/ex/jira/c1/rest/api/3/myself").mock(side_effect=answer)
        with JiraConnector().open(config, context) as source:
            source.check()
        assert json.loads(token.calls[0].request.content) == {
            "grant_type": "refresh_token", "client_id": "app", "client_secret": "app-secret", "refresh_token": "r1",
        }  # fmt: skip
    assert seen == [("Bearer a2", "r2")]


def test_a_token_about_to_end_is_renewed_early(context: MemoryContext, clock: Clock) -> None:
    put(context, clock, minutes=1)
    with respx.mock() as router, grant(context) as given:
        router.post(TOKEN_ADDRESS).mock(return_value=granted("a2", "r2"))
        assert given.access() == "a2"


def test_who_comes_second_to_store_takes_what_the_first_has_stored(context: MemoryContext, clock: Clock) -> None:
    put(context, clock, minutes=-5)

    def answer(_: httpx.Request) -> httpx.Response:
        put(context, clock)  # another process renews at the same instant, and stores first
        return granted("mine", "mine-too")

    with respx.mock() as router, grant(context) as given:
        router.post(TOKEN_ADDRESS).mock(side_effect=answer)
        assert given.access() == "a1"
    assert stored(context)["refresh"] == "r1"


def test_a_refusal_after_another_process_renewed_is_no_refusal(context: MemoryContext, clock: Clock) -> None:
    put(context, clock, minutes=-5)

    def answer(_: httpx.Request) -> httpx.Response:
        put(context, clock)
        return httpx.Response(403, json={"error": "invalid_grant"})

    with respx.mock() as router, grant(context) as given:
        router.post(TOKEN_ADDRESS).mock(side_effect=answer)
        assert given.access() == "a1"


def test_a_consent_that_ended_is_one_clear_sentence(atlassian: SimulatedAtlassian, context: MemoryContext, clock: Clock) -> None:
    connector = signed_in(atlassian, context)
    atlassian.revoke()
    clock.now += timedelta(days=91)
    with opened(connector, atlassian, context) as source, pytest.raises(ReauthError) as raised:
        source.check()
    assert str(raised.value) == (
        "Atlassian no longer accepts this connection's sign-in: it went unused for 90 days, is a year old, or was withdrawn; "
        "authorize the connection again"
    )
    assert atlassian.asked["refresh_token"] == 1


def test_an_access_token_refused_before_its_time_is_renewed_once(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    connector = signed_in(atlassian, context)
    atlassian.end_access()
    with opened(connector, atlassian, context) as source:
        source.check()
    assert atlassian.asked["refresh_token"] == 1


def test_an_account_that_is_refused_with_a_new_token_too_is_refused(context: MemoryContext, clock: Clock) -> None:
    put(context, clock)
    config = JiraConfig.model_validate(
        {"url": "https://api.atlassian.com/ex/jira/c1", "sign_in": "oauth", "client_id": "app", "client_secret": "app-secret"}
    )
    with respx.mock() as router:
        token = router.post(TOKEN_ADDRESS).mock(return_value=granted("a2", "r2"))
        route = router.get("https://api.atlassian.com/ex/jira/c1/rest/api/3/myself").respond(401)
        with JiraConnector().open(config, context) as source, pytest.raises(AuthError, match="not accepted"):
            source.check()
        assert (token.call_count, route.call_count) == (1, 2)


def test_many_threads_renew_once(atlassian: SimulatedAtlassian, context: MemoryContext, clock: Clock) -> None:
    connector = signed_in(atlassian, context)
    clock.now += timedelta(hours=2)
    with opened(connector, atlassian, context) as source:
        threads = [threading.Thread(target=source.check) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert atlassian.asked["refresh_token"] == 1


def test_atlassian_that_fails_now_is_no_reason_to_consent_again(context: MemoryContext, clock: Clock) -> None:
    put(context, clock, minutes=-5)
    with respx.mock() as router, grant(context) as given:
        router.post(TOKEN_ADDRESS).respond(503)
        with pytest.raises(TransientError):
            given.access()
        router.post(TOKEN_ADDRESS).respond(200, json={"access_token": 7, "secret-ish": "a2"})
        with pytest.raises(TransientError) as raised:
            given.access()
    assert "secret-ish" not in str(raised.value)


def test_no_error_and_no_log_holds_a_token(
    atlassian: SimulatedAtlassian, context: MemoryContext, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connector = signed_in(atlassian, context)
    told = ""
    secrets = {atlassian.client_secret, stored(context)["access"], stored(context)["refresh"]}
    clock.now += timedelta(hours=2)
    with opened(connector, atlassian, context) as source:
        source.check()
        secrets |= {stored(context)["access"], stored(context)["refresh"]}
        atlassian.revoke()
        with pytest.raises(AuthError) as raised:
            source.check()
        told += "".join(traceback.format_exception(raised.value))
    for secret in secrets:
        assert secret not in told + caplog.text


# When it ends


def test_a_consent_ends_ninety_days_after_its_last_use_and_a_year_after_it_was_given(
    atlassian: SimulatedAtlassian, context: MemoryContext, clock: Clock
) -> None:
    connector = signed_in(atlassian, context)
    with opened(connector, atlassian, context) as source:
        assert isinstance(source, Expiring)
        assert source.credential_expires_at() == START + timedelta(days=90)
    for _ in range(5):
        clock.now += timedelta(days=60)
        with opened(connector, atlassian, context) as source:
            source.check()
    with opened(connector, atlassian, context) as source:
        assert source.credential_expires_at() == START + timedelta(days=365)


def test_before_a_consent_nothing_ends(atlassian: SimulatedAtlassian) -> None:
    empty = MemoryContext(credentials=MemoryCredentials())
    with opened(JiraConnector(atlassian.addresses()), atlassian, empty) as source:
        assert source.credential_expires_at() is None


# Tokens with scopes


def test_a_token_with_scopes_goes_through_the_gateway(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    given = {"url": atlassian.simulator.url, "email": atlassian.simulator.email, "token": atlassian.scoped_token}
    with JiraConnector(atlassian.addresses()).open(JiraConfig.model_validate(given | {"sign_in": "scoped_token"}), context) as source:
        assert source.check()
        assert source.namespace() == atlassian.cloud_id
        assert len(list(source.scopes())) == len(atlassian.simulator.projects)
    with (
        JiraConnector(atlassian.addresses()).open(JiraConfig.model_validate(given), context) as source,
        pytest.raises(AuthError, match=r"create a new|not accept"),
    ):
        source.check()


def test_the_day_on_which_a_token_ends_is_the_admins_to_tell(atlassian: SimulatedAtlassian, context: MemoryContext) -> None:
    config = JiraConfig.model_validate(atlassian.simulator.config() | {"expires_on": "2027-01-31"})
    with JiraConnector().open(config, context) as source:
        ends = source.credential_expires_at()
        assert ends is not None
        assert ends.isoformat() == "2027-01-31T00:00:00+00:00"
