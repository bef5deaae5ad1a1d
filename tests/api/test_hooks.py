"""Webhooks over the API: where sources deliver without a key, and where an admin turns that on."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub import log
from pmo_hub.api.application import application
from pmo_hub.api.gate import MOST_DELIVERED_BYTES
from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.hooks import Proof
from pmo_hub.services import access
from pmo_hub.store.unit_of_work import Work
from tests.sdk import fake_hooks
from tests.services.connected import CONNECTION
from tests.services.hooked import Hooked

HOME = f"/api/v1/connections/{CONNECTION}/hook"
ADDRESS = f"/hooks/{CONNECTION}"
BODY = fake_hooks.body_of(Ref("task", "P1-T1"))


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hooked:
    return Hooked(work, tmp_path)


@pytest.fixture
def source(hub: Hooked) -> TestClient:
    """Who shows no key."""
    return TestClient(application(hub.hub), raise_server_exceptions=False)


@pytest.fixture
def admin(hub: Hooked) -> TestClient:
    key = access.create_key(hub.hub, "test", ["connections:write", "sync_runs:read"], "test").text
    return TestClient(application(hub.hub), headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that the hub logs meanwhile, down to the last detail."""
    written = io.StringIO()
    log.configure("debug", "json", written)
    yield written
    log.forget_secrets()
    log.configure("warning", "console")


def signed(hub: Hooked, body: bytes = BODY) -> dict[str, str]:
    return {"X-Fake-Webhook": fake_hooks.sign(body, hub.hook.info.url, hub.hook.secret or "")}


def test_a_signed_delivery_is_accepted_once_and_queued_without_asking_the_source(hub: Hooked, source: TestClient) -> None:
    hub.site.asked.clear()
    answers = [source.post(ADDRESS, content=BODY, headers=signed(hub)) for _ in range(2)]
    assert [(a.status_code, a.json()["status"]) for a in answers] == [(202, "accepted"), (202, "duplicate")]
    assert (hub.pending(), len(hub.queued())) == ({("task", "P1-T1")}, 1)
    assert hub.site.asked == []


def test_whoever_shows_no_proof_is_told_nothing(hub: Hooked, source: TestClient, admin: TestClient) -> None:
    answers = [
        source.post(ADDRESS, content=BODY),
        source.post(ADDRESS, content=BODY, headers=[(b"X-Fake-Webhook", "é".encode("latin-1"))]),
        source.post(ADDRESS, content=BODY + b" ", headers=signed(hub)),
        source.post("/hooks/" + "f" * 32, content=BODY, headers=signed(hub)),
    ]
    shown = admin.get(f"/api/v1/connections/{CONNECTION}").json()["hook"]
    assert (shown["refused"] >= 1, shown["accepted"], shown["last_refused_at"] is not None) == (True, 0, True)
    assert hub.rows("hook_deliveries") == []
    assert admin.delete(HOME).status_code == 204
    answers.append(source.post(ADDRESS, content=BODY, headers=signed(hub)))
    for answer in answers:
        told = {name: value for name, value in answer.json().items() if name not in ("trace_id", "instance")}
        assert (answer.status_code, told["type"], told["detail"]) == (401, "/problems/unproven", "The delivery is not accepted.")
        assert told == {name: value for name, value in answers[0].json().items() if name not in ("trace_id", "instance")}


