"""The golden set as it lies on disk: raw answers of Jira, and the rows that another tool normalised from them.

DevLake's suites run for one connection and board, which each row names in `params`; its rows of another are noise put there on purpose.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PARAMS = '{"ConnectionId":2,"BoardId":8}'
OTHER_PARAMS = '{"ConnectionId":1,"BoardId":93}'

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Raw:
    """One recorded answer: `data` is its JSON, `input` what the request was made for."""

    params: str
    data: dict[str, Any]
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tables:
    """The folder of the set."""

    folder: Path

    def raw(self, name: str, folder: str = "raw_tables") -> list[Raw]:
        return [
            Raw(row["params"], json.loads(row["data"]), json.loads(row["input"] or "null") or {})
            for row in _rows(self.folder / folder / f"{name}.csv")
        ]

    def expected(self, name: str, folder: str = "snapshot_tables", params: str = PARAMS) -> list[Row]:
        """The expected rows of one connection and board; tables without that column name the connection alone, or hold no other."""
        connection = str(json.loads(params)["ConnectionId"])
        rows = _rows(self.folder / folder / f"{name}.csv")
        return [row for row in rows if row.get("_raw_data_params", params) == params and row.get("connection_id", connection) == connection]

    def names(self, folder: str = "snapshot_tables") -> set[str]:
        return {path.stem for path in (self.folder / folder).glob("*.csv")}


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a table, one of which holds an issue of 100 kB; a blank line before the header is no header."""
    csv.field_size_limit(10_000_000)
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(line for place, line in enumerate(lines) if place or line.strip())


# How DevLake spells values.


def text(value: str) -> str | None:
    """Its empty text, and its zero where an id stands, mean nothing."""
    return value or None


def external_id(value: str) -> str | None:
    """The source's id in "jira:JiraIssue:2:10063"; account ids hold colons themselves."""
    return value.split(":", 3)[3] if value else None


def number(value: str) -> float | None:
    return float(value) if value else None


def instant(value: str) -> datetime | None:
    return datetime.fromisoformat(value).astimezone(UTC) if value else None
