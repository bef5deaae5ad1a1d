"""What may be said about a project, and how it is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Literal
from zoneinfo import available_timezones

from pmo_hub.domain.currency import CODES
from pmo_hub.services.errors import Fault, Invalid
from pmo_hub.store.repositories import people
from pmo_hub.store.repositories import projects as rows
from pmo_hub.store.repositories.projects import StoredProject
from pmo_hub.store.unit_of_work import Session

State = Literal["active", "on_hold", "closed"]
Methodology = Literal["agile", "waterfall", "hybrid"]
Phase = Literal["idea", "initiation", "planning", "execution", "deployment", "closure", "benefits"]
"""What a project is in after the gate G0 … G6."""
Classification = Literal["public", "internal", "restricted", "confidential"]


def account(session: Session, text: str, pointer: str, now: datetime) -> str:
    """The identity that an id or an e-mail address names; an address that nobody has becomes an account of the hub's own."""
    if "@" not in text:
        if text not in rows.people(session, [text]):
            raise Invalid(pointer, f"There is no person {text!r}; give an identity's id or an e-mail address.", code="unknown")
        return text
    local, _, domain = text.partition("@")
    if not local or "." not in domain.strip(".") or " " in text:
        raise Invalid(pointer, f"{text!r} is not an e-mail address.", code="email")
    known = rows.people_with_email(session, text)
    return known[0].id if known else rows.add_person(session, text, now)


def accounts(session: Session, text: str) -> list[str]:
    """The accounts that the id of an identity or a person, or an e-mail address, may mean."""
    named = [person.id for person in rows.people_with_email(session, text)] if "@" in text else [text]
    return sorted(people.everyone_like(session, named))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


_NEVER_EMPTY = ("name", "state")
_WHEN_CLEARED: dict[str, object] = {"time_zone": "UTC", "tags": ()}


def changed(session: Session, project: StoredProject, changes: Mapping[str, object], now: datetime) -> StoredProject:
    """The project with the changes; raises Invalid naming every fault at once."""
    faults = [Fault(f"/{name}", "This can't be cleared.", "required") for name in _NEVER_EMPTY if name in changes and changes[name] is None]
    values: dict[str, object] = {}
    for name, value in changes.items():
        if name in ("sponsor", "manager"):
            try:
                values[f"{name}_id"] = None if value is None else account(session, str(value), f"/{name}", now)
            except Invalid as error:
                faults.extend(error.faults)
        elif name == "tags":
            values[name] = _tags(value)
        else:
            values[name] = _WHEN_CLEARED.get(name) if value is None else value
    currency, zone = values.get("currency"), values.get("time_zone")
    if currency is not None and currency not in CODES:
        faults.append(Fault("/currency", f"{currency!r} is not a currency code of ISO 4217, like EUR.", "currency"))
    if zone is not None and zone not in _zones():
        faults.append(Fault("/time_zone", f"{zone!r} is not a time zone of the IANA database, like Europe/Berlin.", "time_zone"))
    if faults:
        raise Invalid.of(faults)
    after = replace(project, **values)  # type: ignore[arg-type]
    if after.start is not None and after.finish is not None and after.finish < after.start:
        pointer = "/finish" if "finish" in changes or "start" not in changes else "/start"
        raise Invalid(pointer, f"The finish ({after.finish}) lies before the start ({after.start}).", code="order")
    return after


def _tags(value: object) -> tuple[str, ...]:
    """Each tag once, in the order given."""
    return tuple(dict.fromkeys(value)) if isinstance(value, Sequence) else ()
