"""Evidence over the API: the head, a pack, and what is refused."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

from starlette.testclient import TestClient

from tests.serving import Visit


def test_the_head_is_a_checkpoint(admin: TestClient) -> None:
    before = admin.get("/api/v1/evidence/head").json()
    assert before == {"position": 0, "hash": "0" * 64, "sealed_at": None}
    admin.get("/api/v1/evidence")
    head = admin.get("/api/v1/evidence/head").json()
    assert head["position"] == 1
    assert len(head["hash"]) == 64


def test_a_pack_is_sent_and_verifies_itself(admin: TestClient, tmp_path: Path) -> None:
    admin.post("/api/v1/portfolios", json={"name": "Core"})
    answer = admin.get("/api/v1/evidence")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="evidence-2')
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
        entries = [json.loads(line) for line in archive.read("entries.ndjson").splitlines()]
    assert [one["action"] for one in entries] == ["key.created", "portfolio.created"]
    head = admin.get("/api/v1/evidence/head").json()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify_evidence.py", ".", "--checkpoint", f"2:{head['hash']}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "SOUND"), done.stdout + done.stderr


def test_evidence_has_a_scope_of_its_own(visit: Visit) -> None:
    auditor = visit("evidence:read")
    assert auditor.get("/api/v1/evidence").status_code == 200
    assert auditor.get("/api/v1/evidence/head").status_code == 200
    assert auditor.get("/api/v1/projects").status_code == 403
    other = visit("violations:read", "projects:write")
    assert other.get("/api/v1/evidence").status_code == 403


def test_what_makes_no_sense_is_a_problem(admin: TestClient) -> None:
    unknown = admin.get("/api/v1/evidence", params={"project": "nowhere"})
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "There is no project 'nowhere'.")
    zoneless = admin.get("/api/v1/evidence", params={"from": "2026-11-23T08:00:00"})
    assert (zoneless.status_code, zoneless.json()["errors"][0]["parameter"]) == (400, "from")
    empty = admin.get("/api/v1/evidence", params={"from": "2026-11-23T08:00:00Z", "to": "2026-11-23T08:00:00Z"})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/to")
    assert admin.get("/api/v1/evidence", params={"after": 99}).status_code == 422
    assert admin.get("/api/v1/evidence", params={"after": 2**60}).status_code == 422
