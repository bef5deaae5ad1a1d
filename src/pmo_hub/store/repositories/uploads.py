"""Who uploaded which file of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.source import UploadedFile

_FILES: Any = UploadedFile.__table__


@dataclass(frozen=True, slots=True)
class Upload:
    connection_id: str
    name: str
    digest: str
    size_bytes: int
    uploaded_at: datetime
    uploaded_by: str


_COLUMNS = [getattr(UploadedFile, name) for name in Upload.__slots__]


def of_connection(session: Session, connection_id: str) -> Mapping[str, Upload]:
    """By name."""
    rows = session.execute(sa.select(*_COLUMNS).where(UploadedFile.connection_id == connection_id))
    return {upload.name: upload for upload in (Upload(*row) for row in rows)}


def note(session: Session, upload: Upload) -> None:
    """The newest file of that name is this one."""
    forget(session, upload.connection_id, upload.name)
    session.execute(sa.insert(_FILES).values({name: getattr(upload, name) for name in Upload.__slots__}))


def forget(session: Session, connection_id: str, name: str) -> bool:
    """False where there was none."""
    done: Any = session.execute(sa.delete(_FILES).where(_FILES.c.connection_id == connection_id, _FILES.c.name == name))
    return bool(done.rowcount)
