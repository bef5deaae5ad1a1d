"""CloudEvents against the attributes of the specification 1.0.2."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from pmo_hub.domain.formats import cloudevents
from tests.domain.formats.told import DIGEST, ENVELOPE, HOSTILE, HUB, hostile, notice, thin

# Facts of the specification: four attributes are required and not empty, `specversion` is "1.0", `time` is an RFC 3339 timestamp, `source`
# a URI-reference, `datacontenttype` a media type; names are of lower-case letters and digits; of `data` and `data_base64` there is one.
# The extension `sequence` is a string; with `sequencetype` "Integer" it spells a signed 32-bit number.
TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "propertyNames": {"pattern": "^([a-z0-9]{1,20}|data_base64)$"},
    "not": {"required": ["data", "data_base64"]},
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1, "pattern": r"^[^\s<>\"{}|\\^`]+$"},
        "specversion": {"const": "1.0"},
        "type": {"type": "string", "minLength": 1},
        "subject": {"type": "string", "minLength": 1},
        "time": {"type": "string", "pattern": TIME},
        "datacontenttype": {"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+"},
        "dataschema": {"type": "string", "minLength": 1},
        "sequence": {"type": "string", "pattern": r"^[0-9]{1,10}$"},
        "sequencetype": {"const": "Integer"},
        "data": {"type": "object"},
    },
    # Attributes are text, numbers or booleans; only data is more.
    "additionalProperties": {"type": ["string", "boolean", "integer"]},
}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def rendered(*arguments: Any) -> dict[str, Any]:
    body = cloudevents.render(*arguments)
    assert body.content_type == "application/cloudevents+json; charset=utf-8"
    found: dict[str, Any] = json.loads(body.content)
    VALIDATOR.validate(found)
    return found


def test_an_event_is_one_cloud_event() -> None:
    one = notice(3)
    found = rendered([one], ENVELOPE)
    assert (found["id"], found["source"], found["type"]) == (one.event.id, HUB, "violation.opened")
    assert (found["subject"], found["sequence"]) == (f"violation/{one.event.entity_id}", "3")
    assert found["time"] == "2026-11-23T12:03:00Z"
    assert found["data"]["severity"] == "high"


def test_a_thin_one_tells_id_and_link_only() -> None:
    assert rendered([thin()], ENVELOPE)["data"] == {"id": thin().event.id, "sequence": 1, "link": thin().link}


def test_a_digest_is_one_event_too() -> None:
    found = rendered([notice(1), notice(2)], DIGEST)
    assert (found["type"], found["id"]) == ("digest", ENVELOPE.message_id)
    assert [one["data"]["id"] for one in found["data"]["events"]] == [notice(1).event.id, notice(2).event.id]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_source_wrote_it_is_valid(text: str) -> None:
    rendered([hostile(text[:500])], ENVELOPE)
    found = rendered([hostile(text[:500], n) for n in range(1, 61)], DIGEST)
    assert len(found["data"]["events"]) + found["data"].get("left_out", 0) == 60


def test_what_is_too_large_is_cut_and_said_to_be() -> None:
    large = notice()
    large = replace(large, event=replace(large.event, data={"note": "x" * 20_100}))
    found = rendered([large], ENVELOPE)
    assert found["data"]["is_cut"] is True
    assert re.fullmatch("[0-9a-f]{32}", found["data"]["id"])
