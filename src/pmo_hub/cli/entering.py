"""How every command gets at the hub, and what it reads and shows in the same way."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from pmo_hub import bootstrap, log, settings
from pmo_hub.services.hub import Hub
from pmo_hub.settings import Settings


def load(*, quietly: bool = False) -> Settings:
    """The settings; logs are configured by them. `quietly`: a command's own words are its output, so only warnings go beside them."""
    given = settings.load()
    log.configure("warning" if quietly else given.log_level, given.log_format)
    return given


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub whose database has the newest tables."""
    with bootstrap.opened(load(quietly=True)) as found:
        bootstrap.refuse_old_tables(found)
        yield found


def actor() -> str:
    """Who the audit log says it was."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def secret(text: str, name: str) -> str:
    """What `text` stands for: `@file`, `env:VARIABLE`, `-` (standard input), or itself."""
    if text == "-":
        return sys.stdin.readline().rstrip("\n")
    if text.startswith("@"):
        try:
            return Path(text[1:]).expanduser().read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{name}: the file {text[1:]} can't be read ({_reason(error)}).") from error
    if text.startswith("env:"):
        value = os.environ.get(text[4:])
        if not value:
            raise typer.BadParameter(f"{name}: the variable {text[4:]} is not set.")
        return value
    return text


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not text"


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """`name=value` options as a mapping."""
    found = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{option} wants NAME=VALUE, not {one!r}.")
        found[name] = value
    return found


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """The rows as a table on standard output: drawn for a terminal, tab-separated for another program."""
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_cell(row.get(column)).replace("\t", " ").replace("\n", " ") for column in columns))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(_cell(row.get(column))) for column in columns))  # Text: what a source wrote is no markup
    Console().print(drawn)


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
