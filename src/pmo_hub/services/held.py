"""Groups that a brake holds back: which they are, and an admin's word that what they lack is really gone."""

from __future__ import annotations

from collections.abc import Sequence

from pmo_hub.services import audit, connections, runs, sync
from pmo_hub.services.errors import Conflict, Fault, Invalid
from pmo_hub.services.hub import Hub
from pmo_hub.services.runs import RunInfo
from pmo_hub.store.repositories import held_groups
from pmo_hub.store.repositories.held_groups import Held


def listed(hub: Hub, connection_id: str) -> Sequence[Held]:
    """Those of the connection, by name."""
    stored = connections.living(hub, connection_id)
    with hub.work.read() as session:
        return held_groups.of_connection(session, stored.id)


def confirm(hub: Hub, connection_id: str, groups: Sequence[str] | None, actor: str) -> RunInfo:
    """What these groups (None: all that are held) lack ends with the run that is queued; one that lacks other things by then is held anew.

    Raises Invalid for a group that nothing holds back, Conflict where none is.
    """
    stored = connections.living(hub, connection_id)
    now = hub.now()
    with hub.work.write() as session:
        held = {one.external_id: one for one in held_groups.of_connection(session, stored.id)}
        if not held:
            raise Conflict("Nothing of the connection waits for a confirmation.")
        unknown = [one for one in groups or () if one not in held]
        if unknown or groups == []:
            why = f"{', '.join(unknown[:5])} waits for no confirmation; what does: {', '.join(sorted(held)[:20])}."
            raise Invalid.of([Fault("/groups", why if unknown else "Name at least one, or leave the list out.", "group")])
        accepted = list(held.values()) if groups is None else [held[one] for one in dict.fromkeys(groups)]
        held_groups.accept(session, [one.id for one in accepted], now, actor)
        run_id = sync.enqueue(session, stored.id, "incremental", now)
        detail = {"groups": {one.external_id: one.missing for one in accepted}, "run_id": run_id}
        audit.record(session, actor, "connection.groups_confirmed", "connection", stored.id, detail, now)
    return runs.get(hub, run_id)
