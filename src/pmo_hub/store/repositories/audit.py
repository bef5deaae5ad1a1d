"""The audit log's rows; only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.operation import AuditEntry


def insert(
    session: Session, id: str, at: datetime, actor: str, action: str, subject_type: str, subject_id: str, detail: Mapping[str, Any]
) -> None:
    session.execute(
        sa.insert(AuditEntry).values(
            id=id, at=at, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, detail=dict(detail)
        )
    )
