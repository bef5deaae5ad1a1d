"""Every fact by name: its type, its unit and what it says. Rules may read these names and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pmo_hub.domain.expressions import Scalar, Schema

_B, _I, _F, _S, _D, _T = Scalar.BOOL, Scalar.INT, Scalar.DOUBLE, Scalar.STRING, Scalar.DATE, Scalar.TIMESTAMP


@dataclass(frozen=True, slots=True)
class Declaration:
    """`from_source`: the value comes from synced data, so that a stale or incomplete sync makes it doubtful."""

    name: str
    type: Scalar
    unit: str | None
    meaning: str
    from_source: bool

    @property
    def entity(self) -> str:
        return self.name.partition(".")[0]


_SETTINGS: tuple[tuple[str, Scalar, str | None, str], ...] = (
    ("project.state", _S, None, "active, closed or another state of the hub's own life cycle"),
    ("project.has_sponsor", _B, None, "a sponsor is named"),
    ("project.has_manager", _B, None, "a manager is named"),
    ("project.manager_active", _B, None, "the manager's account is active"),
    ("project.methodology", _S, None, "the declared methodology, empty when none is"),
    ("project.phase", _S, None, "the life-cycle phase, empty when none is set"),
    ("project.classification", _S, None, "the confidentiality label, empty when none is set"),
    ("project.start", _D, None, "planned start"),
    ("project.finish", _D, None, "planned finish"),
    ("project.time_zone", _S, None, "the zone in which days begin"),
    ("project.synced_at", _T, None, "last successful sync of the source that is furthest behind"),
    ("project.cadence_minutes", _I, "minutes", "the time between two scheduled syncs"),
    ("project.sync_stale", _B, None, "the last success is older than two cadences"),
    ("project.data_complete", _B, None, "the last run read everything and found no unexplained shrinking"),
    ("project.unmapped_share", _F, "share", "items whose status or type is mapped to nothing"),
    ("project.unknown_people_share", _F, "share", "accounts that belong to no known person"),
)
_MEASURED: tuple[tuple[str, Scalar, str | None, str], ...] = (
    ("project.item_count", _I, "items", "work items that count"),
    ("project.open_count", _I, "items", "of these, neither done nor cancelled"),
    ("project.last_activity_at", _T, None, "the newest change of any item"),
    ("project.weighting", _S, None, "what shares of work are shares of: points or items"),
    ("project.due_coverage", _F, "share", "open work with a due date or an active iteration"),
    ("project.estimate_coverage", _F, "share", "open items with points or hours"),
    ("project.overdue_count", _I, "items", "open items past their due date or their iteration's end"),
    ("project.overdue_share", _F, "share", "open work past its due date or its iteration's end"),
    ("project.earliest_overdue_due", _D, None, "the oldest deadline that was missed"),
    ("project.iteration_end", _D, None, "the end of the active iteration that ends first"),
    ("project.iteration_open_count", _I, "items", "open items of that iteration"),
    ("project.iteration_unestimated_share", _F, "share", "open items of active iterations without points or hours"),
    ("project.invalid_date_count", _I, "items", "items that start after they are due, end before they start, or changed in the future"),
    ("project.planned_start", _D, None, "the earliest start of a plan's lines"),
    ("project.planned_finish", _D, None, "the latest finish of a plan's lines, actual or expected"),
    ("project.baseline_start", _D, None, "the earliest start of a plan's baseline 0"),
    ("project.baseline_finish", _D, None, "the approved finish: the latest of a plan's baseline 0"),
    ("project.finish_slip_days", _F, "working days", "the planned finish after the baseline's, by the plan's calendar"),
    ("project.slipped_count", _I, "items", "lines of a plan that finish after their baseline"),
    ("project.deadline_missed_count", _I, "items", "open lines of a plan that finish after their deadline, or are late for it"),
    ("project.plan_percent_complete", _F, "percent", "of a plan's lines by their duration"),
    ("project.forecast_finish", _D, None, "the finish that is 85 % likely; no provider measures it yet"),
    ("project.spi_t", _F, "ratio", "schedule performance in time, SPI(t); no provider measures it yet"),
    ("project.throughput_per_week", _F, "items/week", "mean of the last full weeks, zeros included"),
    ("project.wip_count", _I, "items", "items in progress"),
    ("project.cycle_samples", _I, "items", "finished items whose start and end are known"),
    ("project.cycle_time_p50_days", _I, "days", "half of the finished items took at most this long"),
    ("project.cycle_time_p85_days", _I, "days", "85 % of the finished items took at most this long"),
    ("project.ageing_wip_count", _I, "items", "items in progress for longer than 85 % of their kind took"),
    ("project.ageing_wip_share", _F, "share", "of the items in progress, those"),
    ("project.oldest_wip_started_at", _T, None, "when the item that is longest in progress was begun"),
    ("project.blocked_count", _I, "items", "open items that are flagged, in a blocked status or behind an open predecessor"),
    ("project.blocked_wip_share", _F, "share", "of the items in progress, the blocked ones"),
    ("project.open_bug_count", _I, "items", "open bugs"),
    ("project.oldest_bug_created_at", _T, None, "when the oldest open bug was reported"),
    ("project.open_blocker_count", _I, "items", "open bugs of the highest priority"),
    ("project.oldest_blocker_created_at", _T, None, "when the oldest of them was reported"),
    ("project.created_28d_count", _I, "items", "items created in the last 28 days"),
    ("project.finished_28d_count", _I, "items", "items done or cancelled in the last 28 days"),
    ("project.backlog_growth_28d_share", _F, "share", "net growth of the open items over 28 days"),
    ("project.scope_growth_90d_share", _F, "share", "net growth of all items over 90 days, or since the planned start if later"),
    ("project.near_term_count", _I, "items", "open items in progress, in an active iteration or due soon"),
    ("project.unassigned_near_term_count", _I, "items", "of these, those that nobody is assigned to"),
    ("project.unassigned_near_term_share", _F, "share", "of these, those that nobody is assigned to"),
    ("project.inactive_assignee_count", _I, "items", "open items assigned to a deactivated account"),
    ("project.top_assignee_share", _F, "share", "open assigned items held by the person who holds most"),
    ("project.cost_variance_share", _F, "share", "variance at completion over budget, negative when over"),
    ("project.cpi", _F, "ratio", "cost performance, CPI, from the earned value that a source computed"),
    ("project.spi", _F, "ratio", "schedule performance in money, SPI, from the same"),
    ("project.open_risk_count", _I, "items", "open risks in the sources"),
    ("project.unowned_risk_count", _I, "items", "open risks without an owner"),
    ("project.unowned_critical_risk_count", _I, "items", "open risks of the highest priority without an owner"),
    ("project.stalest_risk_updated_at", _T, None, "when the open risk was touched that nobody touched for longest"),
    ("project.exposure_ratio", _F, "ratio", "risk exposure over remaining contingency; no provider measures it yet"),
    ("milestone.key", _S, None, "its key in the source"),
    ("milestone.name", _S, None, "its title"),
    ("milestone.due", _D, None, "its due date"),
    ("milestone.done", _B, None, "it is done or cancelled"),
)
_CONNECTED: tuple[tuple[str, Scalar, str | None, str], ...] = (
    ("connection.credential_expires_at", _T, None, "when the source stops accepting the connection's credential"),
)

FACTS: Mapping[str, Declaration] = MappingProxyType(
    {
        name: Declaration(name, kind, unit, meaning, from_source)
        for rows, from_source in ((_SETTINGS, False), (_MEASURED, True), (_CONNECTED, False))
        for name, kind, unit, meaning in rows
    }
)
ENTITIES: tuple[str, ...] = tuple(sorted({declaration.entity for declaration in FACTS.values()}))


def schema(entity: str) -> Schema:
    """The names and types that a rule about such an entity may read: the project's facts and the entity's own."""
    return {name: found.type for name, found in FACTS.items() if found.entity in ("project", entity)}
