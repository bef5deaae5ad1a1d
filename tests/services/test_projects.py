"""Projects: made, described, filled, ended; each change seen by the checks and by the audit log."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.membership import automatic_project
from pmo_hub.services import portfolio, projects
from pmo_hub.services.errors import Ended, Invalid, NotFound, Refused
from pmo_hub.services.projects import NewRule, Query
from pmo_hub.store.models.canonical import Identity
from pmo_hub.store.models.governance import Evaluation
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.repositories.projects import NewScope, Person
from pmo_hub.store.unit_of_work import Work
from tests.stored import Estate, person_id, scope_id, statements

ERP, OPS = automatic_project(scope_id("ERP")), automatic_project(scope_id("OPS"))


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    made = Estate(work, tmp_path)
    made.scopes("ERP", "OPS")
    made.people("ann", "bob")
    made.items("ERP", {"external_id": "1"}, {"external_id": "2", "labels": ["x"]})
    return made


def anyhow(_: object) -> None:
    """Nobody else's change is minded."""


def change(estate: Estate, changes: dict[str, Any], project: str = ERP) -> projects.ProjectInfo:
    return projects.change(estate.hub, project, changes, "tester", anyhow)


def actions(estate: Estate) -> list[str]:
    with estate.work.read() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.action)))


def result(estate: Estate, check: str, project: str = ERP) -> str | None:
    with estate.work.read() as session:
        return session.scalar(sa.select(Evaluation.result).where(Evaluation.entity_id == project, Evaluation.check_id == check))


def test_scope_gets_its_project_once_and_keeps_it_as_it_was_changed(estate: Estate) -> None:
    change(estate, {"name": "Renamed"})
    with estate.work.write() as session:
        assert projects.create_for_scopes(session, [NewScope(scope_id("ERP"), "Scope ERP")], estate.clock.forward(days=1)) == []
    assert projects.get(estate.hub, ERP).name == "Renamed"
    assert [r.narrowing for r in projects.rules(estate.hub, ERP)] == ["all"]


def test_settings_are_changed_and_cleared_one_by_one(estate: Estate) -> None:
    after = change(
        estate,
        {
            "sponsor": person_id("ann"), "methodology": "agile", "phase": "execution", "classification": "internal", "currency": "EUR",
            "start": date(2026, 1, 1), "finish": date(2026, 12, 31), "time_zone": "Europe/Berlin", "tags": ["a", "b", "a"],
            "state": "on_hold",
        },
    )  # fmt: skip
    assert after.sponsor is not None
    assert (after.sponsor.name, after.methodology, after.phase, after.finish) == ("ANN", "agile", "execution", date(2026, 12, 31))
    assert (after.time_zone, after.tags, after.state) == ("Europe/Berlin", ("a", "b"), "on_hold")
    estate.clock.forward(hours=1)
    cleared = change(estate, {"sponsor": None, "time_zone": None, "tags": None, "finish": None})
    assert (cleared.sponsor, cleared.time_zone, cleared.tags, cleared.finish) == (None, "UTC", (), None)
    assert (cleared.methodology, cleared.start) == ("agile", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"state": None}, "/state"),
        ({"currency": "EURO"}, "/currency"),
        ({"currency": "XXZ"}, "/currency"),
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"sponsor": "f" * 32}, "/sponsor"),
        ({"manager": "nobody@"}, "/manager"),
        ({"start": date(2026, 2, 1), "finish": date(2026, 1, 1)}, "/finish"),
    ],
)
def test_wrong_setting_is_refused_with_a_pointer_to_it(estate: Estate, changes: dict[str, Any], pointer: str) -> None:
    before = projects.get(estate.hub, ERP)
    with pytest.raises(Invalid) as refused:
        change(estate, changes)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert projects.get(estate.hub, ERP) == before


def test_start_behind_the_finish_that_stands_is_pointed_at_itself(estate: Estate) -> None:
    change(estate, {"finish": date(2026, 1, 1)})
    with pytest.raises(Invalid) as refused:
        change(estate, {"start": date(2026, 2, 1)})
    assert refused.value.faults[0].pointer == "/start"


def test_all_faults_are_named_at_once(estate: Estate) -> None:
    with pytest.raises(Invalid) as refused:
        change(estate, {"currency": "?", "time_zone": "?", "sponsor": "?"})
    assert {fault.pointer for fault in refused.value.faults} == {"/currency", "/time_zone", "/sponsor"}


