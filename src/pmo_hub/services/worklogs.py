"""Work that was logged on an item."""

from __future__ import annotations

from datetime import datetime

from pmo_hub.services import work_items
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import worklogs as rows
from pmo_hub.store.repositories.worklogs import Logged, StoredWorklog

__all__ = ["Logged", "StoredWorklog", "page"]


def page(hub: Hub, item_id: str, after: tuple[datetime | None, str] | None, limit: int) -> tuple[list[StoredWorklog], Logged]:
    """The item's worklogs, the newest work first, and what they add up to; raises NotFound or Ended."""
    with hub.work.read() as session:
        found, total = rows.page(session, item_id, after, limit), rows.logged(session, item_id)
    if not total.count:
        work_items.get(hub, item_id)
    return found, total
