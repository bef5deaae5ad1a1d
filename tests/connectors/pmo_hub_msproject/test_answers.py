"""How a site answers, without a site: lists that no count ends, collections inside entities, what is asked for and with which headers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from pmo_hub_msproject import reference
from pmo_hub_msproject.client import ProjectServer
from pmo_hub_msproject.config import MsProjectConfig
from pmo_hub_msproject.reporting import SETS, Reporting
from tests.connectors.pmo_hub_msproject.payloads import OTHER, PROJECT, TASK

SITE = "https://pwa.example/pwa"
API = f"{SITE}/_api/"
CONFIG = {"sign_in": "password", "url": SITE, "user": "u", "password": "p"}


class Told:
    """A client that is lent, and answers each address with what it was told to."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []

    @contextmanager
    def lent(self) -> Iterator[Any]:
        yield self

    def get(self, address: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        self.asked.append(str(address))
        self.headers.append(headers)
        part = next((part for part in self.answers if part in str(address)), None)
        if part is None:
            return httpx.Response(404, json={}, request=httpx.Request("GET", address))
        return httpx.Response(200, json=self.answers[part], request=httpx.Request("GET", address))


def server(told: Told, concurrency: int = 2) -> ProjectServer:
    return ProjectServer(told, SITE, concurrency)


def test_only_a_missing_link_ends_a_list_and_no_count_does() -> None:
    """One that is short, one that is empty, one that is full and the last."""
    full = [{"Id": str(n)} for n in range(300)]
    told = Told({
        "page=2": {"value": [], "odata.nextLink": f"{API}ProjectServer/Projects?page=3"},
        "page=3": {"value": full},
        "ProjectServer/Projects": {"value": [{"Id": "a"}], "odata.nextLink": f"{API}ProjectServer/Projects?page=2"},
    })  # fmt: skip
    pages = list(server(told).pages("ProjectServer/Projects", "$select=Id"))
    assert [len(page) for page in pages] == [1, 0, 300]
    assert "$top" not in "".join(told.asked)


def test_a_link_may_leave_out_the_host_or_write_its_address_in_other_letters() -> None:
    told = Told({
        "skiptoken": {"d": {"results": [{"Id": "b"}]}},
        "ProjectServer/Projects": {"d": {"results": [{"Id": "a"}], "__next": "/PWA/_api/ProjectServer/Projects?$skiptoken=1"}},
    })  # fmt: skip
    assert len(list(server(told).pages("ProjectServer/Projects", ""))) == 2


def test_requests_ask_for_json_name_the_product_and_want_no_log_in_form() -> None:
    told = Told({"ProjectServer/Projects": {"value": []}})
    server(told).account()
    (headers,) = told.headers
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].split("|")[::2] == ["NONISV", "pmo-hub/1.0"]
    assert headers["X-FORMS_BASED_AUTH_ACCEPTED"] == "f"


def test_a_site_is_asked_two_things_at_a_time_unless_it_is_configured_otherwise() -> None:
    assert MsProjectConfig.model_validate(CONFIG).concurrency == 2
    third = threading.Barrier(3)
    met: list[bool] = []

    class Slow(Told):
        def get(self, address: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
            try:
                third.wait(timeout=0.2)
                met.append(True)
            except threading.BrokenBarrierError:
                met.append(False)
            return super().get(address, headers)

    site = server(Slow({"ProjectServer/Projects": {"value": []}}))
    threads = [threading.Thread(target=site.account) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == [False, False, False]


def _entry(id: str, text: str) -> dict[str, str]:
    return {"InternalName": id, "FullValue": text}


FIELD: dict[str, Any] = {"InternalName": "Custom_aa", "Name": "Workstream", "FieldType": 21, "EntityType": {"Name": "TaskEntity"}}
CALENDAR: dict[str, Any] = {"Id": TASK, "Name": "Standard"}
DAY: dict[str, Any] = {
    "Id": 3,
    "Name": "Day off",
    "Start": "2026-12-24T00:00:00",
    "Finish": "2026-12-24T00:00:00",
    "RecurrenceFrequency": 1,
}


@pytest.mark.parametrize("verbose", [False, True])
def test_a_collection_inside_an_entity_is_read_to_its_end(verbose: bool) -> None:
    """Entries of lookup tables and exceptions of calendars come with their owner, a page of them."""
    entries, days = [_entry("Entry_1", "Technology")], [DAY]
    further, other = f"{API}ProjectServer/more-entries", f"{API}ProjectServer/more-days"
    later = DAY | {"Id": 4, "Start": "2026-12-26T00:00:00", "Finish": "2026-12-26T00:00:00"}
    rest: dict[str, list[Any]] = {"more-entries": [_entry("Entry_2", "Sales")], "more-days": [later]}
    if verbose:
        field = FIELD | {"__metadata": {}, "LookupEntries": {"results": entries, "__next": further}}
        calendar = CALENDAR | {"__metadata": {}, "BaseCalendarExceptions": {"results": days, "__next": other}}
        answers: dict[str, Any] = {part: {"d": {"results": found}} for part, found in rest.items()}
        answers |= {"CustomFields": {"d": {"results": [field]}}, "Calendars": {"d": {"results": [calendar]}}}
    else:
        field = FIELD | {"LookupEntries": entries, "LookupEntries@odata.nextLink": further}
        calendar = CALENDAR | {"BaseCalendarExceptions": days, "BaseCalendarExceptions@odata.nextLink": other}
        answers = {part: {"value": found} for part, found in rest.items()}
        answers |= {"CustomFields": {"value": [field]}, "Calendars": {"value": [calendar]}}
    site = reference.site_of(next(reference.read(server(Told(answers)), SITE, "UTC", [])).body)
    assert site.entries == {"Entry_1": "Technology", "Entry_2": "Sales"}
    assert [one.days[0].day for one in site.calendars[0].exceptions] == [24, 26]
    assert [(field.key, field.entity) for field in site.fields] == [("Custom_x005f_aa", "Task")], "as the property is spelled"


def test_a_risk_has_its_id_in_its_project_only() -> None:
    """Each project's site numbers its own lists: two projects may give one id to two risks."""
    told = Told({"ProjectData/[en-US]/Risks": {"value": [{"RiskId": TASK, "Title": "Late"}, {"RiskId": TASK.upper(), "IsFolder": True}]}})
    reporting = Reporting(server(told))
    found = [payload for project in (PROJECT, OTHER) for payload in reporting.rows(project, SETS["risk"])[0]]
    assert [payload.ref.external_id for payload in found] == [f"{PROJECT}/{TASK}", f"{OTHER}/{TASK}"]
    assert [msgspec.json.decode(payload.body)["Title"] for payload in found] == ["Late", "Late"]


def test_baselines_of_reports_are_asked_for_without_the_one_that_tasks_have() -> None:
    told = Told({"TaskBaselines": {"value": []}})
    Reporting(server(told)).rows(PROJECT, SETS["baselines"])
    assert "BaselineNumber gt 0" in httpx.URL(told.asked[0]).params["$filter"]
