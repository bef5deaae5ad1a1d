"""Whether the hub can serve."""

from __future__ import annotations

from pmo_hub.services.hub import Hub
from pmo_hub.store import migrations


def obstacle(hub: Hub) -> str | None:
    """Why the hub can't serve, and what to do about it; None where it can."""
    try:
        with hub.work.read() as session:
            current = migrations.revision(session)
    except migrations.Unreachable as error:
        return str(error)
    newest = migrations.newest()
    if current == newest:
        return None
    if current is None:
        return "The database is empty: run `pmo-hub migrate`."
    if not migrations.is_known(current):
        return f"The database is at revision {current}, which this version of the hub does not know: run the newer version."
    return f"The database is at revision {current} and this version of the hub needs {newest}: run `pmo-hub migrate`."
