"""Files over the API: uploaded in a form that streams, told, taken away; what is held is confirmed; nothing without its scope."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import access, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.simulated_plans import PEOPLE, PlanSpec, plan_xml
from tests.serving import SECRET_KEY
from tests.shelf import ShelfConnector
from tests.shelf import config as shelf_config
from tests.stored import Clock

PLAN = PlanSpec("ERP Rollout", 40, seed=3, people=PEOPLE[:2])
CONNECTIONS = "/api/v1/connections"


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hub:
    registry = Registry.of(MspdiConnector(), ShelfConnector())
    return Hub(work, Clock(), registry, SecretBox([SECRET_KEY]), Throttles(), tmp_path, most_upload_bytes=2_000_000)


def client(hub: Hub, *scopes: str) -> TestClient:
    headers = {"Authorization": f"Bearer {access.create_key(hub, 'test', scopes, 'test').text}"}
    return TestClient(application(hub), headers=headers, raise_server_exceptions=False)


@pytest.fixture
def admin(hub: Hub) -> TestClient:
    return client(hub, "admin")


@pytest.fixture
def at(admin: TestClient) -> str:
    answer = admin.post(CONNECTIONS, json={"name": "Files", "connector": "mspdi", "config": {}})
    assert answer.status_code == 201, answer.text
    return f"{CONNECTIONS}/{answer.json()['connection']['id']}"


def upload(admin: TestClient, at: str, spec: PlanSpec | bytes = PLAN, name: str = "erp.xml") -> Any:
    content = plan_xml(spec) if isinstance(spec, PlanSpec) else spec
    return admin.post(f"{at}/files", files={"file": (name, content, "application/xml")})


def test_a_file_is_uploaded_told_read_and_taken_away(hub: Hub, admin: TestClient, at: str) -> None:
    answer = upload(admin, at)
    assert answer.status_code == 201
    found = answer.json()
    assert (found["file"]["name"], len(found["file"]["digest"]), found["chosen"]) == ("erp.xml", 64, [PLAN.id])
    assert answer.headers["Location"] == f"/api/v1/sync-runs/{found['run']['id']}"
    assert sync.run(hub, found["run"]["id"]).state == "finished"
    assert admin.get(f"{at}/files").json()["items"] == [found["file"]]
    assert admin.get("/api/v1/work-items").json()["items"]
    assert admin.delete(f"{at}/files/erp.xml").status_code == 204
    assert admin.get(f"{at}/files").json()["items"] == []
    assert admin.delete(f"{at}/files/erp.xml").status_code == 404


def test_a_file_larger_than_a_usual_body_is_taken_and_one_beyond_the_limit_is_not(admin: TestClient, at: str) -> None:
    padded = plan_xml(PLAN).replace(b"<Tasks>", b"<!--" + b" " * 1_500_000 + b"--><Tasks>", 1)
    assert upload(admin, at, padded).status_code == 201
    answer = upload(admin, at, padded + b" " * 1_000_000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("name", "content"), [("erp.xml", b"<html/>"), ("a/../../erp.xml", b"x"), ("erp.exe", b"MZ"), ("erp.xml", b"")])
def test_what_is_refused_is_one_sentence_at_the_file(admin: TestClient, at: str, name: str, content: bytes) -> None:
    answer = upload(admin, at, content, name)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/file"]


def test_a_body_without_a_file_is_refused(admin: TestClient, at: str) -> None:
    assert admin.post(f"{at}/files", data={"file": "text"}).status_code == 422
    assert admin.post(f"{at}/files", content=b"x", headers={"content-type": "multipart/form-data"}).status_code in (400, 422)


def test_a_held_plan_is_listed_and_confirmed(hub: Hub, admin: TestClient, at: str) -> None:
    sync.run(hub, upload(admin, at).json()["run"]["id"])
    less = replace(PLAN, removed=frozenset(range(10, 40)))
    sync.run(hub, upload(admin, at, less).json()["run"]["id"])
    (waiting,) = admin.get(f"{at}/held-groups").json()["items"]
    assert (waiting["external_id"], waiting["missing"]) == (PLAN.id, 30)
    assert admin.post(f"{at}/confirm-groups", json={"groups": ["other"]}).status_code == 422
    assert admin.post(f"{at}/confirm-groups", json={"groups": []}).status_code == 422
    answer = admin.post(f"{at}/confirm-groups", json={"groups": [PLAN.id]})
    assert answer.status_code == 202
    assert sync.run(hub, answer.json()["id"]).gone == {"task": 30}
    assert admin.post(f"{at}/confirm-groups").status_code == 409


def test_a_connection_that_reads_no_files_says_so(admin: TestClient) -> None:
    made = admin.post(CONNECTIONS, json={"name": "Library", "connector": "shelf", "config": shelf_config()}).json()
    answer = upload(admin, f"{CONNECTIONS}/{made['connection']['id']}")
    assert answer.status_code == 409
    assert "takes no files" in answer.json()["detail"]


def test_files_need_their_scopes(hub: Hub, at: str) -> None:
    reader = client(hub, "connections:read")
    assert reader.get(f"{at}/files").status_code == reader.get(f"{at}/held-groups").status_code == 200
    assert upload(reader, at).status_code == 403
    assert reader.delete(f"{at}/files/erp.xml").status_code == 403
    assert reader.post(f"{at}/confirm-groups").status_code == 403
    assert client(hub, "projects:read").get(f"{at}/files").status_code == 403
