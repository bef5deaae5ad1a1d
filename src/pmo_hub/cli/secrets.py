"""The secrets of connections, as ciphertext: what they hold is never shown."""

from __future__ import annotations

import typer

from pmo_hub.cli import entering
from pmo_hub.services import resealing

app = typer.Typer(help="The encrypted secrets of connections.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def secrets() -> None:
    """The encrypted secrets of connections."""  # keeps `reseal` a command of its own while it is the only one


@app.command()
def reseal() -> None:
    """Encrypt every secret anew with the newest key, so that PMO_HUB_OLDER_SECRET_KEYS can be dropped."""
    with entering.hub() as hub:
        done = resealing.reseal(hub, entering.actor())
    print(f"{done.resealed} of {done.total} secrets were encrypted anew; all are under the newest key now.")
