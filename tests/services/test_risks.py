"""Risk signals computed from a project's items, and the risks that sources keep as items."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.vocabulary import Kind
from pmo_hub.services import risks
from pmo_hub.services.errors import NotFound
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import CustomValue
from pmo_hub.store.models.plans import RegisterEntry
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CONNECTION, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def custom(estate: Estate, item: str, name: str, text: str | None = None, number: float | None = None) -> None:
    row = {
        "id": row_id("custom", item, name), "external_id": name, "item_id": item, "field": name, "name": name, "text": text,
        "number": number, "day": None, "identity_id": None,
    }  # fmt: skip
    with estate.work.write() as session:
        merge_rows(session, CustomValue, [row], estate.now)


def risk(estate: Estate, project: str, key: str, **fields: Any) -> str:
    return estate.item(project, key, kind="risk", original_type="Risk", counts=False, uncounted="register", **fields)


def test_overdue_work_is_a_signal_with_evidence_and_a_response(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", due=date(2026, 10, 1), assignee_id=estate.person("Ada"))
    estate.synced(project)
    found = risks.project_signals(estate.hub, project)
    [signal] = [one.signal for one in found.signals if one.signal.kind == "overdue_work"]
    assert signal.exposure == signal.likelihood * signal.impact == 25
    assert signal.evidence[0].label == "ERP-1"
    assert signal.response
    assert found.total == len(found.signals)


def test_a_portfolio_shows_the_largest_exposures_of_its_projects_and_counts_the_rest(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, better = estate.project("BAD"), estate.project("BETTER")
    estate.item(bad, "BAD-1", due=date(2026, 10, 1))
    estate.item(better, "BETTER-1", due=date(2026, 11, 22))
    for number in range(2, 12):
        estate.item(better, f"BETTER-{number}", due=date(2027, 3, 1))
    portfolio = estate.portfolio("All", bad, better)
    estate.synced(bad, better)
    whole = risks.holder_signals(estate.hub, "portfolio", portfolio)
    exposures = [one.signal.exposure for one in whole.signals]
    assert exposures == sorted(exposures, reverse=True)
    assert whole.signals[0].project_name == "BAD"
    monkeypatch.setattr(risks, "MOST_SIGNALS", 1)
    cut = risks.holder_signals(estate.hub, "portfolio", portfolio)
    assert (len(cut.signals), cut.total) == (1, whole.total)
    assert cut.signals[0] == whole.signals[0]


def test_risks_are_the_items_of_that_kind_with_owner_and_what_custom_fields_say(estate: Estate) -> None:
    project = estate.project("ERP")
    ada = estate.person("Ada")
    first = risk(estate, project, "ERP-1", priority=90, assignee_id=ada)
    risk(estate, project, "ERP-2", priority=None, status_category="done")
    estate.item(project, "ERP-3")
    custom(estate, first, "Probability", number=4.0)
    custom(estate, first, "Impact", text="High")
    found = risks.project_register(estate.hub, Kind.RISK, project, None, None, 10)
    assert [(one.key, one.owner_name, one.likelihood, one.impact) for one in found] == [
        ("ERP-1", "Ada", "4", "High"),
        ("ERP-2", None, None, None),
    ]
    assert [one.key for one in risks.project_register(estate.hub, Kind.RISK, project, "open", None, 10)] == ["ERP-1"]
    assert [one.key for one in risks.project_register(estate.hub, Kind.RISK, project, "closed", None, 10)] == ["ERP-2"]


def test_paging_through_the_risks_of_a_portfolio_meets_each_once(estate: Estate) -> None:
    projects = [estate.project(name) for name in ("ERP", "CRM")]
    for project in projects:
        for number, priority in enumerate((90, 50, 50, None)):
            risk(estate, project, f"{project[:6]}-{number}", priority=priority)
    risk(estate, projects[0], f"{projects[1][:6]}-1", priority=50)  # in both projects
    portfolio = estate.portfolio("All", *projects)
    whole = risks.holder_register(estate.hub, Kind.RISK, "portfolio", portfolio, None, None, 100)
    assert len(whole) == 9
    assert [one.rank for one in whole] == sorted((one.rank for one in whole), reverse=True)
    seen, after = [], None
    while page := risks.holder_register(estate.hub, Kind.RISK, "portfolio", portfolio, None, after, 2):
        seen += page
        after = (page[-1].rank, page[-1].place)
    assert seen == whole


def test_signals_and_risks_of_what_does_not_exist_are_not_found(estate: Estate) -> None:
    for ask in (
        lambda: risks.project_signals(estate.hub, CONNECTION),
        lambda: risks.project_register(estate.hub, Kind.RISK, CONNECTION, None, None, 1),
        lambda: risks.holder_signals(estate.hub, "portfolio", CONNECTION),
        lambda: risks.holder_register(estate.hub, Kind.RISK, "program", CONNECTION, None, None, 1),
    ):
        with pytest.raises(NotFound):
            ask()


# What a register says itself.


def entry(estate: Estate, item: str, **values: Any) -> None:
    blank = dict.fromkeys(c.name for c in RegisterEntry.__table__.columns if c.name not in ("row_hash", "recorded_from"))
    with estate.work.write() as session:
        merge_rows(session, RegisterEntry, [blank | {"id": row_id("e", item), "external_id": item, "item_id": item} | values], estate.now)


def test_a_register_is_told_with_probability_impact_and_responses(estate: Estate) -> None:
    project = estate.project("ERP")
    item = risk(estate, project, "ERP-1")
    entry(estate, item, probability=0.3, impact=4.0, exposure=1.2, cost=50_000, category="Supplier", mitigation="Order early.")
    bare = risk(estate, project, "ERP-2")
    found = {one.item_id: one for one in risks.project_register(estate.hub, Kind.RISK, project, None, None, 10)}
    told = found[item].entry
    assert told is not None
    assert (told.probability, told.impact, told.exposure, told.cost, told.currency) == (0.3, 4.0, 1.2, Decimal(5), None)
    assert (told.category, told.mitigation, told.contingency) == ("Supplier", "Order early.", None)
    assert (found[item].likelihood, found[item].impact, found[item].response) == ("0.3", "4", "Order early.")
    assert (found[bare].entry, found[bare].likelihood) == (None, None)


def test_a_custom_field_is_shown_before_the_registers_own_words(estate: Estate) -> None:
    project = estate.project("ERP")
    item = risk(estate, project, "ERP-1")
    entry(estate, item, probability=0.3, mitigation="Order early.")
    custom(estate, item, "Likelihood", "possible")
    (found,) = risks.project_register(estate.hub, Kind.RISK, project, None, None, 10)
    assert (found.likelihood, found.impact, found.response) == ("possible", None, "Order early.")


def test_issues_are_a_register_of_their_own_and_both_are_told_as_of_an_instant(estate: Estate) -> None:
    project = estate.project("ERP")
    issue = estate.item(project, "ERP-1", kind="issue", original_type="Issue", counts=False, uncounted="register")
    entry(estate, issue, impact=2.0)
    portfolio = estate.portfolio("All", project)
    then = estate.now
    estate.now += timedelta(days=1)
    estate.item(project, "ERP-1", kind="issue", counts=False, uncounted="register", title="Renamed")
    entry(estate, issue, impact=3.0)
    risk(estate, project, "ERP-2")

    def told(as_of: datetime | None) -> list[tuple[str, float | None]]:
        found = risks.project_register(estate.hub, Kind.ISSUE, project, "open", None, 10, as_of)
        return [(one.title, None if one.entry is None else one.entry.impact) for one in found]

    assert told(None) == [("Renamed", 3.0)]
    assert told(then) == [("Task ERP-1", 2.0)]
    assert len(risks.holder_register(estate.hub, Kind.RISK, "portfolio", portfolio, None, None, 10)) == 1
    assert risks.holder_register(estate.hub, Kind.RISK, "portfolio", portfolio, None, None, 10, then) == []
    with pytest.raises(NotFound):
        told(then - timedelta(days=1))
