"""What the connector asks for and what the simulator answers, against the vendor's own description of the interface."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from pmo_hub_msproject import selects, wire
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulated_schema import PROJECT_DATA, PROJECT_SERVER, columns
from pmo_hub_msproject.simulator import serve
from pmo_hub_msproject.time_phased import ALL_SETS
from tests.connectors.pmo_hub_msproject.lending import START, synced

OF_ANOTHER_SCHEMA = {"Owner"}
"""SharePoint's users; the description here is that of Project Server's own namespace."""

JSON = {"Guid": str, "String": (str, type(None)), "DateTime": str, "Time": str, "Boolean": bool, "Int32": int, "Int16": int,
        "Double": (int, float), "Decimal": str}  # fmt: skip
REPORTED = {"TaskBaselines": "TaskBaseline", "Risks": "Risk", "Issues": "Issue", "ProjectWorkflowStageDataSet": "ProjectWorkflowStageData",
            "Projects": "Project", "TaskTimephasedDataSet": "TaskTimephasedData",
            "TaskBaselineTimephasedDataSet": "TaskBaselineTimephasedData"}  # fmt: skip


class Model:
    """The entity types of the namespace PS."""

    def __init__(self, file: Path) -> None:
        self.types = {e.attrib["Name"]: e for e in ET.parse(file).iter() if e.tag.endswith("}EntityType")}
        self.ends = {
            (e.attrib["Name"], end.attrib["Role"]): end.attrib["Type"]
            for e in ET.parse(file).iter() if e.tag.endswith("}Association") for end in e if "Role" in end.attrib
        }  # fmt: skip

    def members(self, name: str, what: str) -> dict[str, ET.Element]:
        element = self.types[name]
        base = element.attrib.get("BaseType", "").removeprefix("PS.")
        own = {c.attrib["Name"]: c for c in element if c.tag.endswith(f"}}{what}")}
        return (self.members(base, what) if base else {}) | own

    def properties(self, name: str) -> dict[str, str]:
        return {n: e.attrib["Type"].removeprefix("Edm.") for n, e in self.members(name, "Property").items()}

    def target(self, name: str, navigation: str) -> str:
        found = self.members(name, "NavigationProperty")[navigation]
        return self.ends[found.attrib["Relationship"].removeprefix("PS."), found.attrib["ToRole"]].removeprefix("PS.")


@pytest.fixture(scope="module")
def model(shared_folder: Path) -> Model:
    return Model(shared_folder / "specs/projectserver-PS.edmx.xml")


@pytest.fixture(scope="module")
def reports(shared_folder: Path) -> dict[str, dict[str, str]]:
    told = json.loads((shared_folder / "data/msproject/projectdata/projectdata_entities.json").read_text())["entities"]
    return {name: {p["name"]: p["type"].removeprefix("Edm.") for p in entity["properties"]} for name, entity in told.items()}


def test_the_simulated_schema_is_the_vendors(model: Model, reports: dict[str, dict[str, str]]) -> None:
    for name in PROJECT_SERVER:
        told = {n: kind for n, kind in model.properties(name).items() if not kind.startswith(("Collection", "PS."))}
        assert set(columns(name)) == set(told), name
        for property, (_, way) in columns(name).items():
            expected = {"Span": "String", "SpanMilliseconds": "Int32", "SpanTimeSpan": "Time"}.get(way, way)
            assert told[property] == expected, f"{name}.{property}"
    for name, properties in PROJECT_DATA.items():
        assert dict(properties) == reports[name], name


@pytest.mark.parametrize(
    ("entity", "query"),
    [("PublishedProject", selects.LIST), ("PublishedProject", selects.PROJECT), ("PublishedProject", selects.PROBE),
     ("PublishedTask", selects.tasks(())), ("PublishedAssignment", selects.ASSIGNMENTS), ("PublishedProjectResource", selects.RESOURCES),
     ("PublishedTaskLink", selects.LINKS), ("Calendar", selects.CALENDARS), ("CustomField", selects.CUSTOM_FIELDS)],
)  # fmt: skip
def test_every_property_that_is_asked_for_is_there(model: Model, entity: str, query: str) -> None:
    options = dict(parse_qsl(query))
    expanded = options.get("$expand", "").split(",") if "$expand" in options else []
    assert set(expanded) <= set(model.members(entity, "NavigationProperty"))
    for path in options["$select"].split(","):
        navigation, _, property = path.rpartition("/")
        if navigation in OF_ANOTHER_SCHEMA or property == "*":
            continue
        owner = model.target(entity, navigation) if navigation else entity
        known = model.properties(owner)
        if navigation == "LookupEntries":
            known |= model.properties("LookupText")
        assert property in known, f"{entity}: {path}"
    assert len(query) <= 2_000


def test_every_column_of_the_reports_that_is_asked_for_is_there(reports: dict[str, dict[str, str]]) -> None:
    for one in ALL_SETS.values():
        lacking = set(wire.names_of(one.rows)) - set(reports[REPORTED[one.name]])
        assert not lacking, f"{one.name}: {lacking}"
    assert set(wire.names_of(wire.Report)) <= set(reports["Project"])


@pytest.mark.parametrize("verbose", [False, True])
def test_answers_have_the_vendors_properties_and_types(model: Model, verbose: bool) -> None:
    with serve(generate(3, 1, START, tasks=8), verbose=verbose, page_size=4) as simulator:
        synced(simulator)
        for path, query in [(path, query) for path, query, _ in simulator.log if "ProjectServer/Projects" in path]:
            answer = simulator.answer("GET", path, query, {"authorization": _basic(simulator.user, simulator.password)})
            body: Any = json.loads(answer.body)
            whole = body["d"] if verbose else body
            members = whole.get("results" if verbose else "value", [whole])
            for member in members:
                kind = (member["__metadata"]["type"] if verbose else member["odata.type"]).removeprefix("PS.")
                told = model.properties(kind)
                for name, value in member.items():
                    if name in told:
                        assert isinstance(value, JSON[told[name]]), f"{kind}.{name}: {value!r} is no {told[name]}"  # type: ignore[arg-type]
                    else:
                        ours = name.startswith(("odata.", "__metadata", "Custom_x005f_")) or name in model.members(
                            kind, "NavigationProperty"
                        )
                        assert ours, f"{kind}.{name} is not the vendor's"


def _basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_the_requests_of_a_sync_are_known_paths() -> None:
    known = re.compile(
        r"/pwa/_api/(ProjectServer/(Projects(\('[0-9a-f-]{36}'\)(/(Tasks|TaskLinks|Assignments|ProjectResources))?)?|CustomFields|Calendars)"
        r"|ProjectData/\[en-US\]/(Projects(\(guid'[0-9a-f-]{36}'\))?|TaskBaselines|Risks|Issues|ProjectWorkflowStageDataSet"
        r"|Task(Baseline)?TimephasedDataSet))"
    )
    with serve(generate(3, 1, START, tasks=8)) as simulator:
        synced(simulator, time_phased=True)
        assert simulator.log
        for path, _, status in simulator.log:
            assert known.fullmatch(path), path
            assert status == 200, path