def test_a_body_has_an_end(hub: Hooked, source: TestClient) -> None:
    longest = b"x" * MOST_DELIVERED_BYTES
    assert source.post(ADDRESS, content=longest, headers=signed(hub, longest)).status_code == 202
    assert source.post(ADDRESS, content=longest + b"x", headers=signed(hub)).status_code == 413
    pieces = (b"x" * 65_536 for _ in range(MOST_DELIVERED_BYTES // 65_536 + 1))
    assert source.post(ADDRESS, content=pieces, headers=signed(hub)).status_code == 413


def test_a_source_that_tries_the_address_finds_it_alive(hub: Hooked, source: TestClient) -> None:
    assert (source.head(ADDRESS).status_code, source.head(ADDRESS).content) == (200, b"")
    refused = source.get(ADDRESS)
    assert (refused.status_code, refused.headers["Allow"], refused.json()["title"]) == (405, "POST, HEAD", "This can't be done here")
    assert source.head("/hooks/" + "f" * 32).status_code == 401
    assert source.put(ADDRESS).status_code == 405


def test_an_admin_turns_it_on_rotates_it_and_turns_it_off(hub: Hooked, admin: TestClient, source: TestClient) -> None:
    assert admin.delete(HOME).status_code == 204
    assert (admin.get(HOME).status_code, admin.delete(HOME).status_code) == (404, 404)
    made = admin.put(HOME)
    assert (made.status_code, made.headers["Location"], made.headers["Cache-Control"]) == (201, HOME, "no-store")
    secret = made.json()["secret"]
    rotated = admin.put(HOME, json={"proof": "signature", "overlap_hours": 1})
    assert rotated.status_code == 200
    assert rotated.json()["secret"] not in (None, secret)
    assert secret not in admin.get(HOME).text + admin.get(f"/api/v1/connections/{CONNECTION}").text
    for one in (secret, rotated.json()["secret"]):
        headers = {"X-Fake-Webhook": fake_hooks.sign(b"{}", made.json()["url"], one)}
        assert source.post(ADDRESS, content=b"{}", headers=headers).status_code == 202
    wrong = admin.put(HOME, json={"secret": "short"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/secret")
    assert "short" not in wrong.text.replace("too_short", "").replace("string_too_short", "")


def test_what_came_is_listed_and_its_run_is_told(hub: Hooked, admin: TestClient, source: TestClient) -> None:
    hub.sync()
    for n in range(3):
        hub.send(Ref("task", "P1-T1"), number=n + 10)
    first = admin.get(f"{HOME}/deliveries?limit=2").json()
    rest = admin.get(f"{HOME}/deliveries?limit=2&cursor={first['next_cursor']}").json()
    found = first["items"] + rest["items"]
    assert len({one["id"] for one in found}) == 3
    assert {(one["type"], one["state"]) for one in found} == {("changed:task", "waiting")}
    run = hub.fetch()
    assert admin.get(f"/api/v1/sync-runs/{run.id}").json()["mode"] == "hook"
    assert {one["state"] for one in admin.get(f"{HOME}/deliveries").json()["items"]} == {"fetched"}
    assert admin.post(f"/api/v1/connections/{CONNECTION}/sync", json={"mode": "hook"}).status_code == 422


def test_no_secret_and_no_token_is_ever_logged(hub: Hooked, source: TestClient, admin: TestClient, logged: io.StringIO) -> None:
    secrets = [hub.hook.secret or ""]
    source.post(ADDRESS, content=BODY, headers=signed(hub))
    made = admin.put(HOME, json={"proof": "token"}).json()
    secrets.append(made["url"].partition("?token=")[2])
    path = made["url"].removeprefix("http://127.0.0.1:8000")
    assert source.post(path, content=fake_hooks.body_of(Ref("task", "P1-T2"), number=2)).status_code == 202
    assert source.post(f"{ADDRESS}?token=a-token-of-somebody-else", content=b"{}").status_code == 401
    secrets.append("a-token-of-somebody-else")
    # A server's own access log, which a process manager may have turned on.
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "POST", path, "1.1", 202)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert len([line for line in lines if ADDRESS in str(line)]) >= 4
    for secret in secrets:
        assert len(secret) > 20
        assert secret not in logged.getvalue()


def test_whoever_shows_no_proof_fills_no_log(hub: Hooked, source: TestClient) -> None:
    written = io.StringIO()
    log.configure("info", "json", written)
    try:
        for _ in range(50):
            source.post(ADDRESS, content=BODY)
            source.post("/hooks/" + "f" * 32, content=BODY)
        lines = [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        log.configure("warning", "console")
    said = [line["event"] for line in lines if line["logger"].startswith("pmo_hub")]
    assert set(said) == {"hook.refused"}
    assert len(said) <= 10


def test_a_proof_by_token_is_compared_before_the_body_is_read(hub: Hooked, source: TestClient) -> None:
    hub.set_up(Proof.TOKEN, overlap_hours=0)

    def body() -> Iterator[bytes]:
        yield b"x" * (MOST_DELIVERED_BYTES + 1)

    assert source.post(f"{ADDRESS}?token=wrong", content=body()).status_code == 401
