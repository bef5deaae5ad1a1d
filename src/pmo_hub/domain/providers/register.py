"""Risk facts from the risks that a source keeps as items. Probability, impact and responses are not in them."""

from __future__ import annotations

from pmo_hub.domain.evidence import Fact, ItemFacts
from pmo_hub.domain.providers.reading import FAR, FINISHED, Reading, links, share_with
from pmo_hub.domain.vocabulary import Kind

_NAMES = ("project.open_risk_count", "project.unowned_risk_count", "project.unowned_critical_risk_count", "project.stalest_risk_updated_at")


def measure_register(reading: Reading) -> list[Fact]:
    """Open risks, those without an owner, and the one that nobody touched for longest; unknown where no risk was ever recorded."""
    risks = [item for item in reading.register if item.kind is Kind.RISK]
    if not risks:
        return [reading.unknown(name, "no risk was ever recorded in the sources") for name in _NAMES]
    still_open = [item for item in risks if item.status_category not in FINISHED]
    unowned = [item for item in still_open if item.assignee_id is None]
    critical = [item for item in unowned if item.priority is not None and item.priority >= reading.parameters.critical_risk_priority]
    ranked = share_with(unowned, lambda item: item.priority is not None)

    def touched(item: ItemFacts) -> str | None:
        return f"last touched {reading.day(item.updated_at)}" if item.updated_at else None

    dated = [(item.updated_at, item) for item in still_open if item.updated_at is not None]
    stalest = min(dated, key=lambda pair: (pair[0], pair[1].id), default=None)
    open_links, unowned_links, critical_links = (
        links(items, lambda item: item.updated_at or FAR, touched) for items in (still_open, unowned, critical)
    )
    return [
        reading.fact(_NAMES[0], len(still_open), evidence=open_links),
        reading.fact(_NAMES[1], len(unowned), evidence=unowned_links),
        reading.fact(_NAMES[2], len(critical), sure=ranked, evidence=critical_links),
        reading.unknown(_NAMES[3], "no risk is open" if not still_open else "no open risk says when it changed")
        if stalest is None
        else reading.fact(_NAMES[3], stalest[0], evidence=open_links[:1]),
    ]
