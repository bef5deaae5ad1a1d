"""Members as identities."""

from __future__ import annotations

from pmo_hub.domain.records import Identity
from pmo_hub_trello.wire import Member


def identity(member: Member | None, id: str | None, mentioned: dict[str, Identity]) -> str | None:
    """The member's id; what is told of the member is mentioned. An id alone names nobody."""
    if member is not None and member.id:
        mentioned.setdefault(member.id, identity_of(member))
        return member.id
    return id or None


def identity_of(member: Member) -> Identity:
    """A board tells who was deactivated; an action tells nothing of that."""
    assert member.id is not None
    name = member.full_name or member.username
    return Identity(member.id, name, member.email or None, None if member.deactivated is None else not member.deactivated)
