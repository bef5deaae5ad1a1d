"""Events over HTTP: listed with a cursor, streamed with Last-Event-ID."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastapi.routing
import pytest
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.api.routes import events as routes
from pmo_hub.domain.events import CATALOGUE
from pmo_hub.services import access
from pmo_hub.services.events import Tail
from pmo_hub.store.unit_of_work import Work
from tests.api.governed import HOME, client
from tests.services.governed import CONNECTION
from tests.services.told import Told


@pytest.fixture
def told(work: Work, tmp_path: Path) -> Told:
    return Told(work, tmp_path)


def read(text: str) -> list[dict[str, Any]]:
    """The events of a stream, as EventSource reads them."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append({"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])})
    return found


def short_stream(told: Told, monkeypatch: pytest.MonkeyPatch, longest_s: float = 0.4) -> TestClient:
    """A client for streams that end soon."""
    monkeypatch.setattr(routes, "LONGEST_STREAM_S", longest_s)
    app = application(told.hub)
    app.state.tail = Tail(0.02)
    key = access.create_key(told.hub, "stream", ("events:read",), "test").text
    return TestClient(app, base_url=f"http://test{HOME}", headers={"Authorization": f"Bearer {key}"})


def streamed(api: TestClient, params: Mapping[str, Any] | None = None, **headers: str) -> list[dict[str, Any]]:
    answer = api.get("/events/stream", params=params, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    return read(answer.text)


def test_events_are_listed_newest_first_and_a_page_goes_on_where_the_last_ended(told: Told) -> None:
    api = client(told, "events:read")
    ids = [told.happened("sync.failed", f"{number:032}") for number in range(5)]
    assert api.get("/events").json()["items"] == []  # nobody has placed them yet
    told.dispatch()
    first = api.get("/events", params={"limit": 3}).json()
    told.happened("sync.recovered", CONNECTION)
    told.dispatch()  # what comes between two pages disturbs neither
    rest = api.get("/events", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    shown = [one["data"]["id"] for one in first["items"] + rest["items"]]
    assert sorted(shown) == sorted(ids)
    positions = [one["position"] for one in first["items"] + rest["items"]]
    assert positions == sorted(positions, reverse=True)
    assert rest["next_cursor"] is None
    assert api.get("/events", params={"limit": 3, "cursor": first["next_cursor"], "type": "sync.failed"}).status_code == 400


def test_events_are_filtered_like_subscriptions(told: Told) -> None:
    api = client(told, "events:read")
    owner = told.person("Ada")
    one, other = told.project("ERP", manager_id=owner), told.project("CRM")
    portfolio = told.portfolio("All", one)
    told.refresh(one, other)
    told.happened("sync.failed", CONNECTION)
    told.dispatch()

    def found(**params: Any) -> set[tuple[str, str | None]]:
        return {(item["type"], item["data"]["project_id"]) for item in api.get("/events", params={"limit": 200, **params}).json()["items"]}

    everything = found()
    assert {("sync.failed", None), ("violation.opened", one), ("violation.opened", other)} <= everything
    assert found(type="violation.*") == {("violation.opened", one), ("violation.opened", other)}
    assert found(type="sync.failed") == {("sync.failed", None)}
    assert found(project=other) == found(project=other, type="violation.*") == {("violation.opened", other)}
    assert found(portfolio=portfolio) == {("violation.opened", one)}
    assert found(owner=owner) == {("violation.opened", one)}
    assert found(severity="critical") < everything
    assert found(check="GOV-001") == {("violation.opened", one), ("violation.opened", other)}
    assert api.get("/events", params={"type": "nothing.at.all"}).status_code == 422
    assert api.get("/events", params={"portfolio": "f" * 32}).status_code == 404


def test_of_what_is_confidential_the_list_tells_as_little_as_a_webhook(told: Told) -> None:
    api = client(told, "events:read")
    told.refresh(told.project("Secret", classification="restricted"))
    told.dispatch()
    items = api.get("/events").json()["items"]
    assert items
    for one in items:
        assert {name for name, value in one["data"].items() if value is not None} == {"id", "sequence", "link"}
    assert api.get(f"/events/{items[0]['data']['id']}").json() == items[0]
    assert api.get("/events/nothing").status_code == 404


def test_the_catalogue_is_told(told: Told) -> None:
    body = client(told, "events:read").get("/event-types").json()
    assert [one["name"] for one in body["items"]] == list(CATALOGUE)
    assert "violation.*" in body["families"]


def test_a_stream_tells_what_happened_since_last_event_id_in_order(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [told.happened("sync.failed", f"{number:032}") for number in range(450)]  # more than one page
    told.dispatch()
    api = short_stream(told, monkeypatch, 1.0)
    everything = streamed(api, {"after": 0})
    assert [one["id"] for one in everything] == list(range(1, 451))
    assert {one["data"]["data"]["id"] for one in everything} == set(ids)
    assert {one["event"] for one in everything} == {"sync.failed"}
    rest = streamed(api, None, **{"Last-Event-ID": "447"})
    assert [one["id"] for one in rest] == [448, 449, 450]
    assert streamed(api) == []  # only what happens from now on


def test_a_stream_tells_what_happens_while_it_is_open(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.happened("sync.failed", CONNECTION)
    told.dispatch()
    api = short_stream(told, monkeypatch, 1.5)
    rested = Tail.rest
    happened: list[str] = []

    async def rest(self: Tail) -> None:
        if not happened:  # the stream has told everything and waits
            happened.append(told.happened("sync.recovered", CONNECTION))
            told.dispatch()
        await rested(self)

    monkeypatch.setattr(Tail, "rest", rest)
    found = streamed(api)
    assert [(one["id"], one["event"], one["data"]["data"]["sequence"]) for one in found] == [(2, "sync.recovered", 2)]


def test_a_stream_that_is_idle_shows_that_it_lives(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    text = short_stream(told, monkeypatch).get("/events/stream").text
    assert text.startswith(": pmo-hub\nretry: 2000\n")
    assert text.count(": ping") >= 2


def test_heartbeats_come_every_15_seconds() -> None:
    assert vars(fastapi.routing)["_PING_INTERVAL"] == 15.0


def test_a_stream_is_filtered_and_refuses_an_id_that_is_none(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.happened("sync.failed", CONNECTION)
    told.happened("sync.recovered", CONNECTION)
    told.dispatch()
    api = short_stream(told, monkeypatch)
    assert [one["event"] for one in streamed(api, {"after": 0, "type": "sync.recovered"})] == ["sync.recovered"]
    assert api.get("/events/stream", headers={"Last-Event-ID": "x"}).status_code == 400
    assert api.get("/events/stream", params={"type": "no"}).status_code == 422


def test_streams_have_an_end_and_a_number(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    api = short_stream(told, monkeypatch)
    monkeypatch.setattr(routes, "MOST_STREAMS", 0)
    refused = api.get("/events/stream")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
