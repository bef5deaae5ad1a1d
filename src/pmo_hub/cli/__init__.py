"""The command line. What is expected to go wrong is one sentence on standard error and exit status 2, never a traceback."""

from __future__ import annotations

import sys

import typer

from pmo_hub import __version__
from pmo_hub.bootstrap import CannotStart
from pmo_hub.cli import connections, evidence, judging, keys, secrets, serving
from pmo_hub.services.errors import Invalid, ServiceError
from pmo_hub.settings import SettingsError

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    name="pmo-hub",
    help="Projects, their health and how they are governed, read from the tools in which the work is done.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(keys.app, name="key")
app.add_typer(connections.app, name="connection")
app.add_typer(secrets.app, name="secrets")
app.add_typer(evidence.app, name="evidence")
serving.add_to(app)
connections.add_connectors_to(app)
judging.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"pmo-hub {__version__}")
        raise typer.Exit


@app.callback()
def pmo_hub(version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version.")) -> None:
    """Settings are PMO_HUB_* variables: PMO_HUB_DATABASE_URL, PMO_HUB_SECRET_KEY, …"""


def main() -> None:
    """The process ends with the command's exit status."""
    try:
        status = app(prog_name="pmo-hub", standalone_mode=False)
    except typer.Abort:
        sys.exit(INTERRUPTED)
    except typer.TyperException as error:  # an unknown option, a missing argument
        message = error.format_message()
        print(message if message.startswith("Usage:") else f"pmo-hub: {message}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except (ServiceError, SettingsError, CannotStart) as error:
        print(f"pmo-hub: {_sentence(error)}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output had enough: `pmo-hub … | head`
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _sentence(error: Exception) -> str:
    if isinstance(error, Invalid):
        return " ".join(f"{fault.pointer.removeprefix('/').replace('/', '.') or 'input'}: {fault.why}" for fault in error.faults)
    return str(error)
