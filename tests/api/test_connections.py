"""Connections over the API."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
import zstandard
from starlette.testclient import TestClient

from pmo_hub.host.session import open_source
from pmo_hub.sdk.quota import Quota
from pmo_hub.services import sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.source import Quarantine
from pmo_hub.store.repositories import connections
from tests.serving import Visit
from tests.shelf import RIGHT_TOKEN, config
from tests.stored import Clock

CONNECTIONS = "/api/v1/connections"


def body(**given: object) -> dict[str, Any]:
    return {"name": "Library", "connector": "shelf", "config": config()} | given


@pytest.fixture
def made(admin: TestClient) -> dict[str, Any]:
    answer = admin.post(CONNECTIONS, json=body())
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def test_a_new_connection_is_answered_with_its_first_run_and_without_its_secret(admin: TestClient) -> None:
    answer = admin.post(CONNECTIONS, json=body(scopes=["A"], schedules={"incremental": "every 5m"}))
    assert answer.status_code == 201
    found = answer.json()
    assert answer.headers["Location"] == f"{CONNECTIONS}/{found['connection']['id']}"
    assert (found["run"]["state"], found["run"]["seconds_left"]) == ("queued", 1)
    assert found["connection"]["config"] == {"url": "https://shelf.example", "pages": 10, "lending": {"desk": "front", "password": None}}
    assert found["connection"]["schedules"] == {"incremental": "every 5m", "full": None, "census": "every 1d"}
    assert RIGHT_TOKEN not in answer.text


def test_no_answer_about_a_connection_holds_its_secret(admin: TestClient, made: dict[str, Any]) -> None:
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    answers = [admin.get(path) for path in (CONNECTIONS, at, f"{at}/scopes", f"{at}/quarantine")] + [admin.post(f"{at}/check")]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer for answer in answers if RIGHT_TOKEN in answer.text] == []


def test_a_refused_credential_is_one_clear_sentence_at_the_config(admin: TestClient) -> None:
    answer = admin.post(CONNECTIONS, json=body(config=config(token="wrong-token")))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/config", "code": "credential", "message": "The shelf does not accept the token ***; create a new one."}
    ]
    assert admin.get(CONNECTIONS).json()["items"] == []


def test_a_source_that_is_busy_is_nobodys_fault(admin: TestClient) -> None:
    answer = admin.post(f"{CONNECTIONS}/check", json={"connector": "shelf", "config": config(url="https://busy.example")})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "90")


def test_trying_answers_who_we_are_and_offers_scopes(admin: TestClient) -> None:
    answer = admin.post(f"{CONNECTIONS}/check", json={"connector": "shelf", "config": config()})
    assert answer.json() == {
        "account": "You are Librarian and see 3 shelves.",
        "namespace": "shelf.example",
        "scopes": [
            {"external_id": "A", "name": "Atlases", "kind": "shelf", "url": "https://shelf.example/A", "estimate": 30},
            {"external_id": "B", "name": "Biographies", "kind": "shelf", "url": None, "estimate": 12},
            {"external_id": "C", "name": "Cookery", "kind": "shelf", "url": None, "estimate": None},
        ],
        "expires_at": None,
    }


def test_a_scope_that_is_read_already_is_a_conflict_that_names_the_first(admin: TestClient, made: dict[str, Any]) -> None:
    answer = admin.post(CONNECTIONS, json=body(name="Second", scopes=["B"]))
    assert answer.status_code == 409
    assert "'Library' reads 'Biographies' already" in answer.json()["detail"]


def test_a_change_needs_the_tag_that_it_was_decided_on(admin: TestClient, made: dict[str, Any], clock: Clock) -> None:
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    tag = admin.get(at).headers["ETag"]
    assert admin.patch(at, json={"name": "New"}).status_code == 428
    assert admin.patch(at, json={"name": "New"}, headers={"If-Match": '"other"'}).status_code == 412
    clock.forward(seconds=1)
    changed = admin.patch(at, json={"name": "New"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    assert changed.headers["ETag"] == admin.get(at).headers["ETag"] != tag
    assert admin.patch(at, json={"name": "Newer"}, headers={"If-Match": tag}).status_code == 412


def test_a_sync_does_not_take_the_tag_from_under_a_form(admin: TestClient, shelf_hub: Hub, made: dict[str, Any], clock: Clock) -> None:
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    tag = admin.get(at).headers["ETag"]
    clock.forward(minutes=1)
    assert sync.run(shelf_hub, made["run"]["id"]).state == "finished"
    after = admin.get(at)
    assert after.json()["synced_at"] is not None
    assert after.headers["ETag"] == tag


def test_a_secret_that_is_left_out_stays(admin: TestClient, made: dict[str, Any]) -> None:
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    changed = admin.patch(at, json={"config": {"pages": 20}}, headers={"If-Match": admin.get(at).headers["ETag"]})
    assert changed.json()["config"]["pages"] == 20
    assert admin.post(f"{at}/check").status_code == 200


def test_a_sync_is_accepted_and_told_where_to_look(admin: TestClient, made: dict[str, Any]) -> None:
    answer = admin.post(f"{CONNECTIONS}/{made['connection']['id']}/sync", json={"mode": "full"})
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/sync-runs/{answer.json()['id']}"
    assert admin.get(answer.headers["Location"]).json()["mode"] == "full"
    without_body = admin.post(f"{CONNECTIONS}/{made['connection']['id']}/sync")
    assert (without_body.status_code, without_body.json()["id"]) == (202, made["run"]["id"])


def test_pausing_and_resuming(admin: TestClient, made: dict[str, Any]) -> None:
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    assert admin.post(f"{at}/pause").json()["state"] == "paused"
    assert admin.get(at).json()["next_due_at"] is None
    assert admin.post(f"{at}/resume").json()["state"] == "active"


def test_scopes_are_offered_chosen_and_put(admin: TestClient) -> None:
    made = admin.post(CONNECTIONS, json=body(scopes=["A"])).json()
    at = f"{CONNECTIONS}/{made['connection']['id']}/scopes"
    assert [(scope["external_id"], scope["is_chosen"]) for scope in admin.get(at).json()["items"]] == [
        ("A", True), ("B", False), ("C", False),
    ]  # fmt: skip
    put = admin.put(at, json={"scopes": ["A", "C"]})
    assert [scope["external_id"] for scope in put.json()["items"]] == ["A", "C"]
    assert put.json()["run"]["id"] == made["run"]["id"]
    assert admin.put(at, json={"scopes": ["A", "Z"]}).json()["errors"][0]["pointer"] == "/scopes/1"


def test_connections_are_listed_page_by_page(admin: TestClient) -> None:
    for name, scope in (("b", "B"), ("a", "A"), ("c", "C")):
        admin.post(CONNECTIONS, json=body(name=name, scopes=[scope]))
    first = admin.get(f"{CONNECTIONS}?limit=2").json()
    second = admin.get(f"{CONNECTIONS}?limit=2&cursor={first['next_cursor']}").json()
    assert [one["name"] for one in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next_cursor"] is None


def test_what_could_not_be_read_is_shown_cut_and_as_data(admin: TestClient, shelf_hub: Hub, made: dict[str, Any], clock: Clock) -> None:
    bodies = [b'{"title": "<script>alert(1)</script>"}', b"\xff\x00broken", b"x" * 10_000]
    with shelf_hub.work.write() as session:
        for n, raw in enumerate(bodies):
            session.execute(
                sa.insert(Quarantine).values(
                    id=f"{n:032}", connection_id=made["connection"]["id"], kind="book", external_id=f"A{n}", body=zstandard.compress(raw),
                    why="The title is missing.", first_seen_at=clock(), seen_at=clock(), attempts=1, run_id=made["run"]["id"],
                )
            )  # fmt: skip
            clock.forward(seconds=1)
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    answer = admin.get(f"{at}/quarantine?limit=2")
    assert answer.headers["content-type"] == "application/json"
    first = answer.json()
    rest = admin.get(f"{at}/quarantine?limit=2&cursor={first['next_cursor']}").json()
    found = first["items"] + rest["items"]
    assert [(one["size_bytes"], len(one["text"])) for one in found] == [(10_000, 4_096), (8, 8), (38, 38)]
    assert [one["is_cut"] for one in found] == [True, False, False]
    assert found[1]["text"] == "��broken"
    assert found[2]["text"] == bodies[0].decode()
    assert admin.get(at).json()["counts"]["quarantined"] == 3


def test_what_is_not_there_is_not_found(admin: TestClient) -> None:
    for request in ("GET ", "POST /sync", "POST /pause", "GET /scopes", "GET /quarantine", "POST /check"):
        method, path = request.split(" ")
        assert admin.request(method, f"{CONNECTIONS}/{'0' * 32}{path}").status_code == 404


def test_a_reader_sees_connections_and_changes_none(visit: Visit, made: dict[str, Any]) -> None:
    reader = visit("connections:read")
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    assert reader.get(at).status_code == 200
    assert {reader.post(f"{at}/{verb}").status_code for verb in ("pause", "resume", "sync", "check")} == {403}


def test_the_audit_log_names_the_key(admin: TestClient, shelf_hub: Hub, made: dict[str, Any]) -> None:
    from pmo_hub.store.models.operation import AuditEntry

    admin.post(f"{CONNECTIONS}/{made['connection']['id']}/pause")
    with shelf_hub.work.read() as session:
        actors = set(session.scalars(sa.select(AuditEntry.actor).where(AuditEntry.subject_type == "connection")))
    assert len(actors) == 1
    assert actors.pop().startswith("key:")


def test_schedules_time_zone_and_quiet_hours_are_set_shown_and_changed(admin: TestClient, clock: Clock) -> None:
    quiet = [{"start": "08:00", "end": "18:00", "days": ["fri", "mon"]}]
    given = {"schedules": {"full": "0 3 * * 7", "census": None}, "time_zone": "Europe/Zurich", "quiet_hours": quiet}
    made = admin.post(CONNECTIONS, json=body(**given)).json()["connection"]
    assert made["schedules"] == {"incremental": "every 15m", "full": "0 3 * * 7", "census": None}
    assert made["time_zone"] == "Europe/Zurich"
    assert made["quiet_hours"] == [{"start": "08:00", "end": "18:00", "days": ["mon", "fri"]}]
    assert made["next_due"]["census"] is None
    assert made["next_due"]["full"] > made["next_due"]["incremental"] == made["next_due_at"]
    at = f"{CONNECTIONS}/{made['id']}"
    clock.forward(seconds=1)
    wanted = {"schedules": {"census": "every 12h"}, "quiet_hours": []}
    changed = admin.patch(at, json=wanted, headers={"If-Match": admin.get(at).headers["ETag"]}).json()
    assert changed["schedules"] == {"incremental": "every 15m", "full": "0 3 * * 7", "census": "every 12h"}
    assert (changed["time_zone"], changed["quiet_hours"]) == ("Europe/Zurich", [])
    answer = admin.patch(at, json={"schedules": {"full": "at night"}}, headers={"If-Match": admin.get(at).headers["ETag"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/schedules/full"
    assert "write every 15m" in answer.json()["errors"][0]["message"]


def test_the_budget_of_the_account_is_shown(admin: TestClient, shelf_hub: Hub, made: dict[str, Any]) -> None:
    at = f"{CONNECTIONS}/{made['connection']['id']}"
    whole = admin.get(at).json()["budget"]
    assert (whole["requests"], whole["most_at_once"], whole["at_once"], whole["refused_reason"]) == (1_000, 4, 4, None)
    with shelf_hub.work.read() as session:
        stored = connections.find(session, made["connection"]["id"])
    assert stored is not None
    with open_source(shelf_hub, stored) as opened:
        opened.context.throttled.note(Quota(65_000, 1_200, 90.0))
        opened.context.throttled.penalise(30.0, "jira-quota-tenant-based")
    for found in (admin.get(at).json(), admin.get(CONNECTIONS).json()["items"][0]):
        budget = found["budget"]
        assert (budget["limit"], budget["remaining"], budget["at_once"]) == (65_000, 1_200, 2)
        assert budget["refused_reason"] == "jira-quota-tenant-based"
        assert budget["closed_until"] > budget["refused_at"]
        assert budget["resets_at"] > budget["closed_until"]


def test_a_run_tells_its_parts(admin: TestClient, shelf_hub: Hub, made: dict[str, Any]) -> None:
    run = f"/api/v1/sync-runs/{made['run']['id']}"
    assert admin.get(run).json()["parts"] == []
    sync.run(shelf_hub, made["run"]["id"])
    parts = admin.get(run).json()["parts"]
    assert [(part["scope"], part["kind"], part["fetched"], part["expected"]) for part in parts] == [
        ("A", "book", 2, 2), ("B", "book", 2, 2), ("C", "book", 2, 2),
    ]  # fmt: skip
    assert "parts" not in admin.get("/api/v1/sync-runs").json()["items"][0]
