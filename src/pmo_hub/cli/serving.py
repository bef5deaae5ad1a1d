"""The commands that set the hub up and keep it running."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from pmo_hub import bootstrap
from pmo_hub.cli import entering

DOCUMENT = Path("openapi/pmo-hub.json")
DIFFERS = 1
GRACE_S = 10
"""So long requests may go on when the server is asked to stop; a stream of events would go on for ten minutes."""


def add_to(root: typer.Typer) -> None:
    """`migrate`, `serve`, `worker`, `openapi` and `demo` are there."""
    root.command()(migrate)
    root.command()(serve)
    root.command()(worker)
    root.command()(openapi)
    # Its options are its own, --help among them.
    root.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(demo)


def migrate() -> None:
    """Bring the database to the newest tables; nothing else ever does."""
    before, after = bootstrap.migrate(entering.load(quietly=True))
    print(f"The database is at revision {after}." if before != after else f"The database was at revision {after} already.")


def serve(
    host: str | None = typer.Option(None, help="Address to listen on (PMO_HUB_HOST)."),
    port: int | None = typer.Option(None, min=0, max=65535, help="Port to listen on, 0 for a free one (PMO_HUB_PORT)."),
    worker: bool = typer.Option(True, help="Run jobs in this process too; without for every further process on one database."),
) -> None:
    """Serve the API."""
    import uvicorn

    given = entering.load()
    given = given.model_copy(update={name: value for name, value in (("host", host), ("port", port)) if value is not None})
    with bootstrap.opened(given) as hub:
        bootstrap.refuse_old_tables(hub)
    with bootstrap.serving(given, with_worker=worker) as app:
        # Its own log lines go where ours go; a line for each request is the gate's.
        config = uvicorn.Config(
            app, host=given.host, port=given.port, log_config=None, access_log=False, server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.run()
    if not server.started:
        raise bootstrap.CannotStart("The server could not start; its log above says why.")


def worker() -> None:
    """Run jobs, and serve nothing."""
    bootstrap.work(entering.load(), bootstrap.stopped_by_signal())


def openapi(
    check: bool = typer.Option(False, "--check", help="Print nothing; exit status 1 where the file differs."),
    file: Path = typer.Option(DOCUMENT, help="The file to compare with."),
) -> None:
    """Print the API's OpenAPI document."""
    text = json.dumps(bootstrap.document(), indent=2, ensure_ascii=False) + "\n"
    if not check:
        sys.stdout.write(text)
        return
    try:
        held = file.read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be read ({error.strerror}).") from error
    if held != text:
        print(f"{file} differs from the code: run `make openapi` and read the difference.", file=sys.stderr)
        raise typer.Exit(DIFFERS)


def demo(context: typer.Context) -> None:
    """Show the hub on a simulated organisation: sync, judge, print, serve."""
    from pmo_hub.demo.run import main

    raise typer.Exit(main(context.args))
