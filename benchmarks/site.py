"""The simulated Jira of the yardsticks, `jira_sim.py`, on a free port of loopback, and what it holds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import msgspec

from benchmarks.machine import WORK
from benchmarks.peers import Peers
from benchmarks.records import Unmeasurable
from pmo_hub_jira.reference import custom_fields, default_fields
from tests.ports import free_port

SECONDS_FIELDS = frozenset({"timeestimate", "timeoriginalestimate", "timespent"})
PAGE = 100


class _Page(msgspec.Struct, rename="camel"):
    issues: list[msgspec.Raw]
    next_page_token: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A running simulator. `asked` is the connector's own list of fields."""

    url: str
    issues: int
    projects: int
    asked: tuple[str, ...]

    @property
    def fields(self) -> str:
        """The list for the yardsticks: theirs reads hours from `timetracking` alone, which stands in for the fields of seconds."""
        asked = set(self.asked)
        if "timetracking" not in asked:
            asked = asked - SECONDS_FIELDS | {"timetracking"}
        return ",".join(sorted(asked))

    def set(self, **values: float) -> None:
        """Change its manner, such as `latency_ms`."""
        self._control("set", **values)

    def touch(self, issues: int, seed: int) -> int:
        """So many issues have a new status and `updated`; returns how many."""
        touched: int = self._control("touch", rate=issues / self.issues, seed=seed)["touched"]
        return touched

    def render_newest(self, issues: int) -> None:
        """The issues updated last are rendered in both lists of fields, so that no side pays for what a touch undid."""
        for fields in (list(self.asked), self.fields.split(",")):
            body: dict[str, Any] = {"jql": "ORDER BY updated DESC", "fields": fields, "maxResults": PAGE}
            for _ in range(0, issues, PAGE):
                answer = httpx.post(f"{self.url}/rest/api/3/search/jql", json=body, timeout=60).raise_for_status()
                body["nextPageToken"] = msgspec.json.decode(answer.content, type=_Page).next_page_token

    def zero(self) -> None:
        """Its counters stand at zero."""
        self._control("reset")

    def requests(self) -> int:
        """Requests since `zero`, its own control requests left out."""
        told: int = self._control("stats")["requests"]
        return told - 1

    def contents(self) -> Iterator[bytes]:
        """Every issue as its search hands it out, in the connector's own list of fields."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            decode = msgspec.json.Decoder(_Page).decode
            body: dict[str, Any] = {"jql": "ORDER BY created ASC", "fields": list(self.asked), "maxResults": PAGE}
            while True:
                page = decode(client.post("/rest/api/3/search/jql", json=body).raise_for_status().content)
                yield from map(bytes, page.issues)
                if not page.next_page_token:
                    return
                body["nextPageToken"] = page.next_page_token

    def _control(self, what: str, **values: float) -> dict[str, Any]:
        told: dict[str, Any] = httpx.post(f"{self.url}/_sim/{what}", params=values, timeout=60).raise_for_status().json()
        return told


@contextmanager
def serving(peers: Peers, issues: int, projects: int, *, histories: int = 3) -> Iterator[Site]:
    """A site of that size, with the connector's list of fields rendered before it serves."""
    asked = default_list(peers)
    with _process(peers, issues, projects, "--histories", str(histories), "--fields", ",".join(asked)) as url:
        yield Site(url, issues, projects, asked)


@cache
def default_list(peers: Peers) -> tuple[str, ...]:
    """What the connector asks such a site for by itself; every size of site has the same fields."""
    with _process(peers, 10, 1) as url:
        return default_fields(custom_fields(httpx.get(f"{url}/rest/api/3/field").raise_for_status().json()))


@contextmanager
def _process(peers: Peers, issues: int, projects: int, *options: str) -> Iterator[str]:
    port = free_port()
    command = [peers.main, peers.scripts / "jira_sim.py", "--issues", issues, "--projects", projects, "--port", port, *options]
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "site.log").open("a") as log:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=WORK, env=peers.environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        if process.stdout is None or not process.stdout.readline().startswith("jira_sim:"):
            raise Unmeasurable(f"The simulator did not start; {WORK / 'site.log'} tells why.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
