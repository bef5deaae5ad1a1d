"""Mapping: pure, made of values that can be stored, and refusing what it can't read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

from pmo_hub.domain.records import WALL_CLOCK, Plan, Record, WorkItem
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.contract import Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub.sdk.testing_host import Held, MemoryHost, RecordKey
from pmo_hub.sdk.testing_ports import Ports

MENTIONABLE = frozenset({
    RecordType.BOARD, RecordType.CALENDAR, RecordType.COMPONENT, RecordType.IDENTITY, RecordType.ITERATION, RecordType.LABEL,
    RecordType.RESOURCE, RecordType.VERSION,
})  # fmt: skip
"""What payloads may mention without owning it."""

MOST_WHOLE = 2**31
MOST = 10**13
"""More is no amount of money, nor anything else that is measured."""


class Mappings(Ports):
    """Tests of `mapper`; the source is closed when it is asked."""

    def test_mapping_is_pure(self) -> None:
        host = self.synced()
        for scope, payloads in self._by_scope(host):
            mapper, other = host.build_mapper(scope), host.build_mapper(scope)
            first = [mapper(p) for p in payloads]
            again = [mapper(p) for p in payloads]
            backwards = [other(p) for p in reversed(payloads)][::-1]
            alone = [host.build_mapper(scope)(p) for p in payloads[:20]]
            for payload, one, *others in zip(payloads, first, again, backwards, strict=True):
                assert all(one == o for o in others), f"{payload.ref} is mapped otherwise at another time or after other payloads"
            assert alone == first[:20], f"payloads of {scope} are mapped otherwise by a mapper of their own"

    def test_records_are_of_the_model(self) -> None:
        host = self.synced()
        for held in host.held.values():
            keys = [(r.type, r.external_id) for r in held.mapped.owned]
            assert len(keys) == len(set(keys)), f"{held.payload.ref} owns one record twice"
            strangers = {record.type.value for record in held.mapped.mentioned if record.type not in MENTIONABLE}
            assert not strangers, f"{held.payload.ref} mentions {', '.join(strangers)}, which can only be owned"
            for record in (*held.mapped.owned, *held.mapped.mentioned):
                assert isinstance(record, get_args(Record)), f"{held.payload.ref} is mapped to a {type(record).__name__}"
                assert record.external_id, f"{held.payload.ref} is mapped to a {record.type} without an id"
                if isinstance(record, WorkItem | Plan):
                    assert held.scope is not None, f"{held.payload.ref} is a {record.type} without a scope"

    def test_records_can_be_stored(self) -> None:
        host = self.synced()
        for held in host.held.values():
            for record in (*held.mapped.owned, *held.mapped.mentioned):
                for f in fields(record):
                    fault = _fault(f.name, getattr(record, f.name), f.name in WALL_CLOCK.get(record.type, ()))
                    assert fault is None, f"{held.payload.ref}: {record.type}.{f.name} {fault}"

    def test_a_record_of_two_payloads_reads_the_same_from_both(self) -> None:
        claims: dict[RecordKey, tuple[Record, Held]] = {}
        for held in self.synced().held.values():
            for record in held.mapped.owned:
                key = (record.type, record.external_id)
                known, owner = claims.setdefault(key, (record, held))
                assert known == record, f"{key} reads otherwise from {held.payload.ref} than from {owner.payload.ref}: the order decides"

    def test_a_payload_that_cannot_be_read_is_refused(self) -> None:
        """A cut body raises RecordError, which quarantines that payload alone; anything else would stop the run."""
        host = self.synced()
        for held in self._one_of_each_kind(host):
            whole = held.payload
            for body in (whole.body[: len(whole.body) // 2], b""):
                cut = Payload(whole.ref, whole.scope, body, whole.media_type, whole.part_of, whole.context, whole.version)
                raised: BaseException | None = None
                try:
                    host.build_mapper(held.scope)(cut)
                except Exception as error:  # noqa: BLE001  whatever it is, the assertion tells it
                    raised = error
                assert isinstance(raised, RecordError), f"half of {whole.ref} is mapped to {raised!r}, not refused with RecordError"
                assert str(raised).strip(), f"half of {whole.ref} is refused without a word"

    @staticmethod
    def _by_scope(host: MemoryHost) -> Iterator[tuple[str | None, list[Payload]]]:
        for scope in sorted({h.scope for h in host.held.values()}, key=str):
            yield scope, [h.payload for h in host.held.values() if h.scope == scope][:200]

    @staticmethod
    def _one_of_each_kind(host: MemoryHost) -> list[Held]:
        found: dict[str, Held] = {}
        for ref, held in host.held.items():
            found.setdefault(ref.kind, held)
        return list(found.values())


def _fault(name: str, value: object, is_wall_clock: bool) -> str | None:
    """Why the value can't be stored; None when it can."""
    if isinstance(value, datetime) and is_wall_clock:
        if value.tzinfo is not None:
            return f"is {value!r}, not the wall clock of the plan's zone, which is naive"
    elif isinstance(value, datetime):
        if value.tzinfo is None or value.utcoffset() != UTC.utcoffset(None):
            return f"is {value!r}, not an instant in UTC"
    elif isinstance(value, date):
        return None
    elif isinstance(value, int):
        return None if -MOST_WHOLE <= value < MOST_WHOLE else f"is {value}, too much to be stored"
    elif isinstance(value, float | Decimal) and not (math.isfinite(value) and -MOST <= value <= MOST):
        return f"is {value}, which can't be stored"
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds characters that are no valid Unicode"
    elif isinstance(value, (list, set, dict)):
        return "can be changed after it was made"
    elif isinstance(value, tuple):
        return next((f for each in value if (f := _fault(name, each, is_wall_clock))), None)
    return None
