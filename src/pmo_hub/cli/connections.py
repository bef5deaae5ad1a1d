"""Connections from the command line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import typer

from pmo_hub.cli import entering
from pmo_hub.host.configuration import required_fields, secret_fields
from pmo_hub.host.registry import Registry
from pmo_hub.services import authorizations, connections, held, runs, sources, sync, uploads
from pmo_hub.services.connections import Chosen, ConnectionInfo, Draft
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import SyncProgress
from pmo_hub.services.sources import Checked
from pmo_hub.services.timetable import DEFAULTS

app = typer.Typer(help="Connections to sources.", no_args_is_help=True, rich_markup_mode=None)

FAILED = 1
NEVER = "never"
MANY = 200


class Mode(StrEnum):
    INCREMENTAL = "incremental"
    FULL = "full"
    CENSUS = "census"
    ACCEPTING_CENSUS = "accepting_census"


_SET = typer.Option([], "--set", help="A field of the connector's config, NAME=VALUE; may be repeated.")
_SECRET = typer.Option([], help="A secret field: NAME=@FILE, NAME=env:VARIABLE or NAME=-; asked for when left out.")
_QUIET = typer.Option([], help="When nothing begins by itself: 08:00-18:00 or mon,tue:08:00-18:00; may be repeated.")
_CONFIG = typer.Option(None, help="A JSON file with the config; --set and --secret go before it.")


@app.command()
def add(
    connector: str = typer.Option(..., help="Which kind of source; `pmo-hub connectors` lists them."),
    name: str = typer.Option(..., help="What to call it."),
    fields: list[str] = _SET,
    secret: list[str] = _SECRET,
    config: Path | None = _CONFIG,
    scope: list[str] = typer.Option([], help="External id of a scope to read; may be repeated. Left out: all that are offered."),
    incremental: str = typer.Option(DEFAULTS["incremental"], help="When to read what changed: every 15m, five cron fields, or never."),
    full: str = typer.Option(NEVER, help="When to read everything anew."),
    census: str = typer.Option(DEFAULTS["census"], help="When to look for what was deleted."),
    time_zone: str = typer.Option("UTC", help="Of cron fields and quiet hours, such as Europe/Zurich."),
    quiet: list[str] = _QUIET,
    sync_now: bool = typer.Option(False, "--sync", help="Run the first sync here instead of leaving it to a worker."),
) -> None:
    """Try a source, then store the connection and queue its first sync."""
    with entering.hub() as hub:
        whole = _config(hub, connector, fields, secret, config)
        chosen: Chosen = scope or "all"
        schedules = {
            mode: None if text == NEVER else text for mode, text in (("incremental", incremental), ("full", full), ("census", census))
        }
        draft = Draft(name, connector, whole, chosen, schedules, time_zone=time_zone, quiet_hours=[_window(one) for one in quiet])
        made = connections.create(hub, draft, entering.actor())
        added = made.connection
        if made.first_run is None:
            print(f"{added.name} ({added.id}): {added.last_error} `pmo-hub connection authorize` does it here.")
            return
        print(f"{added.name} ({added.id}): {added.account} Reads {added.counts.scopes} scopes.")
        if sync_now:
            _run(hub, made.run.id)
        else:
            print(f"The first sync ({made.run.id}) is queued for the next worker.")


@app.command("list")
def list_connections() -> None:
    """Show every connection with its state."""
    rows: list[Mapping[str, Any]] = []
    with entering.hub() as hub:
        after: tuple[str, str] | None = None
        while found := connections.page(hub, after, MANY):
            rows += [
                {"name": c.name, "connector": c.connector, "state": c.state, "scopes": c.counts.scopes, "items": c.counts.items,
                 "schedules": _schedules(c), "synced": _minute(c.synced_at), "next": _minute(c.next_due_at), "error": c.last_error,
                 "id": c.id}
                for c in found
            ]  # fmt: skip
            after = (found[-1].name, found[-1].id)
    entering.table(rows, ["name", "connector", "state", "scopes", "items", "schedules", "synced", "next", "error", "id"])


def _schedules(connection: ConnectionInfo) -> str:
    told = [f"{mode} {text}" for mode, text in connection.schedules.items() if text is not None]
    return ", ".join(told) + (f" ({connection.time_zone})" if connection.time_zone != "UTC" else "") or NEVER


def _minute(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M}Z"


def _window(text: str) -> dict[str, Any]:
    """`mon,tue:08:00-18:00` as a window of quiet hours."""
    read = re.fullmatch(r"(?:([a-z,]+):)?(\d\d:\d\d)-(\d\d:\d\d)", text)
    if read is None:
        raise typer.BadParameter(f"--quiet wants 08:00-18:00 or mon,tue:08:00-18:00, not {text!r}.")
    return {"days": [day for day in (read[1] or "").split(",") if day], "start": read[2], "end": read[3]}


@app.command()
def check(
    connection: str | None = typer.Argument(None, help="Name or id of a connection; left out: try the config given by the options."),
    connector: str | None = typer.Option(None, help="Which kind of source."),
    fields: list[str] = _SET,
    secret: list[str] = _SECRET,
    config: Path | None = _CONFIG,
) -> None:
    """Ask the source who we are and what may be read; nothing is kept."""
    if (connection is None) == (connector is None):
        raise typer.BadParameter("Name a stored connection, or give --connector with its config.")
    with entering.hub() as hub:
        if connection is not None:
            found = connections.check_again(hub, connection)
        else:
            assert connector is not None
            found = connections.check(hub, connector, _config(hub, connector, fields, secret, config))
    _tell(found)


@app.command()
def authorize(
    connection: str = typer.Argument(help="Name or id."),
    redirect_url: str | None = typer.Option(
        None, help="The callback address that is registered with the app; nothing needs to answer there. Not for a device code."
    ),
) -> None:
    """Sign in where a person has to consent in a browser (OAuth)."""
    with entering.hub() as hub:
        begun = authorizations.start(hub, connection, redirect_url, entering.actor())
        if begun.code is not None:
            print(f"Open {begun.url} on any device and type the code {begun.code}")
            typer.prompt("Press Enter when that is done", default="", show_default=False)
            _tell(authorizations.finish(hub, connection, begun.state or "", {}, entering.actor()))
            return
        print(f"Open this address, consent, and copy the address that the browser ends up at:\n{begun.url}")
        answer = dict(parse_qsl(urlsplit(typer.prompt("Address")).query))
        _tell(authorizations.finish(hub, connection, answer.pop("state", ""), answer, entering.actor()))


@app.command("sync")
def sync_connection(
    connection: str = typer.Argument(help="Name or id."),
    mode: Mode = typer.Option(Mode.INCREMENTAL, help="census looks for what was deleted; accepting_census ends it although a brake held."),
    queue: bool = typer.Option(False, help="Leave it to a worker instead of running it here."),
) -> None:
    """Sync a connection, here and now."""
    with entering.hub() as hub:
        run = connections.request_sync(hub, connection, mode, entering.actor())
        if queue:
            print(f"The sync ({run.id}) is queued for the next worker.")
        else:
            _run(hub, run.id)


@app.command()
def upload(
    connection: str = typer.Argument(help="Name or id."),
    file: Path = typer.Argument(help="The file; it is kept under its own name, in place of an older one."),
    queue: bool = typer.Option(False, help="Leave the sync to a worker instead of running it here."),
) -> None:
    """Give a file to a connection, and sync it."""
    with entering.hub() as hub:
        try:
            with open(file, "rb") as content:
                kept = uploads.keep(hub, connection, file.name, content, entering.actor())
        except OSError as error:
            raise typer.BadParameter(f"The file {file} can't be read ({error.strerror}).") from error
        print(f"{kept.file.name}: {kept.file.size_bytes} bytes, sha256 {kept.file.digest}.")
        if queue:
            print(f"The sync ({kept.run.id}) is queued for the next worker.")
        else:
            _run(hub, kept.run.id)


@app.command()
def confirm(
    connection: str = typer.Argument(help="Name or id."),
    group: list[str] = typer.Option([], help="External id of a plan that is held back; may be repeated. Left out: all that are."),
    queue: bool = typer.Option(False, help="Leave the sync to a worker instead of running it here."),
) -> None:
    """Confirm that what a held plan lacks is really gone, and sync."""
    with entering.hub() as hub:
        for one in held.listed(hub, connection):
            print(f"{one.external_id}: {one.missing} of {one.held} are missing.")
        run = held.confirm(hub, connection, group or None, entering.actor())
        if queue:
            print(f"The sync ({run.id}) is queued for the next worker.")
        else:
            _run(hub, run.id)


def add_connectors_to(root: typer.Typer) -> None:
    """`pmo-hub connectors` is there."""

    @root.command()
    def connectors() -> None:
        """Show which kinds of source can be connected, with the fields of their config."""
        registry = Registry.installed()  # no database is needed to see what could be connected
        rows = [
            {"name": plugin.name, "title": plugin.connector.title, "fields": _fields(plugin.config_schema)}
            for plugin in registry.plugins.values()
        ]
        entering.table(rows, ["name", "title", "fields"])
        for plugin in registry.broken:
            print(f"{plugin.name} can't be used ({plugin.origin}): {plugin.reason}", file=sys.stderr)


def _fields(schema: Mapping[str, Any]) -> str:
    secrets, required = set(secret_fields(schema)), set(schema.get("required", ()))
    return ", ".join(
        name + ("*" if name in required else "") + (" (secret)" if name in secrets else "") for name in schema.get("properties", {})
    )


def _config(hub: Hub, connector: str, fields: list[str], secret: list[str], file: Path | None) -> dict[str, Any]:
    """The config from the file, the options, and what a person is asked for."""
    schema = hub.registry.plugins[sources.connector_named(hub, connector).name].config_schema
    whole: dict[str, Any] = {}
    if file is not None:
        try:
            read = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"--config: {file} can't be read as JSON ({error}).") from error
        if not isinstance(read, dict):
            raise typer.BadParameter(f"--config: {file} holds no JSON object.")
        whole |= read
    whole |= entering.pairs(fields, "--set")
    whole |= {name: entering.secret(value, name) for name, value in entering.pairs(secret, "--secret").items()}
    required = set(required_fields(schema, whole))
    for name in secret_fields(schema):
        if name not in whole and name in required and sys.stdin.isatty():
            whole[name] = typer.prompt(schema["properties"][name].get("title", name), hide_input=True)
    return whole


def _tell(found: Checked) -> None:
    print(found.account)
    entering.table(
        [{"id": scope.external_id, "name": scope.name, "kind": scope.kind, "objects": scope.estimate} for scope in found.scopes],
        ["id", "name", "kind", "objects"],
    )


def _run(hub: Hub, run_id: str) -> None:
    """The run has ended; exit status 1 where it did not end well."""
    try:
        with _progress() as progress:
            sync.run(hub, run_id, progress)
    except sync.Busy:
        print("Another process syncs this connection now; the run stays queued for it.", file=sys.stderr)
        raise typer.Exit(FAILED) from None
    run = runs.get(hub, run_id)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(run.fetched.items())) or "nothing"
    print(f"{run.state}: fetched {told}; {sum(run.changed.values())} changed, {sum(run.gone.values())} gone, "
          f"{run.quarantined} quarantined, {run.requests} requests.")  # fmt: skip
    if run.error:
        print(run.error, file=sys.stderr)
    if run.state != "finished":
        raise typer.Exit(FAILED)


@contextmanager
def _progress() -> Iterator[Any]:
    """A callable that shows how far a sync is, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def show(progress: SyncProgress) -> None:
            expected = sum(progress.expected.values())
            fetched = sum(progress.fetched.get(kind, 0) for kind in progress.expected)
            bar.update(task, completed=fetched, total=expected or None)

        yield show
