"""Subscriptions and deliveries over HTTP, on both engines."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.unit_of_work import Work
from tests.api.governed import client
from tests.receiver import Reply, receiving
from tests.services.governed import CONNECTION
from tests.services.told import Told


@pytest.fixture
def told(work: Work, tmp_path: Path) -> Told:
    return Told(work, tmp_path, timeout_s=2.0)


@pytest.fixture
def api(told: Told) -> TestClient:
    return client(told)


def subscribed(api: TestClient, url: str, **more: Any) -> tuple[str, str, str]:
    """Id, secret and ETag."""
    answer = api.post("/subscriptions", json={"name": "Ops", "url": url, **more})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["Location"] == f"/api/v1/subscriptions/{body['subscription']['id']}"
    return body["subscription"]["id"], body["secret"], answer.headers["ETag"]


def test_a_secret_is_shown_once_and_the_address_without_its_query(api: TestClient, told: Told) -> None:
    id, secret, tag = subscribed(api, "https://example.com/hook?token=t0ps3cret", types=["violation.*"], filters={"severities": ["high"]})
    assert secret.startswith("whsec_")
    shown = api.get(f"/subscriptions/{id}")
    assert shown.headers["ETag"] == tag
    body = shown.json()
    assert body["address"] == "https://example.com/hook?…"
    assert body["filters"] == {"portfolio_ids": [], "project_ids": [], "severities": ["high"], "check_ids": [], "owner_ids": []}
    listed = api.get("/subscriptions").json()["items"]
    assert listed == [body]
    kept = json.dumps([body, [row["detail"] for row in told.rows(AuditEntry)]])
    assert secret not in kept
    assert "t0ps3cret" not in kept


def test_a_change_needs_the_etag_that_it_was_decided_on(api: TestClient) -> None:
    id, _, tag = subscribed(api, "https://example.com/hook", digest="0 8 * * 1-5")
    assert api.patch(f"/subscriptions/{id}", json={"name": "New"}).status_code == 428
    changed = api.patch(f"/subscriptions/{id}", json={"name": "New", "digest": None}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["name"], changed.json()["digest"]) == (200, "New", None)
    assert changed.json()["address"] == "https://example.com/hook"
    assert api.patch(f"/subscriptions/{id}", json={"name": "Newer"}, headers={"If-Match": tag}).status_code == 412
    assert api.delete(f"/subscriptions/{id}").status_code == 428
    assert api.delete(f"/subscriptions/{id}", headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    assert api.get(f"/subscriptions/{id}").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://example.com"}, "/url"),
        ({"url": "https://user:pass@example.com/"}, "/url"),
        ({"url": "https://10.0.0.1/hook"}, "/url"),
        ({"url": "https://[::ffff:10.0.0.1]/hook"}, "/url"),
        ({"url": "https://exa mple.com/"}, "/url"),
        ({"types": ["violation.exploded"]}, "/types"),
        ({"filters": {"check_ids": ["NO-1"]}}, "/filters/check_ids"),
        ({"digest": "sometimes"}, "/digest"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"quiet_hours": [{"start": "00:00", "end": "00:00"}]}, "/quiet_hours"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(api: TestClient, body: dict[str, Any], pointer: str) -> None:
    answer = api.post("/subscriptions", json={"name": "Ops", "url": "https://example.com/", **body})
    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]


def test_rotation_shows_the_new_secret_and_ends_the_former_one_by_and_by(api: TestClient, told: Told) -> None:
    id, first, _ = subscribed(api, "https://example.com/hook")
    rotated = api.post(f"/subscriptions/{id}/secrets", json={"overlap_hours": 2})
    assert rotated.status_code == 201
    assert rotated.json()["secret"] != first
    current, former = rotated.json()["subscription"]["secrets"]
    assert (current["until"], datetime.fromisoformat(former["until"])) == (None, told.now + timedelta(hours=2))
    assert api.delete(f"/subscriptions/{id}/secrets/{current['id']}").status_code == 409
    assert len(api.delete(f"/subscriptions/{id}/secrets/{former['id']}").json()["secrets"]) == 1
    assert api.delete(f"/subscriptions/{id}/secrets/nothing").status_code == 404


def test_a_ping_says_what_came_of_it(api: TestClient, told: Told) -> None:
    told.now = datetime.now(UTC)
    with receiving(lambda _: Reply(200, body=b"thanks")) as receiver:
        id, secret, _ = subscribed(api, receiver.url)
        answer = api.post(f"/subscriptions/{id}/test").json()
        assert (answer["is_delivered"], answer["status"], answer["excerpt"], answer["error"]) == (True, 200, "thanks", None)
        body = Webhook(secret).verify(receiver.got[0].body, dict(receiver.got[0].headers))
        assert body["type"] == "webhook.test"
        receiver.behave = lambda _: Reply(404)
        answer = api.post(f"/subscriptions/{id}/test").json()
    assert (answer["is_delivered"], answer["status"], answer["error"]) == (False, 404, "The endpoint answered 404.")
    assert told.deliveries(id) == []


def test_the_log_shows_attempts_and_a_dead_delivery_is_replayed_under_its_id(api: TestClient, told: Told) -> None:
    with receiving(lambda _: Reply(410, body=b"x" * 5_000)) as receiver:
        id, _, tag = subscribed(api, receiver.url)
        event = told.happened("sync.failed", CONNECTION)
        told.send(id)
        [dead] = api.get("/deliveries", params={"subscription": id, "state": "dead"}).json()["items"]
        assert (dead["message_id"], dead["event_ids"]) == (event, [event])
        detail = api.get(f"/deliveries/{dead['id']}").json()
        assert [(one["number"], one["status"]) for one in detail["tries"]] == [(1, 410)]
        assert len(detail["tries"][0]["excerpt"]) == 1_000
        assert api.post(f"/deliveries/{dead['id']}/replay").status_code == 409  # nothing is sent there
        tag = api.get(f"/subscriptions/{id}").headers["ETag"]
        assert api.patch(f"/subscriptions/{id}", json={"state": "active"}, headers={"If-Match": tag}).json()["state"] == "active"
        receiver.behave = lambda _: Reply()
        again = api.post(f"/deliveries/{dead['id']}/replay").json()
        assert (again["state"], again["attempts"], again["replays"]) == ("waiting", 0, 1)
        assert api.post(f"/deliveries/{dead['id']}/replay").status_code == 409
        told.drive(id)
    assert receiver.ids == [event, event]
    assert [one["number"] for one in api.get(f"/deliveries/{dead['id']}").json()["tries"]] == [2, 1]


def test_a_range_is_replayed_with_what_was_missed(api: TestClient, told: Told) -> None:
    begun = told.now
    early = told.happened("sync.failed", CONNECTION)
    told.dispatch()  # before anybody subscribed
    told.now += timedelta(minutes=1)
    with receiving() as receiver:
        id, *_ = subscribed(api, receiver.url)
        later = told.happened("sync.recovered", CONNECTION)
        told.send(id)
        told.now += timedelta(minutes=1)
        wanted = {"since": begun.isoformat(), "until": told.now.isoformat()}
        assert api.post(f"/subscriptions/{id}/replay", json=wanted).json() == {"again": 0, "new": 1}
        told.drive(id)
        assert receiver.ids == [later, early]
        everything = api.post(f"/subscriptions/{id}/replay", json=wanted | {"include_delivered": True}).json()
        assert everything["new"] == 0
        assert everything["again"] >= 1
        told.drive(id)
    assert receiver.ids.count(later) == 2
    backwards = {"since": told.now.isoformat(), "until": begun.isoformat()}
    assert api.post(f"/subscriptions/{id}/replay", json=backwards).status_code == 422


def test_the_log_is_paged(api: TestClient, told: Told) -> None:
    with receiving() as receiver:
        id, *_ = subscribed(api, receiver.url)
        for number in range(5):
            told.happened("sync.failed", f"{number:032}")
            told.now += timedelta(seconds=1)
            told.dispatch()
        first = api.get("/deliveries", params={"subscription": id, "limit": 3}).json()
        rest = api.get("/deliveries", params={"subscription": id, "limit": 3, "cursor": first["next_cursor"]}).json()
    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert (len(ids), len(set(ids)), rest["next_cursor"]) == (5, 5, None)
