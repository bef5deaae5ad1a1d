"""Evidence from the command line: packs exported, packs or the hub's own log verified, the head noted."""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path

import typer

from pmo_hub.cli import entering
from pmo_hub.domain.chain import Selection
from pmo_hub.services.evidence import packing, sealing, verify_evidence

app = typer.Typer(help="Evidence: what was evaluated, decided and changed, sealed.", no_args_is_help=True, rich_markup_mode=None)

NOT_SOUND = 1


@app.command()
def export(
    out: Path = typer.Option(..., "--out", "-o", help="The zip to write."),
    project: str | None = typer.Option(None, help="Id of a project: only bodies of what concerns it, or the hub as a whole."),
    since: str | None = typer.Option(None, "--from", help="Only bodies of what happened at or after this instant."),
    until: str | None = typer.Option(None, "--to", help="Only bodies of what happened before this instant."),
    after: int = typer.Option(0, min=0, help="Leave out the entries up to this position: the checkpoint of an earlier pack."),
) -> None:
    """Write a pack that an auditor verifies with the script in it."""
    wanted = Selection(project, _instant(since, "--from"), _instant(until, "--to"), after)
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    with entering.hub() as hub:
        pieces = packing.pack(hub, wanted)
        try:
            with draft.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
            draft.replace(out)  # a pack is there whole or not at all
        except OSError as error:
            raise typer.BadParameter(f"--out: {out} can't be written ({error.strerror}).") from error
        finally:
            draft.unlink(missing_ok=True)
    manifest, _ = verify_evidence.read_pack(str(out))
    head = manifest["head"]
    print(f"{out}: {manifest['entries']} entries, {manifest['bodies']} with their bodies; the last is {head['position']}:{head['hash']}")


@app.command()
def verify(
    pack: Path | None = typer.Argument(None, help="A pack, zip or folder. Left out: the log of this hub's database."),
    checkpoint: list[str] = typer.Option([], help="POSITION:HASH, a head that was noted before; may be repeated."),
) -> None:
    """Say whether any entry was changed, removed or put elsewhere; exit status 1 if so."""
    noted = [_checkpoint(one) for one in checkpoint]
    try:
        if pack is None:
            verdict = _verify_own(noted)
        else:
            manifest, lines = verify_evidence.read_pack(str(pack))
            verdict = verify_evidence.verify(lines, manifest, noted)
    except verify_evidence.NotAPack as error:
        raise typer.BadParameter(str(error)) from error
    print("\n".join(verify_evidence.report(verdict)))
    if not verdict.is_sound:
        raise typer.Exit(NOT_SOUND)


@app.command("head")
def show_head() -> None:
    """Print the newest entry as POSITION:HASH, to be noted where the hub's administrators can't reach."""
    with entering.hub() as hub:
        sealing.seal_all(hub)
        found = sealing.head(hub)
    print(f"{found.position}:{found.hash}")
    if found.sealed_at is not None:
        print(f"sealed {found.sealed_at.isoformat()}", file=sys.stderr)


def _verify_own(noted: list[tuple[int, str]]) -> verify_evidence.Verdict:
    wanted = Selection()
    with entering.hub() as hub:
        start = packing.start_of(hub, wanted)
        end = packing.Told(sealing.head(hub))
        lines = packing.lines(hub, wanted, packing.Told(start), end.head.position)
        return verify_evidence.verify(lines, packing.manifest(hub, wanted, start, end), noted)


def _checkpoint(text: str) -> tuple[int, str]:
    try:
        return verify_evidence.checkpoint(text)
    except ArgumentTypeError as error:
        raise typer.BadParameter(f"--checkpoint: {error}") from None


def _instant(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} wants an instant like 2026-11-23T08:00:00Z, not {text!r}.") from None
    if value.tzinfo is None:
        raise typer.BadParameter(f"{option} needs a time zone, like 2026-11-23T08:00:00Z.")
    return value.astimezone(UTC)