def test_person_is_found_by_address_in_any_case_of_letters(estate: Estate) -> None:
    assert change(estate, {"manager": "ANN@example.ORG"}).manager == Person(person_id("ann"), "ANN", "ann@Example.org", True)


def test_address_that_nobody_has_becomes_one_account_without_a_name(estate: Estate) -> None:
    first = change(estate, {"manager": "New@example.org"}).manager
    second = change(estate, {"sponsor": "new@EXAMPLE.org"}).sponsor
    assert first is not None
    assert (first.name, first.email) == (None, "New@example.org")
    assert second == first
    with estate.work.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Identity)) == 3


def test_change_is_seen_by_the_checks_at_once(estate: Estate) -> None:
    change(estate, {"description": "evaluated"})
    assert result(estate, "GOV-001") == "fail"
    estate.clock.forward(hours=1)
    change(estate, {"sponsor": person_id("ann"), "manager": person_id("bob")})
    assert result(estate, "GOV-001") == "pass"


def test_change_that_changes_nothing_makes_no_version_and_no_audit_entry(estate: Estate) -> None:
    change(estate, {"name": "Renamed"})
    estate.clock.forward(hours=1)
    change(estate, {"name": "Renamed"})
    assert actions(estate) == ["project.changed"]


def test_change_decided_on_another_version_is_not_made(estate: Estate) -> None:
    def refuse(current: projects.ProjectInfo) -> None:
        assert current.name == "Scope ERP"
        raise RuntimeError("decided on another one")

    with pytest.raises(RuntimeError):
        projects.change(estate.hub, ERP, {"name": "Renamed"}, "tester", refuse)
    assert projects.get(estate.hub, ERP).name == "Scope ERP"


def test_what_a_change_is_decided_on_is_locked_before_it_is_looked_at(estate: Estate) -> None:
    locked: list[bool] = []
    made = projects.create(estate.hub, "By hand", {}, [], "tester")
    with statements(estate.work) as seen:

        def decide(_: object) -> None:
            # SQLite has one writer, which the transaction is from its beginning.
            locked.append(estate.work.dialect == "sqlite" or any("FROM projects" in text and "FOR UPDATE" in text for text in seen))
            seen.clear()

        projects.change(estate.hub, made.id, {"name": "Renamed"}, "tester", decide)
        projects.replace_rules(estate.hub, made.id, [NewRule(scope_id("ERP"), "all", None, "execution")], "tester", decide)
        projects.delete(estate.hub, made.id, "tester", decide)
    assert locked == [True, True, True]


def test_project_is_told_as_it_was_known(estate: Estate) -> None:
    before = estate.clock()
    estate.clock.forward(days=1)
    change(estate, {"name": "Renamed"})
    assert projects.get(estate.hub, ERP, before).name == "Scope ERP"
    assert projects.get(estate.hub, ERP, estate.clock()).name == "Renamed"
    assert [p.name for p in projects.page(estate.hub, Query(), None, 9, before)] == ["Scope ERP", "Scope OPS"]
    with pytest.raises(NotFound):
        projects.get(estate.hub, ERP, before - timedelta(seconds=1))


def test_rules_fill_a_project_at_once_and_empty_it_again(estate: Estate) -> None:
    made = projects.create(estate.hub, "By hand", {}, [NewRule(scope_id("ERP"), "label", "x", "execution")], "tester")
    assert (estate.members(made.id), estate.members(ERP)) == ({"2"}, {"1"})
    estate.clock.forward(hours=1)
    wanted = [NewRule(scope_id("ERP"), "list", "ERP-1, ERP-2", "execution")]
    after = projects.replace_rules(estate.hub, made.id, wanted, "tester", anyhow)
    assert [(r.narrowing, r.items, r.scope_name) for r in after] == [("list", 2, "Scope ERP")]
    assert (estate.members(made.id), estate.members(ERP)) == ({"1", "2"}, set())
    estate.clock.forward(hours=1)
    assert projects.replace_rules(estate.hub, made.id, [], "tester", anyhow) == []
    assert (estate.members(made.id), estate.members(ERP)) == (set(), {"1", "2"})
    assert actions(estate) == ["project.created", "project.rules_replaced", "project.rules_replaced"]


