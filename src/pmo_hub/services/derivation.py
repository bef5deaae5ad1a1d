"""What follows from a merge: derived rows, project memberships, facts, checks and violations of what was touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from pmo_hub.services import governance
from pmo_hub.store.repositories import derivation, memberships, syncing
from pmo_hub.store.unit_of_work import Session

SCOPES = 25
"""So many scopes are derived in one transaction: enough to group the queries, few enough that readers of SQLite don't wait."""


def catch_up(
    commit: Callable[[], AbstractContextManager[Session]], namespace: str, scope_ids: Sequence[str], now: Callable[[], datetime]
) -> None:
    """Derive from everything that is pending in these scopes; a crash leaves pending what was not committed."""
    while True:
        with commit() as session:
            scopes = syncing.pending_scopes(session, scope_ids, SCOPES)
            if not scopes:
                return
            refresh(session, namespace, scopes, now())


def refresh(session: Session, namespace: str, scope_ids: Sequence[str], now: datetime, cause: str = "data_change") -> None:
    """Derive what is pending in these scopes, in the caller's transaction."""
    pending = syncing.take_pending(session, scope_ids)
    derivation.derive(session, namespace, pending, now)
    whole = [scope for scope, some in pending.items() if some is None]
    partly = [scope for scope, some in pending.items() if some is not None]
    projects = memberships.refresh(session, whole, now) if whole else set()
    if partly:
        singles = [item for some in pending.values() if some is not None for item in some]
        projects |= memberships.refresh(session, partly, now, singles)
    governance.refresh(session, sorted(projects), now, cause)


def measure_again(commit: Callable[[], AbstractContextManager[Session]], projects: Sequence[str], now: Callable[[], datetime]) -> None:
    """The facts of these projects are those of the data as it is, a few projects a transaction."""
    for start in range(0, len(projects), SCOPES):
        with commit() as session:
            governance.refresh(session, projects[start : start + SCOPES], now())


def judge_connection(session: Session, connection_id: str, now: datetime) -> None:
    """Evaluate the data-quality checks of a connection, after a run of it ended."""
    governance.refresh_connection(session, connection_id, now)
