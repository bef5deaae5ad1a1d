"""Over real sockets: the served site answers, breaks connections on request, takes control requests and ends cleanly."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulator import Simulator, serve, simulate

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
FIELD, SEARCH = "/rest/api/3/field", "/rest/api/3/search/jql"


@pytest.fixture(scope="module")
def served() -> Iterator[Simulator]:
    with serve(generate(4, 300, NOW)) as simulator:
        yield simulator


@pytest.fixture
def http(served: Simulator) -> Iterator[httpx.Client]:
    served.clear_faults()
    served.latency_s = 0.0
    with httpx.Client(base_url=served.url, auth=(served.email, served.token), timeout=10, trust_env=False) as client:
        yield client


def test_site_is_read_over_http(served: Simulator, http: httpx.Client) -> None:
    assert http.get("/_edge/tenant_info").json() == {"cloudId": served.site.cloud_id}
    keys: list[str] = []
    body: dict[str, Any] = {"jql": "created >= 0 order by created", "fields": ["*all"], "maxResults": 100}
    while True:
        page = http.post(SEARCH, json=body).json()
        keys += [issue["key"] for issue in page["issues"]]
        if page["isLast"]:
            break
        body["nextPageToken"] = page["nextPageToken"]
    assert len(set(keys)) == 300


def test_one_date_header_comes_with_every_answer(http: httpx.Client) -> None:
    headers = http.get(FIELD).headers
    assert len(headers.get_list("date")) == 1
    assert headers["date"].startswith("Mon, 23 Nov 2026 09:3")
    assert "server" not in headers


def test_truncated_body_ends_before_its_length(served: Simulator, http: httpx.Client) -> None:
    served.fault("truncated", path=FIELD)
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        http.get(FIELD)
    assert http.get(FIELD).status_code == 200


def test_reset_connection_gives_no_answer(served: Simulator, http: httpx.Client) -> None:
    served.fault("reset", path=FIELD)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.get(FIELD)
    assert http.get(FIELD).status_code == 200


def test_delay_outlasts_a_short_timeout(served: Simulator, http: httpx.Client) -> None:
    served.fault("delay", path=FIELD, delay_s=5.0)
    with pytest.raises(httpx.ReadTimeout):
        http.get(FIELD, timeout=0.1)


def test_faults_mutations_clock_and_statistics_are_at_hand_over_http(served: Simulator, http: httpx.Client) -> None:
    http.post("/_sim/reset")
    assert http.post("/_sim/faults", json={"kind": "status", "status": 429, "retry_after": 1800, "path": FIELD}).status_code == 200
    assert http.get(FIELD).headers["retry-after"] == "1800"
    assert http.post("/_sim/faults", json={"kind": "flood"}).status_code == 400
    assert http.post("/_sim/faults", json={"kind": "status", "colour": "red"}).status_code == 400
    http.post("/_sim/settings", json={"fault_rate": 1.0, "fault_seed": 3})
    http.request("DELETE", "/_sim/faults")
    assert http.get(FIELD).status_code == 200
    made = http.post("/_sim/mutations", json={"do": "create", "arguments": ["PAY", "Asked for over HTTP"]}).json()
    assert made["key"].startswith("PAY-")
    assert http.post("/_sim/mutations", json={"do": "edit", "arguments": [made["key"]], "duedate": "2027-02-01"}).status_code == 200
    found = http.post(SEARCH, json={"jql": f"key = {made['key']}", "fields": ["duedate"]}).json()["issues"][0]
    assert found["fields"]["duedate"] == "2027-02-01"
    assert http.post("/_sim/mutations", json={"do": "delete", "arguments": ["NONE-1"]}).status_code == 400
    http.post("/_sim/clock", json={"advance_s": 86400})
    assert http.get(FIELD).headers["date"].startswith("Tue, 24 Nov")
    http.post("/_sim/clock", json={"advance_s": -86400})
    stats = http.get("/_sim/stats").json()
    assert stats["by_operation"] == {f"GET {FIELD}": 3, f"POST {SEARCH}": 1}
    assert [entry["status"] for entry in http.get("/_sim/log").json()] == [429, 200, 200, 200]
    http.post("/_sim/settings", json={"latency_ms": 0, "limits": {"fields": 100}})


def test_requests_side_by_side_are_all_answered(served: Simulator) -> None:
    statuses: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=served.url, auth=(served.email, served.token), timeout=30, trust_env=False) as client:
            for _ in range(5):
                statuses.append(client.post(SEARCH, json={"jql": "project = PAY", "fields": ["*all"]}).status_code)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40


def test_simulate_gives_the_demo_what_it_needs_and_leaves_nothing_behind() -> None:
    with simulate(1, "60", NOW) as simulator:
        assert simulator.config() == {"url": simulator.url, "email": simulator.email, "token": simulator.token}
        assert len(simulator.projects) == 10
        with httpx.Client(base_url=simulator.url, auth=(simulator.email, simulator.token), trust_env=False) as client:
            assert client.get("/rest/api/3/myself").json()["emailAddress"] == simulator.email
        port = int(simulator.url.rpartition(":")[2])
    assert f"simulated-jira-{port}" not in {thread.name for thread in threading.enumerate()}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_module_runs_as_a_program_until_it_is_told_to_stop() -> None:
    connectors = Path(__file__).resolve().parents[3] / "connectors"
    process = subprocess.Popen(
        [sys.executable, "-m", "pmo_hub_jira.simulator", "--port", "0", "--seed", "2", "--size", "60", "--now", NOW.isoformat()],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(connectors)})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("simulated Jira: 60 issues in 10 projects on http://127.0.0.1:")
        url = line.split(" on ")[1].split(",")[0]
        assert httpx.get(f"{url}/_edge/tenant_info", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    finally:
        process.kill()
        process.communicate()
