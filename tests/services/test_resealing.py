"""Rotation of the key that encrypts secrets, on both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from pmo_hub.services import resealing
from pmo_hub.services.errors import Conflict, Refused
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.models.source import Connection, Credential
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.secrets import SecretBox, UnknownKey
from pmo_hub.store.unit_of_work import Session
from tests.serving import clock, shelf_hub
from tests.stored import connection_row

__all__ = ["clock", "shelf_hub"]

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
HOME, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def rotating(shelf_hub: Hub) -> Hub:
    """A hub with two connections, one of them with a rotating credential, whose key has just been replaced."""
    old = SecretBox([OLD])
    with shelf_hub.work.write() as session:
        for id in (HOME, OTHER):
            token = old.seal(b"token " + id[:1].encode(), "connections", id, "secrets")
            row = connection_row(shelf_hub.now()) | {"id": id, "name": f"connection {id[0]}", "secrets": token}
            session.execute(sa.insert(Connection).values(row))
        sealed = old.seal(b"refresh", "credentials", HOME, "secret")
        session.execute(sa.insert(Credential).values(connection_id=HOME, version=7, secret=sealed))
    return replace(shelf_hub, secrets=SecretBox([NEW, OLD]))


def opened(hub: Hub, box: SecretBox) -> dict[tuple[str, str], bytes]:
    with hub.work.read() as session:
        return {(table, id): box.open(sealed, table, id, column) for table, id, column, sealed in rows.sealed_secrets(session)}


PLAIN = {("connections", HOME): b"token a", ("connections", OTHER): b"token b", ("credentials", HOME): b"refresh"}


def test_after_resealing_the_newest_key_alone_opens_every_secret(rotating: Hub) -> None:
    with pytest.raises(UnknownKey):
        opened(rotating, SecretBox([NEW]))
    assert resealing.reseal(rotating, "cli:ann") == resealing.Resealed(3, 3)
    assert opened(rotating, SecretBox([NEW])) == PLAIN
    with pytest.raises(UnknownKey):
        opened(rotating, SecretBox([OLD]))
    with rotating.work.read() as session:
        assert session.scalar(sa.select(Credential.version)) == 7


def test_resealing_is_audited_and_a_second_time_it_does_nothing(rotating: Hub) -> None:
    resealing.reseal(rotating, "cli:ann")
    assert resealing.reseal(rotating, "cli:ann") == resealing.Resealed(3, 0)
    with rotating.work.read() as session:
        told = session.execute(sa.select(AuditEntry.actor, AuditEntry.action, AuditEntry.subject_id)).all()
        details = str(session.scalars(sa.select(AuditEntry.detail)).all())
    assert sorted(told) == [
        ("cli:ann", "connection.resealed", HOME), ("cli:ann", "connection.resealed", OTHER), ("cli:ann", "credential.resealed", HOME),
    ]  # fmt: skip
    assert "token" not in details
    assert "refresh" not in details


def test_a_secret_under_an_unknown_key_leaves_all_as_it_was(rotating: Hub) -> None:
    lost = SecretBox([bytes(range(64, 96))]).seal(b"refresh", "credentials", HOME, "secret")
    with rotating.work.write() as session:
        session.execute(sa.update(Credential).values(secret=lost))
        before = rows.sealed_secrets(session)
    with pytest.raises(Refused, match="was not given"):
        resealing.reseal(rotating, "cli:ann")
    with rotating.work.read() as session:
        assert rows.sealed_secrets(session) == before
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == 0


def test_a_credential_that_its_source_rotates_meanwhile_is_not_overwritten(rotating: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = rotating.secrets.seal(b"newer", "credentials", HOME, "secret")
    replaced = rows.replace_sealed

    def late(session: Session, table: str, connection_id: str, before: bytes, after: bytes) -> bool:
        if table == "credentials":
            session.execute(sa.update(Credential).values(secret=newer))
        return replaced(session, table, connection_id, before, after)

    monkeypatch.setattr(rows, "replace_sealed", late)
    with pytest.raises(Conflict, match="run it again"):
        resealing.reseal(rotating, "cli:ann")
