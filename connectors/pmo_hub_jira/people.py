"""Accounts as identities, wherever Jira embeds them: assignee, reporter, authors of comments and changes, values of user fields."""

from __future__ import annotations

from functools import lru_cache

from pmo_hub.domain.records import Identity
from pmo_hub_jira import wire

KEPT = 8_192
"""Accounts in the same words are the same object: whoever stores identities needs not look at it twice."""


@lru_cache(maxsize=KEPT)
def identity_of(user: wire.User) -> Identity | None:
    """None for a user without an account id or key, who could never be found again."""
    id = user.account_id or user.key or user.name
    if not id:
        return None
    # Privacy settings give an empty e-mail address as often as none.
    return Identity(id, user.display_name, user.email_address or None, user.active, user.account_type)


def mention(user: wire.User | None, mentioned: dict[str, Identity]) -> str | None:
    """The account's id, its identity being added to `mentioned`; None for nobody."""
    identity = None if user is None else identity_of(user)
    if identity is None:
        return None
    mentioned[identity.external_id] = identity
    return identity.external_id
