"""Accounts as identities, wherever Jira embeds them: assignee, reporter, authors of comments and changes, values of user fields."""

from __future__ import annotations

from pmo_hub.domain.records import Identity
from pmo_hub_jira import wire


class People:
    """Makes each identity once for as long as it lives, which is one batch."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None, str | None, bool | None, str | None], Identity] = {}

    def mention(self, user: wire.User | None, mentioned: dict[str, Identity]) -> str | None:
        """The account's id, its identity being added to `mentioned`; None for nobody, and for users without an account id."""
        if user is None or not user.account_id:
            return None
        key = (user.account_id, user.display_name, user.email_address, user.active, user.account_type)
        identity = self._known.get(key)
        if identity is None:
            # Privacy settings give an empty e-mail address as often as none.
            identity = Identity(user.account_id, user.display_name, user.email_address or None, user.active, user.account_type)
            self._known[key] = identity
        mentioned[user.account_id] = identity
        return user.account_id
