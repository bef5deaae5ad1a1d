"""From events to notices: what a reader may be told of each, with the names of today."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pmo_hub.domain.checks import CHECKS
from pmo_hub.domain.events import GUARDED, Event, Notice, path_of
from pmo_hub.store.repositories import told
from pmo_hub.store.repositories.events import GONE, Placed
from pmo_hub.store.unit_of_work import Session

LONGEST = 500


def notices(session: Session, placed: Sequence[Placed], hub_url: str, thin: Collection[str] = ()) -> dict[str, Notice]:
    """Event → its notice. Thin are those named in `thin`, and those of projects that are confidential now or were then."""
    events = [one.event for one in placed]
    projects = told.projects(session, {event.project_id for event in events if event.project_id is not None})
    people = told.people(session, {event.owner_id for event in events if event.owner_id is not None})
    messages = told.messages(session, {event.entity_id for event in events if event.entity_type == "violation"})
    about = {_named(event) for event in events}
    others = told.others(session, {id for id in about if id is not None})
    found = {}
    for one in placed:
        event = one.event
        link = hub_url + path_of(event)
        project = None if event.project_id is None else projects.get(event.project_id)
        labels = {one.classification, None if project is None else project.classification}
        if event.id in thin or GONE in labels or not GUARDED.isdisjoint(labels):
            found[event.id] = Notice(event, link, is_thin=True)
            continue
        name = others.get(_named(event) or "")
        found[event.id] = Notice(
            event, link, subject=_cut(_subject(event, name)), message=_cut(_message(event, messages.get(event.entity_id))),
            project_name=None if project is None else _cut(project.name),
            owner_name=None if event.owner_id is None else _cut(people.get(event.owner_id)),
        )  # fmt: skip
    return found


def _named(event: Event) -> str | None:
    """The connection or subscription that the event is about."""
    if event.entity_type in ("connection", "subscription"):
        return event.entity_id
    return str(event.data.get("entity_id")) if event.data.get("entity_type") == "connection" else None


def _subject(event: Event, name: str | None) -> str | None:
    if event.check_id is not None:
        check = CHECKS.get(event.check_id)
        what = event.check_id if check is None else check.title
        return what if name is None else f"{what} ({name})"
    title = event.data.get("title") or name or event.data.get("name")
    return None if title is None else str(title)


def _message(event: Event, message: str | None) -> str | None:
    if message is not None:
        return message
    reasons = event.data.get("reasons")
    found = event.data.get("error") or event.data.get("message") or event.data.get("reason")
    if found is None and isinstance(reasons, list) and reasons:
        found = "; ".join(map(str, reasons))
    return None if found is None else str(found)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else text[: LONGEST - 1] + "…"
