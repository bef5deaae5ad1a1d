"""Asks a simulator as a client would, without a socket."""
from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pmo_hub_jira.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]
    cut: bool
    reset: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    def __init__(self, simulator: Simulator, token: str | None = None) -> None:
        self.simulator = simulator
        secret = f"{simulator.email}:{token or simulator.token}".encode()
        self._headers = {"authorization": f"Basic {base64.b64encode(secret).decode()}", "content-type": "application/json"}

    def send(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Reply:
        answer = self.simulator.answer(method, path, urlencode(query or {}, doseq=True), self._headers,
                                       b"" if body is None else json.dumps(body).encode())
        return Reply(answer.status, answer.body, dict(answer.headers), answer.cut, answer.reset)

    def get(self, path: str, **query: Any) -> Any:
        reply = self.send("GET", path, query)
        assert reply.status == 200, reply.body
        return reply.json

    def post(self, path: str, **body: Any) -> Any:
        reply = self.send("POST", path, None, body)
        assert reply.status == 200, reply.body
        return reply.json

    def pages(self, jql: str, fields: list[str], size: int = 5000) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self.post("/rest/api/3/search/jql", jql=jql, fields=fields, maxResults=size, **token)
            yield page
            if "nextPageToken" not in page:
                return
            token = {"nextPageToken": page["nextPageToken"]}

    def issues(self, jql: str, fields: list[str], size: int = 5000) -> list[dict[str, Any]]:
        return [issue for page in self.pages(jql, fields, size) for issue in page["issues"]]

    def keys(self, jql: str) -> list[str]:
        return [issue["key"] for issue in self.issues(jql, ["key"])]
