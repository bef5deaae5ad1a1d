"""Payloads compressed with dictionaries: smaller, whole again, and readable whatever was trained when."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa

from pmo_hub.store import compression
from pmo_hub.store.compression import SAMPLES, Compression
from pmo_hub.store.models.source import Connection, PayloadDictionary
from pmo_hub.store.unit_of_work import Work

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def issues(count: int, word: str = "delivery") -> list[bytes]:
    return [
        json.dumps({
            "id": str(n), "self": f"https://site.example/rest/api/3/issue/{n}", "fields": {
                "summary": f"{word} {n * 7919}", "status": {"id": str(n % 3), "name": ["Open", "Doing", "Done"][n % 3]},
                "assignee": {"accountId": f"a{n % 11}", "displayName": f"Person {n % 11}", "active": True},
            },
        }).encode()
        for n in range(count)
    ]  # fmt: skip


def add_connection(work: Work, id_: str) -> None:
    with work.write() as session:
        session.add(
            Connection(
                id=id_, name=id_, connector="fake", namespace=id_, config={}, secrets=b"", rules={}, state="active", failures=0,
                created_at=NOW, updated_at=NOW,
            )
        )  # fmt: skip


def test_a_dictionary_makes_alike_payloads_far_smaller_and_they_come_back_whole() -> None:
    packing = Compression()
    bodies = issues(SAMPLES)
    plain = sum(len(packing.packer()("issue", body)) for body in bodies)
    assert len(packing.trained({"issue": bodies})) == 1
    packed = [packing.packer()("issue", body) for body in bodies]
    assert sum(map(len, packed)) < plain / 2
    unpack = packing.unpacker()
    assert [unpack(one) for one in packed] == bodies


def test_few_payloads_train_nothing() -> None:
    packing = Compression()
    assert packing.trained({"issue": issues(SAMPLES - 1)}) == []


def test_payloads_that_nothing_can_be_learnt_from_train_nothing() -> None:
    packing = Compression()
    assert packing.trained({"note": [b""] * SAMPLES}) == []
    assert packing.unpacker()(packing.packer()("note", b"x")) == b"x"


def test_a_kind_is_trained_once() -> None:
    packing = Compression()
    assert packing.trained({"issue": issues(SAMPLES)})
    assert packing.trained({"issue": issues(SAMPLES, "another")}) == []


def test_the_same_payloads_make_the_same_bytes() -> None:
    one, other = Compression(), Compression()
    assert one.trained({"issue": issues(SAMPLES)}) == other.trained({"issue": issues(SAMPLES)})
    body = issues(1)[0]
    assert one.packer()("issue", body) == other.packer()("issue", body)


def test_what_was_packed_before_and_with_older_dictionaries_is_read_by_a_later_process(work: Work) -> None:
    add_connection(work, "c" * 32)
    add_connection(work, "d" * 32)
    first = Compression()
    body = issues(1)[0]
    packed = [first.packer()("issue", body)]
    for count, kind in ((SAMPLES, "issue"), (SAMPLES + 10, "history")):
        new = first.trained({kind: issues(count, kind)})
        with work.write() as session:
            compression.save(session, "c" * 32, new, NOW)
        packed.append(first.packer()(kind, body))
    with work.read() as session:
        later = Compression.of(session, "c" * 32)
        assert Compression.of(session, "d" * 32).trained({"issue": issues(SAMPLES)})
    unpack = later.unpacker()
    assert [unpack(one) for one in packed] == [body] * 3
    assert later.trained({"issue": issues(SAMPLES)}) == []


def test_dictionaries_go_with_their_connection(work: Work) -> None:
    add_connection(work, "c" * 32)
    with work.write() as session:
        compression.save(session, "c" * 32, Compression().trained({"issue": issues(SAMPLES)}), NOW)
    with work.write() as session:
        session.execute(sa.delete(Connection).where(Connection.id == "c" * 32))
    with work.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(PayloadDictionary)) == 0


def test_payloads_that_come_to_another_connection_stay_readable(work: Work) -> None:
    add_connection(work, "c" * 32)
    add_connection(work, "d" * 32)
    packing = Compression()
    with work.write() as session:
        compression.save(session, "c" * 32, packing.trained({"issue": issues(SAMPLES)}), NOW)
    body = issues(1)[0]
    packed = packing.packer()("issue", body)
    with work.write() as session:
        compression.adopt(session, "d" * 32, ["c" * 32])
        compression.adopt(session, "d" * 32, ["c" * 32])
    with work.read() as session:
        assert Compression.of(session, "d" * 32).unpacker()(packed) == body
