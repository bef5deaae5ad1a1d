"""Governance: facts are measured, checks evaluated, violations moved and events written, all in one transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pmo_hub.domain.checks import CHECKS
from pmo_hub.domain.evidence import Evidence, Fact, ItemFacts, ProjectFacts
from pmo_hub.domain.facts import Subject, measure, measure_subjects
from pmo_hub.domain.governance import Evaluation, Mode, evaluate, evaluate_subjects
from pmo_hub.domain.local_time import zone
from pmo_hub.domain.violations import Cause
from pmo_hub.services import movements
from pmo_hub.services.freshness import LIVE, WORTH, Known, live, of_head, state_facts, stored
from pmo_hub.services.judging import Bound, Judged, bound_checks, judge
from pmo_hub.services.movements import Seen
from pmo_hub.store.repositories import facts as kept
from pmo_hub.store.repositories import freshness, measures
from pmo_hub.store.repositories import governance as results
from pmo_hub.store.repositories.freshness import Head
from pmo_hub.store.unit_of_work import Session

CONNECTION_CHECKS = ("DQ-002", "DQ-003", "DQ-004")
"""Judged once a connection, not once for each of the many projects that it feeds."""

PROJECT_CHECKS = tuple(check_id for check_id in CHECKS if check_id not in CONNECTION_CHECKS)

MOST_ITEMS = 5_000
"""Items that are in memory at a time, unless one project has more."""

_SHARES = ("project.unmapped_share", "project.unknown_people_share")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh looked at and what of it had changed."""

    projects: int = 0
    facts: int = 0
    judged: Judged = field(default_factory=Judged)

    def __add__(self, other: Refreshed) -> Refreshed:
        return Refreshed(self.projects + other.projects, self.facts + other.facts, self.judged + other.judged)


def refresh(session: Session, project_ids: Sequence[str], now: datetime, cause: str = "data_change") -> Refreshed:
    """The facts, results and violations of these projects are those of the data as it is; running it twice changes nothing more.

    A project that no longer exists has none: its facts end and its violations are closed.
    """
    measures.lock(session, project_ids)
    bound = bound_checks(session, PROJECT_CHECKS)
    done = Refreshed()
    for batch in measures.batches(session, project_ids, MOST_ITEMS):
        inputs = measures.project_inputs(session, batch, today=now.date())
        measured: dict[str, list[Fact]] = {project: [] for project in batch}
        found: dict[str, list[Evaluation]] = {project: [] for project in batch}
        seen: dict[str, Seen | None] = dict.fromkeys(batch)
        zones = {}
        for project_id, (project, items) in inputs.items():
            measured[project_id] = stored(measure(replace(project, data_complete=True), items, now))
            facts = _told({fact.name: fact for fact in measured[project_id]}, project, now)
            found[project_id] = _evaluate(bound, facts, measure_subjects(project, items, now), now)
            seen[project_id] = movements.see(project, facts, now, items)
            zones[project_id] = zone(project.time_zone)
        merged = kept.replace(session, "project", measured, now)
        done += Refreshed(len(batch), len(merged.touched), judge(session, "project", found, bound, now, Cause(cause), zones))
        movements.tell(session, seen, now)
    return done


def judge_again(session: Session, project_ids: Sequence[str], check_id: str, now: datetime, cause: Cause) -> Judged:
    """One check is evaluated anew for these projects, on the facts that are kept."""
    bound = bound_checks(session, (check_id,))
    inputs = _milestones(session, project_ids) if CHECKS[check_id].entity != "project" else {}
    known = kept.of_entities(session, project_ids)
    found: dict[str, list[Evaluation]] = {project: [] for project in project_ids}
    for project_id, head in freshness.heads(session, project_ids).items():
        subjects = measure_subjects(*inputs[project_id], now) if project_id in inputs else ()
        # A project that was never measured has nothing to judge yet.
        if project_id in known:
            found[project_id] = _evaluate(bound, _told(known[project_id], of_head(head), now), subjects, now)
    return judge(session, "project", found, bound, now, cause)


