"""What the document says of the webhooks that the hub sends is what it sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema

from pmo_hub.api.application import application
from pmo_hub.domain.events import CATALOGUE, Event, Notice
from pmo_hub.domain.formats import Envelope, standard

DOCUMENT = application(None).openapi()
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_every_type_of_the_catalogue_is_in_the_document() -> None:
    assert list(DOCUMENT["webhooks"]) == list(CATALOGUE)


def test_what_is_sent_is_what_the_document_says() -> None:
    for type in CATALOGUE.values():
        event = Event("e" * 32, type.name, AT, type.entity, "f" * 32, 3, type.example, 7, "p" * 32, ("g" * 32,), "high", "GOV-001", None)
        content = DOCUMENT["webhooks"][type.name]["post"]["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        for thin in (False, True):
            body = standard.render([Notice(event, "https://hub.example/x", thin)], Envelope("m", AT, "https://hub.example", "s", "Ops"))
            jsonschema.validate(json.loads(body.content), schema)
        jsonschema.validate(content["example"], schema)
