"""A request as the simulator's operations see it: checked names, read arguments, offset pages."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Pattern
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.routing import compile_path

from pmo_hub.sdk.simulating import Answer
from pmo_hub_jira.simulated_faults import JSON, Fault, error
from pmo_hub_jira.simulated_rendering import encode

BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


class Refused(Exception):
    """The request is answered with this error instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refuse(status: int, *messages: str, **errors: str) -> Refused:
    return Refused(error(status, *messages, errors=errors))


@dataclass(slots=True)
class Call:
    """One request at one operation."""
    method: str
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Mapping[str, Any]
    base: str
    faults: Sequence[Fault] = ()

    def _value(self, name: str) -> Any:
        if name in self.body:
            return self.body[name]
        given = self.query.get(name)
        return given[-1] if given else None

    def text(self, name: str) -> str | None:
        value = self._value(name)
        if value is not None and not isinstance(value, str):
            raise refuse(400, BAD_PAYLOAD, **{name: "must be a string"})
        return value

    def number(self, name: str, default: int) -> int:
        value = self._value(name)
        if value is None:
            return default
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit() or (name in self.body and not isinstance(value, int)):
            raise refuse(400, BAD_PAYLOAD, **{name: "must be an integer"})
        if int(value) < 0:
            raise refuse(400, f"The value of {name} must not be negative.")
        return int(value)

    def texts(self, name: str) -> list[str]:
        """An array: a JSON list, or a parameter that is repeated or comma-separated."""
        if name in self.body:
            value = self.body[name]
            if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
                raise refuse(400, BAD_PAYLOAD, **{name: "must be an array of strings"})
            return list(value)
        return [part for entry in self.query.get(name, ()) for part in entry.split(",") if part]

    def paged(self, values: Sequence[Any], default: int = 50, most: int = 50, agile: bool = False) -> Answer:
        """An offset page; maxResults above the cap is silently lowered, and the page says so."""
        start = self.number("startAt", 0)
        size = max(min(self.number("maxResults", default), most), 1)
        total = len(values)
        part = list(values[start:start + size])
        last = start + size >= total
        for fault in self.faults:
            if fault.kind == "short_page":
                part, last = part[:fault.rows], last and len(part) <= fault.rows
            elif fault.kind == "zero_results":
                part, last, total = [], True, 0
            elif fault.kind == "half_listing":
                part, last = part[:len(part) // 2], True
        page: dict[str, Any] = {"maxResults": size, "startAt": start, "total": total, "isLast": last, "values": part}
        if not agile:
            here = self.base + self.path
            kept = [(name, value) for name, values in self.query.items() for value in values if name != "startAt"]
            page = {"self": f"{here}?{urlencode([*kept, ('startAt', start)])}"} | page
            if not last:
                page["nextPage"] = f"{here}?{urlencode([*kept, ('startAt', start + len(part))])}"
        return ok(page)


Handler = Callable[[Call], Answer]


def ok(body: Any) -> Answer:
    return Answer(200, body if isinstance(body, bytes) else encode(body), JSON)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and path with the names it takes; `anonymous` is what someone without valid credentials gets, None a 401."""
    method: str
    template: str
    handler: Handler
    query: frozenset[str] = frozenset()
    body: frozenset[str] | None = None
    anonymous: bytes | None = None
    deprecated: bool = False
    public: bool = False
    pattern: Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", compile_path(self.template)[0])

    @property
    def label(self) -> str:
        return f"{self.method} {self.template}"


def names(words: str) -> frozenset[str]:
    return frozenset(words.split())


def read_query(query: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        out.setdefault(name, []).append(value)
    return out


def read_body(operation: Operation, content_type: str, raw: bytes) -> dict[str, Any]:
    """The JSON object of a POST; refuses another media type, broken JSON and names that the operation doesn't know."""
    if operation.body is None:
        return {}
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise refuse(415, "Unsupported Media Type")
    try:
        body = msgspec.json.decode(raw or b"{}")
    except msgspec.DecodeError:
        raise refuse(400, BAD_PAYLOAD) from None
    if not isinstance(body, dict):
        raise refuse(400, BAD_PAYLOAD)
    for name in body:
        if name not in operation.body:
            raise refuse(400, BAD_PAYLOAD, **{name: "is not a known property"})
    return body


def check_query(operation: Operation, query: Mapping[str, list[str]]) -> None:
    for name in query:
        if name not in operation.query:
            raise refuse(400, f"The query parameter '{name}' is not known at {operation.template}.")
