"""Portfolios and programs: made, changed, filled, and never inside themselves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.membership import automatic_project
from pmo_hub.services import portfolio
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.portfolio import HolderInfo
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.repositories import portfolios
from pmo_hub.store.repositories.portfolios import Holder, Member
from pmo_hub.store.unit_of_work import Work
from tests.stored import Estate, person_id, scope_id

ERP, OPS = automatic_project(scope_id("ERP")), automatic_project(scope_id("OPS"))


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    made = Estate(work, tmp_path)
    made.scopes("ERP", "OPS")
    made.people("ann")
    return made


def anyhow(_: object) -> None:
    """Nobody else's change is minded."""


def make(estate: Estate, type: Holder, name: str, **more: Any) -> str:
    return portfolio.create(estate.hub, type, {"name": name, **more}, "tester").id


def place(estate: Estate, type: Holder, id: str, member: Member, member_id: str) -> HolderInfo:
    return portfolio.place(estate.hub, type, id, (member, member_id), "tester")


def test_portfolio_is_made_changed_and_told_as_it_was(estate: Estate) -> None:
    id_ = make(estate, "portfolio", "All", owner="ann@example.org")
    before = estate.clock()
    estate.clock.forward(days=1)
    after = portfolio.change(estate.hub, "portfolio", id_, {"name": "Everything", "owner": None}, "tester", anyhow)
    assert (after.name, after.owner) == ("Everything", None)
    then = portfolio.get(estate.hub, "portfolio", id_, before)
    assert then.owner is not None
    assert (then.name, then.owner.id) == ("All", person_id("ann"))
    with pytest.raises(NotFound):
        portfolio.get(estate.hub, "portfolio", id_, before - timedelta(seconds=1))


def test_name_can_not_be_cleared(estate: Estate) -> None:
    id_ = make(estate, "program", "Inner")
    with pytest.raises(Invalid) as refused:
        portfolio.change(estate.hub, "program", id_, {"name": None}, "tester", anyhow)
    assert refused.value.faults[0].pointer == "/name"


def test_portfolio_is_no_program(estate: Estate) -> None:
    id_ = make(estate, "portfolio", "All")
    with pytest.raises(NotFound):
        portfolio.get(estate.hub, "program", id_)


def test_project_in_two_places_of_a_portfolio_is_counted_once(estate: Estate) -> None:
    whole, inner = make(estate, "portfolio", "All"), make(estate, "program", "Inner")
    place(estate, "program", inner, "project", ERP)
    place(estate, "program", inner, "project", OPS)
    place(estate, "portfolio", whole, "program", inner)
    info = place(estate, "portfolio", whole, "project", ERP)
    assert [(m.type, m.name) for m in info.members] == [("program", "Inner"), ("project", "Scope ERP")]
    assert info.projects == 2
    with estate.work.read() as session:
        assert portfolios.project_ids(session, whole) == sorted((ERP, OPS))
    assert [p.name for p in portfolio.get(estate.hub, "program", inner).placed_in] == ["All"]


def test_project_may_be_in_many_portfolios(estate: Estate) -> None:
    for name in ("One", "Two"):
        place(estate, "portfolio", make(estate, "portfolio", name), "project", ERP)
    with estate.work.read() as session:
        assert [p.name for p in portfolios.holders(session, [ERP])[ERP]] == ["One", "Two"]


def test_saying_a_placement_twice_makes_no_second_one(estate: Estate) -> None:
    whole = make(estate, "portfolio", "All")
    place(estate, "portfolio", whole, "project", ERP)
    estate.clock.forward(days=1)
    assert len(place(estate, "portfolio", whole, "project", ERP).members) == 1
    with estate.work.read() as session:
        assert sorted(session.scalars(sa.select(AuditEntry.action))) == ["portfolio.created", "portfolio.member_added"]


