"""API keys: the first one comes from here, since the API itself asks for one."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta

import typer

from pmo_hub.cli import entering
from pmo_hub.services import access

app = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)

DAYS = re.compile(r"(\d{1,5})d")


@app.command()
def create(
    name: str = typer.Option(..., help="Whom or what it is for."),
    scope: list[str] = typer.Option(..., help="What it allows: admin, projects:read, connections:write, …; may be repeated."),
    expires: str | None = typer.Option(None, help="When it ends: 90d, or an instant like 2027-01-31T00:00:00Z."),
) -> None:
    """Make a key. It is printed once, alone on standard output, and can't be shown again."""
    with entering.hub() as hub:
        ends = None if expires is None else _instant(expires, hub.now())
        made = access.create_key(hub, name, scope, entering.actor(), ends)
    until = f", until {made.info.expires_at.isoformat()}" if made.info.expires_at else ""
    print(f"Key {made.info.prefix} ({made.info.name}) allows {', '.join(made.info.scopes)}{until}. Keep it: it is not shown again.",
          file=sys.stderr)  # fmt: skip
    print(made.text)


@app.command("list")
def list_keys() -> None:
    """Show every key that was ever made, by its prefix."""
    with entering.hub() as hub:
        now = hub.now()
        rows = [
            {"prefix": key.prefix, "name": key.name, "scopes": " ".join(key.scopes), "state": key.state(now),
             "created": f"{key.created_at:%Y-%m-%d}", "expires": f"{key.expires_at:%Y-%m-%d}" if key.expires_at else None}
            for key in access.list_keys(hub)
        ]  # fmt: skip
    entering.table(rows, ["prefix", "name", "scopes", "state", "created", "expires"])


@app.command()
def revoke(key: str = typer.Argument(help="Its prefix, id or name.")) -> None:
    """Let a key open nothing from now on; a running server notices within seconds."""
    with entering.hub() as hub:
        revoked = access.revoke_key(hub, key, entering.actor())
    print(f"Key {revoked.prefix} ({revoked.name}) is revoked.")


def _instant(text: str, now: datetime) -> datetime:
    days = DAYS.fullmatch(text)
    if days:
        return now + timedelta(days=int(days.group(1)))
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--expires wants 90d or an instant like 2027-01-31T00:00:00Z, not {text!r}.") from None
    if value.tzinfo is None:
        raise typer.BadParameter("--expires needs a time zone, like 2027-01-31T00:00:00Z.")
    return value.astimezone(UTC)
