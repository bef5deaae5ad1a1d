"""GET …/health, …/facts, …/risk-signals and …/risks."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.identity import row_id
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.portfolio import Program
from pmo_hub.store.unit_of_work import Work
from tests.api.governed import client
from tests.services.governed import NOON, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def dimension(body: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in body["dimensions"] if one["dimension"] == name)
    return found


def late(estate: Estate) -> str:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", due=date(2026, 11, 1), assignee_id=estate.person("Ada"))
    estate.item(project, "ERP-2", due=date(2026, 12, 1), assignee_id=estate.person("Ada"))
    estate.synced(project)
    return project


def test_health_tells_each_dimension_with_reasons_links_confidence_and_age(estate: Estate) -> None:
    project = late(estate)
    estate.now += timedelta(minutes=5)
    answer = client(estate, "health:read").get(f"projects/{project}/health")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["project_id"], body["name"], body["rating"]) == (project, "ERP", "red")
    assert body["coverage"] == f"{body['known']} of 7 known"
    assert (body["data_age_s"], body["synced_at"], body["data_complete"]) == (300, "2026-11-23T12:00:00Z", True)
    assert (body["as_of"], body["computed_at"]) == (None, "2026-11-23T12:05:00Z")
    assert [one["dimension"] for one in body["dimensions"]] == ["schedule", "scope", "cost", "risk", "quality", "flow", "resources"]
    schedule = dimension(body, "schedule")
    assert (schedule["rating"], schedule["confidence"], schedule["data_age_s"]) == ("red", 100, 300)
    assert schedule["evidence"][0] == {
        "type": "work_item", "id": row_id("item", "ERP-1"), "label": "ERP-1", "url": "https://site.example/browse/ERP-1",
        "note": "due 2026-11-01",
    }  # fmt: skip
    cost = dimension(body, "cost")
    assert (cost["rating"], cost["score"]) == ("grey", None)
    assert cost["missing"]


def test_health_of_an_instant_is_the_answer_that_was_given_then(estate: Estate) -> None:
    project = late(estate)
    asker = client(estate)
    first = asker.get(f"projects/{project}/health").json()
    estate.now += timedelta(minutes=30)
    estate.item(project, "ERP-1", due=date(2026, 12, 1), assignee_id=estate.person("Ada"))
    estate.synced(project)
    assert asker.get(f"projects/{project}/health").json()["rating"] != first["rating"]
    then = asker.get(f"projects/{project}/health", params={"as_of": first["computed_at"]}).json()
    assert then | {"as_of": None, "computed_at": None} == first | {"computed_at": None}
    assert then["as_of"] == first["computed_at"]


def test_an_instant_without_a_zone_is_refused(estate: Estate) -> None:
    project = estate.project("ERP")
    answer = client(estate).get(f"projects/{project}/health", params={"as_of": "2026-11-23T12:00:00"})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "as_of")


@pytest.mark.parametrize("path", ["health", "facts", "risk-signals", "risks"])
def test_a_project_that_does_not_exist_is_404(estate: Estate, path: str) -> None:
    answer = client(estate).get(f"projects/{'0' * 32}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["portfolios/x/health", "programs/x/health", "portfolios/x/risk-signals", "portfolios/x/risks"])
def test_a_portfolio_that_does_not_exist_is_404(estate: Estate, path: str) -> None:
    assert client(estate).get(path).status_code == 404


def test_a_key_for_risks_does_not_open_health(estate: Estate) -> None:
    project = late(estate)
    asker = client(estate, "risks:read")
    assert asker.get(f"projects/{project}/health").status_code == 403
    assert asker.get(f"projects/{project}/facts").status_code == 403
    assert asker.get(f"projects/{project}/risk-signals").status_code == 200


def test_a_portfolio_is_counted_by_dimension_and_names_its_worst(estate: Estate) -> None:
    project = late(estate)
    portfolio = estate.portfolio("All", project, estate.project("NEW"))
    body = client(estate).get(f"portfolios/{portfolio}/health").json()
    assert (body["type"], body["rating"], body["coverage"], body["size"]) == ("portfolio", "red", "1 of 2 known", 2)
    assert body["counts"]["overall"] == {"red": 1, "amber": 0, "green": 0, "grey": 1}
    assert [one["name"] for one in body["worst"]] == ["ERP", "NEW"]
    assert body["worst"][0]["reasons"]
    assert body["data_age_s"] is None


def test_an_empty_portfolio_is_grey(estate: Estate) -> None:
    body = client(estate).get(f"portfolios/{estate.portfolio('None')}/health").json()
    assert (body["rating"], body["reasons"], body["coverage"]) == ("grey", ["the portfolio has no projects"], "0 of 0 known")


def test_a_program_has_health_too(estate: Estate) -> None:
    program = row_id("program")
    with estate.work.write() as session:
        merge_rows(session, Program, [{"id": program, "name": "P", "description": None, "owner_id": None, "created_at": NOON}], NOON)
    assert client(estate).get(f"programs/{program}/health").json()["rating"] == "grey"


def test_facts_are_listed_with_what_is_unknown_and_why(estate: Estate) -> None:
    project = late(estate)
    body = client(estate).get(f"projects/{project}/facts").json()
    found = {one["name"]: one for one in body["items"]}
    assert list(found) == sorted(found)
    assert (found["project.overdue_count"]["value"], found["project.overdue_count"]["unit"]) == (1, "items")
    assert (found["project.cpi"]["value"], found["project.cpi"]["confidence"]) == (None, 0)
    assert found["project.cpi"]["reason"]
    assert found["project.has_sponsor"]["value"] is False
    assert found["project.methodology"]["value"] == ""
    assert found["project.last_activity_at"]["value"] == "2026-11-22T12:00:00Z"
    assert found["project.earliest_overdue_due"]["value"] == "2026-11-01"


def test_risk_signals_say_what_may_go_wrong_and_what_to_do(estate: Estate) -> None:
    project = late(estate)
    body = client(estate).get(f"projects/{project}/risk-signals").json()
    assert body["total"] == len(body["items"]) > 0
    first = body["items"][0]
    assert (first["kind"], first["exposure"]) == ("overdue_work", first["likelihood"] * first["impact"])
    assert first["evidence"][0]["label"] == "ERP-1"
    assert first["response"]
    portfolio = estate.portfolio("All", project)
    assert client(estate).get(f"portfolios/{portfolio}/risk-signals").json()["items"] == body["items"]


def test_risks_are_paged_by_urgency(estate: Estate) -> None:
    project = estate.project("ERP")
    for number, priority in enumerate((10, 90, 50)):
        estate.item(project, f"ERP-{number}", kind="risk", counts=False, uncounted="register", priority=priority)
    portfolio = estate.portfolio("All", project)
    for path in (f"projects/{project}/risks", f"portfolios/{portfolio}/risks"):
        asker = client(estate)
        first = asker.get(path, params={"limit": 2}).json()
        assert [one["key"] for one in first["items"]] == ["ERP-1", "ERP-2"]
        rest = asker.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()
        assert ([one["key"] for one in rest["items"]], rest["next_cursor"]) == (["ERP-0"], None)
        other = asker.get(path, params={"limit": 2, "cursor": first["next_cursor"], "state": "open"})
        assert other.status_code == 400