def test_program_can_not_be_inside_itself_at_any_depth(estate: Estate) -> None:
    first, second, third = (make(estate, "program", name) for name in ("A", "B", "C"))
    place(estate, "program", first, "program", second)
    place(estate, "program", second, "program", third)
    for member in (first, third):
        with pytest.raises(Conflict):
            place(estate, "program", third, "program", member)
    with pytest.raises(Conflict):
        place(estate, "program", third, "program", first)
    assert portfolio.get(estate.hub, "program", third).members == ()


@pytest.mark.parametrize("type", ["program", "project"])
def test_what_is_not_there_can_not_be_placed(estate: Estate, type: Member) -> None:
    whole = make(estate, "portfolio", "All")
    with pytest.raises(Invalid) as refused:
        place(estate, "portfolio", whole, type, "0" * 32)
    assert refused.value.faults[0].pointer == "/id"


def test_placement_that_ended_is_told_as_it_was_known(estate: Estate) -> None:
    whole = make(estate, "portfolio", "All")
    place(estate, "portfolio", whole, "project", ERP)
    there = estate.clock()
    estate.clock.forward(days=1)
    portfolio.remove(estate.hub, "portfolio", whole, ("project", ERP), "tester")
    assert portfolio.get(estate.hub, "portfolio", whole).members == ()
    then = portfolio.get(estate.hub, "portfolio", whole, there)
    assert ([m.id for m in then.members], then.projects) == ([ERP], 1)
    with pytest.raises(NotFound):
        portfolio.remove(estate.hub, "portfolio", whole, ("project", ERP), "tester")


def test_member_named_with_the_wrong_type_is_not_removed(estate: Estate) -> None:
    whole = make(estate, "portfolio", "All")
    place(estate, "portfolio", whole, "project", ERP)
    with pytest.raises(NotFound):
        portfolio.remove(estate.hub, "portfolio", whole, ("program", ERP), "tester")
    assert len(portfolio.get(estate.hub, "portfolio", whole).members) == 1


def test_deleted_program_leaves_its_portfolio_and_its_projects_stay(estate: Estate) -> None:
    whole, inner = make(estate, "portfolio", "All"), make(estate, "program", "Inner")
    place(estate, "portfolio", whole, "program", inner)
    place(estate, "program", inner, "project", ERP)
    estate.clock.forward(days=1)
    portfolio.delete(estate.hub, "program", inner, "tester", anyhow)
    with pytest.raises(NotFound):
        portfolio.get(estate.hub, "program", inner)
    info = portfolio.get(estate.hub, "portfolio", whole)
    assert (info.members, info.projects) == ((), 0)


def test_change_decided_on_another_version_is_not_made(estate: Estate) -> None:
    id_ = make(estate, "portfolio", "All")

    def refuse(_: HolderInfo) -> None:
        raise RuntimeError("decided on another one")

    with pytest.raises(RuntimeError):
        portfolio.change(estate.hub, "portfolio", id_, {"name": "Other"}, "tester", refuse)
    with pytest.raises(RuntimeError):
        portfolio.delete(estate.hub, "portfolio", id_, "tester", refuse)
    assert portfolio.get(estate.hub, "portfolio", id_).name == "All"


def test_list_goes_by_name_in_pages_with_what_each_holds(estate: Estate) -> None:
    ids = {name: make(estate, "portfolio", name) for name in ("C", "A", "B")}
    make(estate, "program", "A")
    place(estate, "portfolio", ids["B"], "project", OPS)
    first = portfolio.page(estate.hub, "portfolio", None, None, 2)
    assert [(p.name, p.projects) for p in first] == [("A", 0), ("B", 1)]
    rest = portfolio.page(estate.hub, "portfolio", None, (first[-1].name, first[-1].id), 2)
    assert [p.name for p in rest] == ["C"]
    assert [p.name for p in portfolio.page(estate.hub, "portfolio", "b", None, 9)] == ["B"]
    assert portfolio.page(estate.hub, "portfolio", None, None, 9, estate.clock() - timedelta(days=1)) == []
