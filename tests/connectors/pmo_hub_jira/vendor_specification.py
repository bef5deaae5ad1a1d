"""Checks requests and responses against the vendor's interface descriptions in ../shared/specs.

A fixture of a test module asks for `shared_folder` and gives `load(shared_folder)`.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

METHODS = ("get", "put", "post", "delete")
# Real, and outside the vendor's specification.
UNSPECIFIED = {("GET", "/_edge/tenant_info")}
_NULLABLE = ("from", "fromString", "to", "toString")


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    template: str
    pattern: re.Pattern[str]
    parameters: frozenset[str]
    definition: Mapping[str, Any]
    specification: Mapping[str, Any]


def _corrected(name: str, specification: dict[str, Any]) -> dict[str, Any]:
    """The specification where it contradicts its own examples or recorded bodies, made to agree with those."""
    schemas = specification["components"]["schemas"]
    for property in _NULLABLE:                     # recorded change logs have null for an empty side
        schemas["ChangeDetails"]["properties"][property]["nullable"] = True
    if name == "platform":                         # the example of changelog/bulkfetch has a number
        schemas["Changelog"]["properties"]["created"] = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
        schemas["IssueLink"]["required"] = ["type"]    # wants both ends; recorded links have exactly one
    else:
        configuration = specification["paths"]["/rest/agile/1.0/board/{boardId}/configuration"]["get"]["responses"]["200"]
        location = configuration["content"]["application/json"]["schema"]["properties"]["location"]
        # The schema has projectKeyOrId alone; its own example has these.
        location["properties"] |= {key: {"type": "string"} for key in ("key", "id", "self", "name")}
        page = {"type": "object", "additionalProperties": False, "properties": {
            "maxResults": {"type": "integer"}, "startAt": {"type": "integer"}, "total": {"type": "integer"}, "isLast": {"type": "boolean"},
            "values": {"type": "array", "items": {"$ref": "#/components/schemas/SprintBean"}}}}
        paths = specification["paths"]             # both answers have the empty schema, and SprintBean is there
        for path, schema in (("/rest/agile/1.0/board/{boardId}/sprint", page),
                             ("/rest/agile/1.0/sprint/{sprintId}", {"$ref": "#/components/schemas/SprintBean"})):
            paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = schema
    return specification


def _draft4(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` said in JSON Schema; `enum` beside it takes null too."""
    if isinstance(node, list):
        return [_draft4(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    out = {key: _draft4(value) for key, value in node.items()}
    if out.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    return out


class VendorSpecification:
    """The Jira Cloud platform and agile specifications."""

    def __init__(self, folder: Path) -> None:
        self._operations: list[_Operation] = []
        for name, file in (("platform", "jira-cloud-platform-v3.json"), ("agile", "jira-software-agile.json")):
            specification = _draft4(_corrected(name, json.loads((folder / file).read_text(encoding="utf-8"))))
            for template, methods in specification["paths"].items():
                pattern = re.compile(re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(template)))
                for method in METHODS:
                    if method in methods:
                        parameters = frozenset(p["name"] for p in methods[method].get("parameters", ()) if p.get("in") == "query")
                        self._operations.append(_Operation(method.upper(), template, pattern, parameters, methods[method], specification))
        self._operations.sort(key=lambda operation: operation.template.count("{"))    # /project/search before /project/{id}

    def _operation(self, method: str, path: str) -> _Operation | None:
        return next((o for o in self._operations if o.method == method.upper() and o.pattern.fullmatch(path)), None)

    def check_request(self, method: str, path: str, query: Iterable[str] = (), body: Any = None) -> list[str]:
        """What is wrong with the request, in words: unknown, deprecated, unknown names, or a body unlike its schema; empty if nothing."""
        if (method.upper(), path) in UNSPECIFIED:
            return []
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the specification"]
        problems = [f"{method} {path} is deprecated"] if operation.definition.get("deprecated") else []
        problems += [f"{method} {path} has no query parameter {name}" for name in query if name not in operation.parameters]
        content = operation.definition.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None and content is None:
            problems.append(f"{method} {path} takes no body")
        elif content is not None:
            sent = {} if body is None else body
            faults = self._validate(operation, content["schema"], sent)
            known = self._names(operation, content["schema"])
            if known and isinstance(sent, dict) and not faults:     # of a schema that lets others pass
                faults = [f"{method} {path} has no property {name} in its body" for name in sent if name not in known]
            problems += faults
        return problems

    @staticmethod
    def _names(operation: _Operation, schema: Mapping[str, Any]) -> frozenset[str]:
        """The names that a body of this schema may have; none where it does not list them."""
        while "$ref" in schema:
            schema = operation.specification["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return frozenset(schema.get("properties", {}))

    def check_response(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is unlike the specification's schema for that status; errors without one are held to ErrorCollection."""
        if (method.upper(), path) in UNSPECIFIED:
            return []
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the specification"]
        answer = operation.definition["responses"].get(str(status), {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema is None and status >= 400:
            schema = self._platform()["components"]["schemas"]["ErrorCollection"]
        if schema is None:
            return [f"{method} {path} has no answer {status} with a schema"]
        return self._validate(operation, schema, body)

    def check_schema(self, name: str, value: Any) -> list[str]:
        """What is unlike the platform's component of this name."""
        return self._validate(self._platform_operation(), {"$ref": f"#/components/schemas/{name}"}, value)

    def property_names(self, name: str) -> frozenset[str]:
        """The names that the platform's component of this name may have."""
        return frozenset(self._platform()["components"]["schemas"][name].get("properties", {}))

    def _platform_operation(self) -> _Operation:
        return next(o for o in self._operations if o.template.startswith("/rest/api/3"))

    def _platform(self) -> Mapping[str, Any]:
        return self._platform_operation().specification

    @staticmethod
    def _validate(operation: _Operation, schema: Mapping[str, Any], value: Any) -> list[str]:
        validator = Draft4Validator({**schema, "components": operation.specification["components"]})
        return [f"{operation.method} {operation.template}: {'/'.join(map(str, e.absolute_path))}: {e.message[:200]}"
                for e in validator.iter_errors(value)]


@cache
def load(shared_folder: Path) -> VendorSpecification:
    """The specifications, read once."""
    return VendorSpecification(shared_folder / "specs")
