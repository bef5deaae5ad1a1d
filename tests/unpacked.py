"""Stored rows as two databases can be compared by: payloads unpacked, since what they are compressed with depends on who came first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.compression import Compression
from pmo_hub.store.models.source import PayloadDictionary
from pmo_hub.store.unit_of_work import Session

PACKED = ("payloads", "payloads_history")


def unpacking(session: Session) -> Callable[[str, Mapping[Any, Any]], dict[str, Any]]:
    """A function from a table's name and one of its rows to the row as it can be compared."""
    connections = session.scalars(sa.select(PayloadDictionary.connection_id).distinct()).all()
    packings = {id_: Compression.of(session, id_).unpacker() for id_ in connections}

    def unpacked(table: str, row: Mapping[Any, Any]) -> dict[str, Any]:
        values = {str(name): value for name, value in row.items()}
        if table in PACKED:
            for unpack in packings.values() or (Compression().unpacker(),):
                try:
                    values["body"] = unpack(values["body"])
                except KeyError:
                    continue  # another connection's dictionary
                break
        return values

    return unpacked
