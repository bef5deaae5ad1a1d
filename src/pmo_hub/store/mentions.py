"""What payloads mention without owning it: people, labels, components … The newest version wins, whatever the order of arrival."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.records import Record
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import merge_tuples
from pmo_hub.store.models import source as tables
from pmo_hub.store.rows import LAYOUTS, Row, RowMaker

_CLAIMS: Any = tables.Claim.__table__


class _Mention(NamedTuple):
    """A record that a payload mentioned, not yet made a row: most are mentioned again and again."""

    record: Record
    version: str | None
    clean: bool


class Mentions(dict[tuple[RecordType, str], _Mention]):
    """Of everything mentioned under one id the newest; of two that differ at one version the one whose row hash is greater."""

    def __init__(self, maker: RowMaker) -> None:
        super().__init__()
        self._maker = maker

    def add(self, records: Iterable[Record], version: str | None, clean: bool) -> None:
        text = version or ""
        for record in records:
            key = (record.type, record.external_id)
            known = self.get(key)
            if known is None:
                self[key] = _Mention(record, version, clean)
                continue
            held = known.version or ""
            if text < held or (known.record is record and text == held):
                continue
            new = _Mention(record, version, clean)
            if text > held or _order(self._row(new)) > _order(self._row(known)):
                self[key] = new

    def rows(self) -> dict[RecordType, dict[str, Row]]:
        made: dict[RecordType, dict[str, Row]] = defaultdict(dict)
        for (kind, _), mention in self.items():
            row = self._row(mention)
            made[kind][row[0]] = row
        return made

    def _row(self, mention: _Mention) -> Row:
        return self._maker.make(mention.record, None, mention.version, mention.clean)


def _order(row: Row) -> tuple[str, str]:
    return row[-2] or "", row[-1]


def merge_mentions(session: Session, kind: RecordType, rows: dict[str, Row], now: datetime) -> None:
    """Write those that are not older than what is stored; a record that a payload owns isn't touched.

    Of equal ones the later comer wins: a person who is renamed is shown under the new name by issues that tell no other time of change.
    """
    if not rows:
        return
    shape = LAYOUTS[kind]
    table = shape.table
    owned = set(session.scalars(sa.select(_CLAIMS.c.record_id).where(is_in(session, _CLAIMS.c.record_id, rows)).distinct()))
    stored = session.execute(sa.select(table.c.id, table.c.mention_version).where(is_in(session, table.c.id, rows))).all()
    kept = {r.id for r in stored if (rows[r.id][-2] or "") < (r.mention_version or "")}
    merge_tuples(session, shape, {i: r for i, r in rows.items() if i not in owned and i not in kept}, now)
