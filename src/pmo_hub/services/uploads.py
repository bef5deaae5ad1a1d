"""Files that people give to a connection: looked at, kept, told, taken away. What was read of one outlives it."""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

from pmo_hub.host.configuration import Config
from pmo_hub.host.files import FILE_NAME, FolderFiles
from pmo_hub.host.session import lend, stored_config, uploads_of
from pmo_hub.sdk.contract import Capability, Connector, Scope
from pmo_hub.sdk.errors import ConfigError, ConnectorError
from pmo_hub.sdk.files import Uploading
from pmo_hub.services import audit, connections, runs, sources, sync
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.runs import RunInfo
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import uploads
from pmo_hub.store.repositories.connections import AlreadyThere, Stored
from pmo_hub.store.repositories.uploads import Upload
from pmo_hub.store.unit_of_work import Session

CHUNK = 1024 * 1024
NAME_BYTES = 230
"""File systems take 255 bytes, and a draft's name is longer than the file's."""
MOST_FILES = 5_000


@dataclass(frozen=True, slots=True)
class FileOf:
    """A file of a connection. `uploaded_by` None: somebody laid it into the folder. `is_here`: it lies on this machine."""

    name: str
    digest: str
    size_bytes: int
    uploaded_at: datetime
    uploaded_by: str | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """`chosen` are the scopes that are read because of this file, by external id; `run` reads it."""

    file: FileOf
    chosen: Sequence[str]
    run: RunInfo


def keep(hub: Hub, connection_id: str, name: str, content: IO[bytes], actor: str) -> Kept:
    """The file is stored under its name, in place of an older one, and a sync is queued; or nothing has happened.

    What it brings that the connection never read is read from now on. Raises Invalid for a file that the source could do nothing with,
    Conflict where another connection reads what it holds.
    """
    stored, connector, config = _taking(hub, connection_id)
    name = file_name(name)
    folder = uploads_of(hub, stored.id)
    folder.mkdir(parents=True, exist_ok=True)
    if sum(1 for _ in FolderFiles(folder).names()) >= MOST_FILES:
        raise Conflict(f"The connection holds {MOST_FILES} files already: delete what is read no more.")
    draft = folder / f".{secrets.token_hex(8)}.part"
    try:
        digest, size = _written(draft, content, hub.most_upload_bytes)
        found = _examined(hub, stored, connector, config, name, draft)
        now = hub.now()
        upload = Upload(stored.id, name, digest, size, now, actor)
        try:
            with hub.work.write() as session:
                new = _unknown(session, stored, found)
                connections.add_scopes(session, stored, new, now)
                uploads.note(session, upload)
                run_id = sync.enqueue(session, stored.id, "incremental", now)
                detail = {"name": name, "digest": digest, "size_bytes": size, "chosen": [scope.external_id for scope in new]}
                audit.record(session, actor, "connection.file_uploaded", "connection", stored.id, detail, now)
                # Last, and before the commit: the run that is queued finds the file, and a failure leaves the older one.
                _moved(draft, folder / name)
        except AlreadyThere as error:
            raise Conflict("Another connection took the plan at the same moment: look again and decide anew.") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    kept = FileOf(name, digest, size, now, actor, True)
    return Kept(kept, [scope.external_id for scope in new], runs.get(hub, run_id))


def listed(hub: Hub, connection_id: str) -> list[FileOf]:
    """The connection's files by name, also those that lie on another machine only."""
    with hub.work.read() as session:
        stored = rows.find(session, connection_id)
        told = {} if stored is None else uploads.of_connection(session, stored.id)
    if stored is None:
        raise NotFound("connection", connection_id)
    files = FolderFiles(uploads_of(hub, stored.id))
    found = []
    for name in files.names():
        with suppress(FileNotFoundError):
            about = files.about(name)
            upload = told.get(name)
            own = upload is not None and upload.digest == about.digest
            at, by = (upload.uploaded_at, upload.uploaded_by) if own and upload is not None else (about.at, None)
            found.append(FileOf(name, about.digest, about.size_bytes, at, by, True))
    here = {one.name for one in found}
    found += [FileOf(u.name, u.digest, u.size_bytes, u.uploaded_at, u.uploaded_by, False) for u in told.values() if u.name not in here]
    return sorted(found, key=lambda one: one.name)


def delete(hub: Hub, connection_id: str, name: str, actor: str) -> None:
    """The file is gone; what was read of it stays, and the next run says which plans no file holds any more."""
    stored, _, _ = _taking(hub, connection_id)
    path = uploads_of(hub, stored.id) / name
    is_here = FILE_NAME.fullmatch(name) is not None and name in FolderFiles(path.parent).names()
    now = hub.now()
    with hub.work.write() as session:
        if not uploads.forget(session, stored.id, name) and not is_here:
            raise NotFound("file", name)
        audit.record(session, actor, "connection.file_deleted", "connection", stored.id, {"name": name}, now)
        if is_here:
            path.unlink(missing_ok=True)


def file_name(name: str) -> str:
    """The name under which a file is kept; raises Invalid for a path and for what no file is called."""
    told = unicodedata.normalize("NFC", name).strip()
    if "/" in told or "\\" in told or told in ("", ".", ".."):
        raise Invalid("/file", "Send the file under a name of its own, without a path.", code="name")
    if told.startswith(".") or any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in told):
        raise Invalid("/file", "The file's name begins with a dot or holds signs that can't be seen: rename it.", code="name")
    if not FILE_NAME.fullmatch(told) or len(told.encode()) > NAME_BYTES:
        raise Invalid("/file", f"The file's name is longer than {NAME_BYTES} bytes: shorten it.", code="name")
    return told


def _taking(hub: Hub, connection_id: str) -> tuple[Stored, Connector, Config]:
    """The connection, which lives and takes files."""
    stored = connections.living(hub, connection_id)
    connector = sources.connector_named(hub, stored.connector)
    if Capability.UPLOAD not in connector.capabilities:
        raise Conflict(f"A connection to {connector.title} takes no files.")
    with sources.in_our_words():
        return stored, connector, stored_config(hub, connector, stored)


def _written(path: Path, content: IO[bytes], most: int) -> tuple[str, int]:
    """Digest and size of what is on the disk now, and stays there if the machine stops."""
    digest, size = sha256(), 0
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise Invalid(
                    "/file", f"The file has more than {most // 1024 // 1024} MB, which PMO_HUB_UPLOAD_MAX_MB allows.", code="size"
                )
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if not size:
        raise Invalid("/file", "The file is empty.", code="size")
    return digest.hexdigest(), size


def _examined(hub: Hub, stored: Stored, connector: Connector, config: Config, name: str, path: Path) -> Sequence[Scope]:
    if not isinstance(connector, Uploading):
        return ()
    try:
        with lend(hub, connector, config, stored.id) as context, open(path, "rb") as file:
            return connector.examine(config.model, name, file, context)
    except ConfigError as error:
        raise Invalid("/file", str(error), code="file") from error
    except ConnectorError as error:
        raise Conflict(str(error)) from error


def _unknown(session: Session, stored: Stored, found: Sequence[Scope]) -> list[Scope]:
    """What the connection neither reads nor was told to give up."""
    known = {one.external_id for removed in (False, True) for one in rows.scopes(session, stored.id, removed=removed)}
    return [scope for scope in found if scope.external_id not in known]


def _moved(draft: Path, target: Path) -> None:
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
