"""A project's settings and the state of its data, as facts. People are named by the hub's settings only: a fact says that there is one."""

from __future__ import annotations

from datetime import timedelta

from pmo_hub.domain.catalogue import FACTS
from pmo_hub.domain.evidence import Evidence, Fact, FactValue
from pmo_hub.domain.providers.reading import Reading


def measure_state(reading: Reading) -> list[Fact]:
    """Settings (known with full confidence, empty text where nothing is set) and the state of the data."""
    project = reading.project
    here = (Evidence("project", project.id, project.name, project.url),)

    def setting(name: str, value: FactValue, missing: str | None = None) -> Fact:
        known = value is not None
        return Fact(name, value, FACTS[name].unit, 100 if known else 0, here, None if known else missing)

    manager_active = project.manager_active if project.manager else None
    return [
        setting("project.state", project.state),
        setting("project.has_sponsor", bool(project.sponsor)),
        setting("project.has_manager", bool(project.manager)),
        setting(
            "project.manager_active",
            manager_active,
            "the manager belongs to no account of a source" if project.manager else "no manager is named",
        ),
        setting("project.methodology", project.methodology or ""),
        setting("project.phase", project.phase or ""),
        setting("project.classification", project.classification or ""),
        setting("project.start", project.start, "no planned start is set"),
        setting("project.finish", project.finish, "no planned finish is set"),
        setting("project.time_zone", project.time_zone),
        setting("project.synced_at", project.synced_at, "never synced"),
        *_freshness(reading, here),
        setting("project.data_complete", project.data_complete, "no run has ended yet"),
        setting("project.unmapped_share", project.unmapped_share, "not measured yet"),
        setting("project.unknown_people_share", project.unknown_people_share, "not measured yet"),
    ]


def _freshness(reading: Reading, here: tuple[Evidence, ...]) -> list[Fact]:
    project = reading.project
    cadence = project.cadence_minutes or reading.parameters.unscheduled_cadence_minutes
    assumed = None if project.cadence_minutes else f"no schedule: {cadence} minutes are assumed"
    cadence_fact = Fact("project.cadence_minutes", cadence, FACTS["project.cadence_minutes"].unit, 100, here, assumed)
    if project.read_only_since is not None:
        why = f"kept read-only: its source was taken away on {project.read_only_since.date().isoformat()}"
        return [cadence_fact, Fact("project.sync_stale", False, None, 100, here, why)]
    if project.synced_at is None:
        return [cadence_fact, Fact("project.sync_stale", None, None, 0, here, "never synced")]
    stale_at = project.synced_at + 2 * timedelta(minutes=cadence)
    stale = reading.now > stale_at
    # Stale means strictly later than stale_at, so the flip is one microsecond after it.
    flips = None if stale else stale_at + timedelta(microseconds=1)
    return [cadence_fact, Fact("project.sync_stale", stale, None, 100, here, assumed, flips)]