def test_project_that_loses_items_to_a_rule_is_evaluated_too(estate: Estate) -> None:
    assert result(estate, "GOV-001") is None
    projects.create(estate.hub, "By hand", {}, [NewRule(scope_id("ERP"), "label", "x", "execution")], "tester")
    assert result(estate, "GOV-001") == "fail"
    assert result(estate, "GOV-001", OPS) is None


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (NewRule("0" * 32, "all", None, "execution"), "/1/scope_id"),
        (NewRule(scope_id("ERP"), "label", None, "execution"), "/1/value"),
        (NewRule(scope_id("ERP"), "label", "  ", "execution"), "/1/value"),
        (NewRule(scope_id("ERP"), "all", "x", "execution"), "/1/value"),
        (NewRule(scope_id("OPS"), "label", "x ", "money"), "/1"),
    ],
)
def test_wrong_rule_is_refused_with_a_pointer_to_it(estate: Estate, rule: NewRule, pointer: str) -> None:
    good = NewRule(scope_id("OPS"), "label", "x", "execution")
    with pytest.raises(Invalid) as refused:
        projects.replace_rules(estate.hub, ERP, [good, rule], "tester", anyhow)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert [r.narrowing for r in projects.rules(estate.hub, ERP)] == ["all"]


def test_rules_are_told_as_they_were_known(estate: Estate) -> None:
    before = estate.clock()
    estate.clock.forward(days=1)
    projects.replace_rules(estate.hub, ERP, [NewRule(scope_id("ERP"), "label", "x", "money")], "tester", anyhow)
    assert [(r.narrowing, r.items) for r in projects.rules(estate.hub, ERP, before)] == [("all", None)]
    assert [(r.narrowing, r.value, r.role, r.items) for r in projects.rules(estate.hub, ERP)] == [("label", "x", "money", 1)]


def test_deleted_project_gives_its_items_back_and_is_told_to_have_ended(estate: Estate) -> None:
    made = projects.create(estate.hub, "By hand", {}, [NewRule(scope_id("ERP"), "all", None, "execution")], "tester")
    whole = portfolio.create(estate.hub, "portfolio", {"name": "All"}, "tester")
    portfolio.place(estate.hub, "portfolio", whole.id, ("project", made.id), "tester")
    there = estate.clock()
    ended = estate.clock.forward(days=1)
    projects.delete(estate.hub, made.id, "tester", anyhow)
    assert estate.members(ERP) == {"1", "2"}
    with pytest.raises(Ended) as gone:
        projects.get(estate.hub, made.id)
    assert gone.value.at == ended
    assert projects.get(estate.hub, made.id, there).placed_in[0].name == "All"
    assert portfolio.get(estate.hub, "portfolio", whole.id).members == ()
    assert result(estate, "GOV-001", made.id) is None


def test_project_of_a_scope_can_not_be_deleted(estate: Estate) -> None:
    with pytest.raises(Refused):
        projects.delete(estate.hub, ERP, "tester", anyhow)
    assert projects.get(estate.hub, ERP).name == "Scope ERP"


def test_list_is_narrowed_by_every_filter(estate: Estate) -> None:
    hub = estate.hub
    change(estate, {"methodology": "agile", "manager": person_id("ann")})
    change(estate, {"state": "closed", "manager": person_id("bob")}, OPS)
    whole = portfolio.create(hub, "portfolio", {"name": "All"}, "tester")
    inner = portfolio.create(hub, "program", {"name": "Inner"}, "tester")
    portfolio.place(hub, "portfolio", whole.id, ("program", inner.id), "tester")
    portfolio.place(hub, "program", inner.id, ("project", OPS), "tester")

    def names(**by: str) -> list[str]:
        return [p.name for p in projects.page(hub, Query(**by), None, 9)]

    assert names() == ["Scope ERP", "Scope OPS"]
    assert names(portfolio=whole.id) == names(program=inner.id) == names(state="closed") == names(q="ops") == ["Scope OPS"]
    assert names(methodology="agile") == names(manager="ann@example.org") == names(manager=person_id("ann")) == ["Scope ERP"]
    assert names(portfolio=whole.id, state="active") == names(q="100%") == names(manager="nobody@example.org") == []


def test_pages_follow_each_other_without_gap_or_overlap(estate: Estate) -> None:
    for number in range(5):
        projects.create(estate.hub, f"P{number // 2}", {}, [], "tester")
    seen: list[tuple[str, str]] = []
    while found := projects.page(estate.hub, Query(q="P"), seen[-1] if seen else None, 2):
        seen += [(p.name, p.id) for p in found]
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen) == 7
