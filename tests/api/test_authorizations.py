"""Signing in where a person has to consent, through the API: begun, answered, finished; the states between them, and misuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles, open_source
from pmo_hub.sdk.contract import Expiring
from pmo_hub.services import access, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.models.source import PendingAuthorization
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulated_sign_in import SimulatedAtlassian, serve_atlassian
from pmo_hub_jira.simulator import generate, serve
from tests.connectors.pmo_hub_jira.lending import START
from tests.serving import SECRET_KEY
from tests.stored import Clock

CONNECTIONS = "/api/v1/connections"
REDIRECT = "https://hub.example.com/authorized"
SITE = generate(7, 40, START)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def atlassian(clock: Clock) -> Iterator[SimulatedAtlassian]:
    with serve(SITE, clock=clock) as simulator, serve_atlassian(simulator) as served:
        yield served


@pytest.fixture
def hub(work: Work, clock: Clock, tmp_path: Path, atlassian: SimulatedAtlassian) -> Hub:
    registry = Registry.of(JiraConnector(atlassian.addresses()))
    return Hub(work, clock, registry, SecretBox([SECRET_KEY]), Throttles(), tmp_path)


@pytest.fixture
def admin(hub: Hub) -> TestClient:
    key = access.create_key(hub, "test", ("connections:write",), "test").text
    return TestClient(application(hub), headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


@pytest.fixture
def made(admin: TestClient, atlassian: SimulatedAtlassian) -> str:
    answer = admin.post(CONNECTIONS, json={"connector": "jira", "name": "Acme", "config": atlassian.config()})
    assert answer.status_code == 201, answer.text
    assert answer.json()["run"] is None
    return str(answer.json()["connection"]["id"])


def begin(admin: TestClient, id: str) -> str:
    answer = admin.post(f"{CONNECTIONS}/{id}/authorize", json={"redirect_url": REDIRECT})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def finish(admin: TestClient, id: str, answer: dict[str, str]) -> Any:
    return admin.post(f"{CONNECTIONS}/{id}/authorize/finish", json=answer)


def test_a_connection_is_made_authorized_given_scopes_and_synced(
    admin: TestClient, hub: Hub, atlassian: SimulatedAtlassian, made: str, clock: Clock
) -> None:
    waiting = admin.get(f"{CONNECTIONS}/{made}").json()
    assert (waiting["state"], waiting["next_due_at"], waiting["account"]) == ("failing", None, None)
    assert waiting["last_error"] == "Nobody has signed in for this connection yet: authorize it."
    assert waiting["namespace"] == atlassian.cloud_id
    done = finish(admin, made, atlassian.consent(begin(admin, made)))
    assert done.status_code == 200, done.text
    assert done.json()["account"].startswith("Signed in to 127.0.0.1 as ")
    assert {scope["external_id"] for scope in done.json()["scopes"]} == set(atlassian.simulator.projects)
    ready = admin.get(f"{CONNECTIONS}/{made}").json()
    assert (ready["state"], ready["last_error"], ready["account"]) == ("active", None, done.json()["account"])
    chosen = admin.put(f"{CONNECTIONS}/{made}/scopes", json={"scopes": "all"}).json()
    clock.forward(hours=2)  # the access token of the consent has ended
    run = sync.run(hub, chosen["run"]["id"])
    assert run.state == "finished", run.error
    assert run.fetched["issue"] == len(list(atlassian.simulator.world.visible_issues()))
    assert atlassian.asked["refresh_token"] == 1
    with hub.work.read() as session:
        stored = rows.get(session, made)
    with open_source(hub, stored) as opened:
        assert isinstance(opened.source, Expiring)
        assert opened.source.credential_expires_at() == clock() + timedelta(days=90)


def test_trying_such_a_config_says_what_comes_next(admin: TestClient, atlassian: SimulatedAtlassian) -> None:
    seen = admin.post(f"{CONNECTIONS}/check", json={"connector": "jira", "config": atlassian.config()}).json()
    assert seen == {
        "account": "Nobody has signed in for this connection yet: authorize it.", "namespace": atlassian.cloud_id, "scopes": [],
        "expires_at": None,
    }  # fmt: skip
    body = {"connector": "jira", "name": "Acme", "config": atlassian.config(), "scopes": ["10000"]}
    assert admin.post(CONNECTIONS, json=body).json()["errors"][0]["pointer"] == "/scopes"


def test_an_answer_is_good_for_one_try(admin: TestClient, atlassian: SimulatedAtlassian, made: str) -> None:
    answer = atlassian.consent(begin(admin, made))
    assert finish(admin, made, answer).status_code == 200
    again = finish(admin, made, answer)
    assert again.status_code == 422
    assert again.json()["errors"][0]["pointer"] == "/state"
    assert atlassian.asked["authorization_code"] == 1


def test_a_refused_consent_uses_the_state_up_too(admin: TestClient, atlassian: SimulatedAtlassian, made: str) -> None:
    answer = atlassian.consent(begin(admin, made))
    refused = finish(admin, made, {"state": answer["state"], "error": "access_denied"})
    assert refused.status_code == 422
    assert "gave no consent (access_denied)" in refused.json()["detail"]
    assert finish(admin, made, answer).json()["errors"][0]["pointer"] == "/state"


def test_only_the_newest_state_of_the_same_connection_serves(admin: TestClient, atlassian: SimulatedAtlassian, made: str) -> None:
    other_site = atlassian.config() | {"client_id": "simulated-app"}
    other = admin.post(CONNECTIONS, json={"connector": "jira", "name": "Other", "config": other_site}).json()["connection"]["id"]
    old = atlassian.consent(begin(admin, made))
    of_other = atlassian.consent(begin(admin, other))
    new = atlassian.consent(begin(admin, made))
    for wrong in (old, of_other, {"state": "guessed", "code": new["code"]}):
        assert finish(admin, made, wrong).status_code == 422
    assert atlassian.asked["authorization_code"] == 0
    assert finish(admin, made, new).status_code == 200


def test_a_state_ends_after_ten_minutes(admin: TestClient, atlassian: SimulatedAtlassian, made: str, clock: Clock) -> None:
    answer = atlassian.consent(begin(admin, made))
    clock.forward(minutes=10)
    late = finish(admin, made, answer)
    assert late.status_code == 422
    assert "longer than 10 minutes; start again" in late.json()["detail"]
    assert atlassian.asked["authorization_code"] == 0


@pytest.mark.parametrize("address", ["http://hub.example.com/x", "javascript:alert(1)", "https://hub.example.com/#x", "//x", "https://[x"])
def test_the_answer_goes_to_an_address_of_https_only(admin: TestClient, made: str, address: str) -> None:
    refused = admin.post(f"{CONNECTIONS}/{made}/authorize", json={"redirect_url": address})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/redirect_url")


def test_a_connection_with_a_token_has_nothing_to_authorize(admin: TestClient, atlassian: SimulatedAtlassian) -> None:
    made = admin.post(CONNECTIONS, json={"connector": "jira", "name": "T", "config": atlassian.simulator.config()}).json()
    refused = admin.post(f"{CONNECTIONS}/{made['connection']['id']}/authorize", json={"redirect_url": REDIRECT})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "config")


def test_a_connection_goes_from_a_token_to_oauth_and_keeps_its_data(admin: TestClient, atlassian: SimulatedAtlassian) -> None:
    made = admin.post(CONNECTIONS, json={"connector": "jira", "name": "T", "config": atlassian.simulator.config()}).json()["connection"]
    at = f"{CONNECTIONS}/{made['id']}"
    tag = admin.get(at).headers["ETag"]
    change = {name: value for name, value in atlassian.config().items() if name != "url"}
    changed = admin.patch(at, json={"config": change}, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["state"], changed.json()["namespace"]) == ("failing", made["namespace"])
    assert "authorize it" in changed.json()["last_error"]
    assert finish(admin, made["id"], atlassian.consent(begin(admin, made["id"]))).status_code == 200
    # Another setting is changed without a new consent.
    tag = admin.get(at).headers["ETag"]
    after = admin.patch(at, json={"config": {"overlap_minutes": 20}}, headers={"If-Match": tag}).json()
    assert (after["state"], after["config"]["overlap_minutes"], after["counts"]["scopes"]) == ("active", 20, made["counts"]["scopes"])


def test_a_reader_may_neither_begin_nor_finish(hub: Hub, made: str) -> None:
    key = access.create_key(hub, "reader", ("connections:read",), "test").text
    reader = TestClient(application(hub), headers={"Authorization": f"Bearer {key}"})
    stranger = TestClient(application(hub))
    for path, body in (("authorize", {"redirect_url": REDIRECT}), ("authorize/finish", {"state": "x", "code": "y"})):
        assert reader.post(f"{CONNECTIONS}/{made}/{path}", json=body).status_code == 403
        assert stranger.post(f"{CONNECTIONS}/{made}/{path}", json=body).status_code == 401


def test_no_row_of_a_sign_in_holds_what_is_secret_in_it(admin: TestClient, hub: Hub, atlassian: SimulatedAtlassian, made: str) -> None:
    answer = atlassian.consent(begin(admin, made))
    with hub.work.read() as session:
        pending = [list(row) for row in session.execute(sa.select(PendingAuthorization.__table__))]
    finish(admin, made, answer)
    with hub.work.read() as session:
        assert session.scalars(sa.select(PendingAuthorization.connection_id)).all() == []
        entries = session.execute(sa.select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.at, AuditEntry.action)).all()
        sealed = rows.credential(session, made)
    assert {action for action, _ in entries} >= {"connection.authorization_started", "connection.authorized"}
    told = json.dumps([pending, [list(entry) for entry in entries]], default=repr)
    assert sealed is not None
    assert b"refresh-" not in sealed[1]
    for secret in (answer["state"], answer["code"], atlassian.client_secret):
        assert secret not in told
