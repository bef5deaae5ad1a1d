"""All tables; importing this package fills `Base.metadata`."""

from pmo_hub.store.models import (
    canonical,
    evidence,
    governance,
    hooks,
    iterations,
    many_tools,
    operation,
    outgoing,
    people,
    plans,
    portfolio,
    source,
)

__all__ = [
    "canonical",
    "evidence",
    "governance",
    "hooks",
    "iterations",
    "many_tools",
    "operation",
    "outgoing",
    "people",
    "plans",
    "portfolio",
    "source",
]