def refresh_connection(session: Session, connection_id: str, now: datetime, cause: str = "data_change") -> Refreshed:
    """The state of a connection's data is judged, and what its projects passed while that was in doubt is settled."""
    head = freshness.connection_head(session, connection_id)
    projects = freshness.connection_projects(session, connection_id)
    measured: list[Fact] = []
    found: list[Evaluation] = []
    bound = bound_checks(session, CONNECTION_CHECKS)
    if head is not None:
        error, quarantined = freshness.trouble(session, connection_id)
        here = (Evidence("connection", head.id, head.name, head.url, error[:300] if error else None),)
        facts = _connection_facts(head, _shares(session, projects), here, now)
        facts[_EXPIRY] = _expiry(head, freshness.credential_expiry(session, connection_id), bound, now)
        measured = [
            replace(fact, name=f"connection.{name.partition('.')[2]}") for name, fact in facts.items() if name in _KEPT_OF_CONNECTION
        ]
        measured += [Fact("connection.quarantined_count", quarantined, "payloads", 100, here), facts[_EXPIRY]]
        found = [evaluate(one.check, one.parameters, facts, now) for one in bound if one.mode is not Mode.DISABLED]
    merged = kept.replace(session, "connection", {connection_id: measured}, now)
    judged = judge(session, "connection", {connection_id: found}, bound, now, Cause(cause))
    done = Refreshed(0, len(merged.touched), judged)
    unsettled = results.unsettled(session, projects)
    if unsettled:
        done += refresh(session, unsettled, now, cause)
    movements.follow_syncs(session, projects, now)
    return done


def refresh_connections(session: Session, connection_ids: Collection[str], now: datetime) -> Refreshed:
    """As `refresh_connection`, for several."""
    return sum((refresh_connection(session, one, now) for one in sorted(connection_ids)), Refreshed())


_EXPIRY = "connection.credential_expires_at"


def _expiry(head: Head, at: datetime | None, bound: Sequence[Bound], now: datetime) -> Fact:
    """When the credential ends; holds until the check that watches it has something to say."""
    here = (Evidence("connection", head.id, head.name, head.url),)
    if at is None:
        return Fact(_EXPIRY, None, None, 0, here, "neither the source nor the config says when the credential ends")
    warned = [at - timedelta(days=int(one.parameters["warn_days"])) for one in bound if one.check.id == "DQ-004"]
    return Fact(_EXPIRY, at, None, 100, here, None, min((one for one in warned if one > now), default=None))


_KEPT_OF_CONNECTION = frozenset({"project.sync_stale", "project.data_complete", *_SHARES})


def _connection_facts(head: Head, shares: Mapping[str, float | None], here: tuple[Evidence, ...], now: datetime) -> dict[str, Fact]:
    """The state of the data under the names that checks read, with the connection as its evidence."""
    state = replace(of_head(head), unmapped_share=shares[_SHARES[0]], unknown_people_share=shares[_SHARES[1]])
    facts = state_facts(state, now)
    return {name: replace(facts[name], evidence=here) for name in (*LIVE, *_SHARES, "project.time_zone")}


def _shares(session: Session, projects: Sequence[str]) -> dict[str, float | None]:
    """Shares of the whole connection from those of its projects, by their number of items."""
    values = kept.values_of(session, "project", projects, ("project.item_count", *_SHARES))
    found: dict[str, float | None] = {}
    for name in _SHARES:
        sized = [(values.get((one, "project.item_count"), 0.0), values[one, name]) for one in projects if (one, name) in values]
        items = sum(size for size, _ in sized)
        found[name] = sum(size * share for size, share in sized) / items if items else None
    return found


def _told(facts: Mapping[str, Fact], state: ProjectFacts, now: datetime) -> dict[str, Fact]:
    return dict(Known(facts, live(state, now), WORTH[state.data_complete]))


def _evaluate(bound: Sequence[Bound], facts: Mapping[str, Fact], subjects: Sequence[Subject], now: datetime) -> list[Evaluation]:
    return [
        found
        for one in bound
        if one.mode is not Mode.DISABLED
        for found in evaluate_subjects(one.check, one.parameters, facts, subjects, now)
    ]


def _milestones(session: Session, project_ids: Collection[str]) -> dict[str, tuple[ProjectFacts, list[ItemFacts]]]:
    return measures.project_inputs(session, project_ids, kinds=("milestone",))
