"""Who changed what, written in the transaction that changes it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pmo_hub.services.evidence import recording
from pmo_hub.store.repositories import audit as entries
from pmo_hub.store.repositories.evidence import Audited
from pmo_hub.store.unit_of_work import Session


def record(
    session: Session, actor: str, action: str, subject_type: str, subject_id: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """The audit log tells it, and the evidence log. `action` is like "connection.created".

    `detail` is JSON: of a secret it holds the field's name only, of a person the id.
    """
    id = secrets.token_hex(16)
    entries.insert(session, id, now, actor, action, subject_type, subject_id, detail)
    recording.audited(session, Audited(id, now, actor, action, subject_type, subject_id, detail))
