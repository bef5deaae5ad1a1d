"""Checks requests and answers against the vendor's interface description in ../shared/specs/trello.json, whose paths lack the /1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

METHODS = ("get", "put", "post", "delete")

# What Trello documents in its guides (nested resources, paging) and its description of the interface leaves out.
_NESTED = {
    "/boards/{id}": {"labels_limit", "member_fields"},
    "/boards/{id}/cards/{filter}": {
        "fields", "limit", "before", "checklists", "customFieldItems", "attachments", "members", "stickers",
    },
    "/cards/{id}/actions": {"before", "limit", "fields", "member", "memberCreator_fields"},
    "/lists/{id}/cards": {"filter", "fields"},
    "/actions/{id}": {"memberCreator_fields"},
}  # fmt: skip


class TrelloSpecification:
    """The operations that Trello's REST API has."""

    def __init__(self, specification: Mapping[str, Any]) -> None:
        self._operations: list[tuple[str, str, re.Pattern[str], frozenset[str], bool]] = []
        for template, methods in specification["paths"].items():
            pattern = re.compile(re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(template)))
            for method in METHODS:
                if method in methods:
                    own = {p["name"] for p in methods[method].get("parameters", ()) if p.get("in") == "query"}
                    own |= _NESTED.get(template, set())
                    deprecated = bool(methods[method].get("deprecated"))
                    self._operations.append((method.upper(), template, pattern, frozenset(own), deprecated))
        self._operations.sort(key=lambda operation: operation[1].count("{"))
        self._schemas = specification["components"]["schemas"]

    def check_request(self, method: str, path: str, query: Iterable[tuple[str, str]] = ()) -> list[str]:
        """What is wrong with the request, in words; of a batch, with each address in it. `path` is without /1."""
        found = next((o for o in self._operations if o[0] == method and o[2].fullmatch(path)), None)
        if found is None:
            return [f"{method} {path} is not in the specification"]
        _, template, _, names, deprecated = found
        problems = [f"{method} {path} is deprecated"] if deprecated else []
        for name, value in query:
            if name in ("key", "token"):
                problems.append(f"{method} {path} has a credential in its address")
            elif name not in names:
                problems.append(f"{method} {template} has no query parameter {name}")
            if path == "/batch" and name == "urls":
                for url in value.split(","):
                    parts = urlsplit(url)
                    problems += self.check_request("GET", parts.path, parse_qsl(parts.query))
        return problems

    def unknown_names(self, schema: str, value: Mapping[str, Any]) -> set[str]:
        """Names in an object that its schema has not."""
        return set(value) - set(self._schemas[schema].get("properties", {}))


@cache
def load(shared_folder: Path) -> TrelloSpecification:
    """The description, read once."""
    return TrelloSpecification(json.loads((shared_folder / "specs" / "trello.json").read_text(encoding="utf-8")))
