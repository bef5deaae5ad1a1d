"""Rotation of the key that encrypts the secrets of connections and subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

from pmo_hub.services import audit
from pmo_hub.services.errors import Conflict, Refused
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import subscriptions
from pmo_hub.store.secrets import SecretError


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets are stored, and how many of them were under another key than the newest."""

    total: int
    resealed: int


def reseal(hub: Hub, actor: str) -> Resealed:
    """Every stored secret is encrypted with the newest key, or none was touched.

    Raises Refused where one can't be read, and Conflict where a source replaced its credential meanwhile: it is safe to run again.
    """
    now = hub.now()
    with hub.work.write() as session:
        held = rows.sealed_secrets(session)
        outdated = [one for one in held if hub.secrets.is_outdated(one[3])]
        for table, connection_id, column, sealed in outdated:
            try:
                plain = hub.secrets.open(sealed, table, connection_id, column)
            except SecretError as error:
                raise Refused(f"{error} Nothing was changed.") from None
            if not rows.replace_sealed(session, table, connection_id, sealed, hub.secrets.seal(plain, table, connection_id, column)):
                raise Conflict(f"The secret of connection {connection_id} was replaced meanwhile: nothing was changed, run it again.")
            detail = {"column": column, "why": "the key was rotated"}
            audit.record(session, actor, f"{table.removesuffix('s')}.resealed", "connection", connection_id, detail, now)
        told = subscriptions.sealed(session)
        old = [one for one in told if hub.secrets.is_outdated(one[1])]
        for id, sealed in old:
            try:
                plain = hub.secrets.open(sealed, "subscriptions", id, "sealed")
            except SecretError as error:
                raise Refused(f"{error} Nothing was changed.") from None
            if not subscriptions.replace_sealed(session, id, sealed, hub.secrets.seal(plain, "subscriptions", id, "sealed")):
                raise Conflict(f"The secrets of subscription {id} were replaced meanwhile: nothing was changed, run it again.")
            why = {"column": "sealed", "why": "the key was rotated"}
            audit.record(session, actor, "subscription.resealed", "subscription", id, why, now)
    return Resealed(len(held) + len(told), len(outdated) + len(old))
