"""Connectors are found by entry point; a bad one is reported and the host stays up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from pmo_hub.host import registry
from pmo_hub.host.registry import Registry
from pmo_hub.sdk.contract import CONTRACT_VERSION
from tests.shelf import ShelfConnector


@dataclass(frozen=True)
class Package:
    """As much of a distribution as the registry looks at."""

    name: str
    version: str = "1.0"


@dataclass(frozen=True)
class Point:
    """An entry point whose loading is told."""

    name: str
    load: Callable[[], object]
    dist: Package = Package("pmo-hub")
    value: str = "shelf:ShelfConnector"


def installed(monkeypatch: pytest.MonkeyPatch, *points: Point) -> Registry:
    def found(group: str) -> list[Point]:
        assert group == "pmo_hub.connectors"
        return list(points)

    monkeypatch.setattr(registry, "entry_points", found)
    return Registry.installed()


def only_reason(found: Registry) -> str:
    assert len(found.broken) == 1
    return found.broken[0].reason


def changed(**attributes: Any) -> type:
    return type("Changed", (ShelfConnector,), attributes)


def test_an_installed_connector_is_found_with_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(monkeypatch, Point("shelf", lambda: ShelfConnector))
    assert isinstance(found.get("shelf"), ShelfConnector)
    assert found.broken == ()
    assert found.plugins["shelf"].config_schema["properties"]["token"]["writeOnly"] is True


def test_nothing_foreign_is_imported_before_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load() -> object:
        loaded.append("shelf")
        return ShelfConnector

    found = installed(monkeypatch, Point("shelf", load))
    assert loaded == []
    assert found.get("shelf") is found.get("shelf")
    assert loaded == ["shelf"]


def test_an_unknown_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(monkeypatch).get("nothing") is None


def boom() -> object:
    raise ImportError("no module named nowhere")


def leave() -> object:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (boom, "it can't be loaded: ImportError: no module named nowhere"),
        (leave, "it can't be loaded: SystemExit: 3"),
        (lambda: changed(contract=CONTRACT_VERSION - 1), "update the connector"),
        (lambda: changed(contract=CONTRACT_VERSION + 1), "update the hub"),
        (object, "speaks version None"),
        (lambda: changed(title=None), "its title is missing"),
        (lambda: changed(rate_limit="fast"), "its rate_limit is missing or not a RateLimit"),
        (lambda: changed(open=None), "no method open"),
        (lambda: changed(name="drawer"), "calls itself 'drawer'"),
        (lambda: changed(capabilities=frozenset({"teleport"})), "teleport"),
        (lambda: changed(Config=dict), "no pydantic model"),
    ],
)
def test_a_bad_plugin_is_reported_and_the_good_one_stays(
    monkeypatch: pytest.MonkeyPatch, load: Callable[[], object], reason: str
) -> None:
    bad = Point("shelf", load, Package("zz-bad"), "bad:Shelf")
    good = changed(name="good")
    found = installed(monkeypatch, bad, Point("good", lambda: good))
    assert set(found.plugins) == {"good"}
    assert reason in only_reason(found)
    assert found.broken[0].origin == "bad:Shelf of zz-bad 1.0"


def test_a_config_whose_form_cannot_be_drawn_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(BaseModel):
        call: Callable[[], int]

    assert "can't be drawn" in only_reason(installed(monkeypatch, Point("shelf", lambda: changed(Config=Odd))))


def test_of_two_plugins_with_one_name_ours_is_used_and_the_other_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Point("shelf", lambda: changed(title="Theirs"), Package("a-shelf"), "theirs:Shelf")
    found = installed(monkeypatch, theirs, Point("shelf", lambda: ShelfConnector))
    assert found.plugins["shelf"].connector.title == "A shelf"
    assert "already there, from shelf:ShelfConnector of pmo-hub 1.0" in only_reason(found)


def test_one_distribution_seen_twice_on_the_path_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = installed(monkeypatch, Point("shelf", lambda: ShelfConnector), Point("shelf", lambda: ShelfConnector))
    assert set(found.plugins) == {"shelf"}
    assert found.broken == ()


def test_an_entry_point_without_a_distribution_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("shelf", "tests.shelf:ShelfConnector", "pmo_hub.connectors")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    assert Registry.installed().get("shelf") is not None


def test_a_given_connector_is_checked_like_an_installed_one() -> None:
    class Old(ShelfConnector):
        contract: ClassVar[int] = 0

    assert Registry.of(ShelfConnector()).get("shelf") is not None
    assert Registry.of(Old()).get("shelf") is None
