"""Small MSPDI files written for one test each, and what the connector makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pmo_hub.domain.records import Record
from pmo_hub.sdk.contract import Mode, Page
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.streaming import NAMESPACE
from tests.connectors.pmo_hub_mspdi.mpxj_comparison import Ours, sorted_out

CONNECTOR = MspdiConnector()


def element(name: str, value: Any) -> str:
    """A value as an element; a mapping has children, a list repeats the element."""
    if isinstance(value, list):
        return "".join(element(name, one) for one in value)
    inner = "".join(element(key, one) for key, one in value.items()) if isinstance(value, Mapping) else str(value)
    return f"<{name}>{inner}</{name}>"


def task(uid: int, **fields: Any) -> dict[str, Any]:
    return {"UID": uid, "ID": uid, "Name": f"Task {uid}", "OutlineLevel": 1, "Duration": "PT8H0M0S", "DurationFormat": 7, **fields}


def plan(tasks: list[dict[str, Any]] | None = None, **containers: Any) -> bytes:
    """A file; `containers` are the header's fields, or lists of records by their container's name."""
    records = {"Calendars": "Calendar", "Resources": "Resource", "Assignments": "Assignment", "ExtendedAttributes": "ExtendedAttribute",
               "OutlineCodes": "OutlineCode"}  # fmt: skip
    head = {"Title": "Plan", **{name: value for name, value in containers.items() if name not in records}}
    early = [name for name in ("OutlineCodes", "ExtendedAttributes", "Calendars") if name in containers]
    late = [name for name in ("Resources", "Assignments") if name in containers]
    parts = [element(name, value) for name, value in head.items()]
    parts += [element(name, {records[name]: containers[name]}) for name in early]
    parts.append(element("Tasks", {"Task": tasks or []}))
    parts += [element(name, {records[name]: containers[name]}) for name in late]
    return f'<?xml version="1.0" encoding="UTF-8"?><Project xmlns="{NAMESPACE}">{"".join(parts)}</Project>'.encode()


def records_of(content: bytes | Mapping[str, bytes], config: Mapping[str, Any] | None = None, scope: str | None = None) -> list[Record]:
    return list(host_of(content, config, scope)[0].records().values())


def host_of(
    content: bytes | Mapping[str, bytes], config: Mapping[str, Any] | None = None, scope: str | None = None
) -> tuple[MemoryHost, list[Page]]:
    """A host that has taken in the files, and the pages that it was given."""
    files = {"plan.xml": content} if isinstance(content, bytes) else dict(content)
    with CONNECTOR.open(MspdiConfig.model_validate(config or {}), MemoryContext(files=files)) as source:
        scopes = [one.external_id for one in source.scopes()]
        host = MemoryHost(CONNECTOR, scopes if scope is None else [scope])
        pages = []
        for partition, page in host.pages(source, Mode.INCREMENTAL):
            host.apply(source, partition, page)
            pages.append(page)
    return host, pages


def read_plan(content: bytes, config: Mapping[str, Any] | None = None) -> Ours:
    return sorted_out(records_of(content, config))
