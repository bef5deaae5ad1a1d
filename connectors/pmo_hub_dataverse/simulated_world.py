"""The rows of the simulated environment, and what has happened to them: enough to answer what has changed since a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from pmo_hub_dataverse.simulated_schema import BY_SET, PROJECTS, TABLES, TASKS, SimulatedTable

Row = tuple[Any, ...]
PROJECT_COLUMNS = ("_msdyn_project_value", "_msdyn_projectid_value")
TASK_COLUMNS = ("_msdyn_taskid_value", "_msdyn_projecttaskid_value", "msdyn_projecttaskid")


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id(random: Random) -> str:
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


class World:
    """Rows by table and id. Every change has a number that only grows; `log` keeps it with the row's id, for each table."""

    def __init__(self, now: Callable[[], datetime], version: int = 8_000_000) -> None:
        self.rows: dict[str, dict[str, Row]] = {table.set: {} for table in TABLES}
        self.log: dict[str, list[tuple[int, str]]] = {table.set: [] for table in TABLES}
        self.version = version
        self.now = now
        self.random = Random("later")
        self._at = {table.set: {column: n for n, column in enumerate(table.live)} for table in TABLES}

    def put(self, set: str, values: Mapping[str, Any], at: datetime | None = None, *, logged: bool = True) -> str:
        """A row with these values, new or changed; returns its id."""
        table = BY_SET[set]
        id: str = values.get(table.key) or new_id(self.random)
        self.version += 1
        when = stamp(at or self.now())
        old = self.rows[set].get(id)
        known = dict(zip(table.live, old, strict=True)) if old else {"createdon": when, "statecode": 0}
        known |= {**values, table.key: id, "modifiedon": when, "versionnumber": self.version}
        strangers = known.keys() - table.columns
        if strangers:
            raise KeyError(f"{set} has no column {sorted(strangers)}")
        self.rows[set][id] = tuple(known.get(column) for column in table.live)
        if logged:
            self.log[set].append((self.version, id))
        return id

    def drop(self, set: str, id: str) -> None:
        del self.rows[set][id]
        self.version += 1
        self.log[set].append((self.version, id))

    def get(self, set: str, id: str, column: str) -> Any:
        return self.rows[set][id][self._at[set][column]]

    def ids(self, set: str, **where: str) -> list[str]:
        """Ids of the rows whose columns have these values."""
        at = [(self._at[set][column], value) for column, value in where.items()]
        return [id for id, row in self.rows[set].items() if all(row[n] == value for n, value in at)]

    def project_of(self, table: SimulatedTable, row: Row) -> str | None:
        """The project that the row belongs to, itself or by its task."""
        if table is PROJECTS:
            return str(row[0])
        at = self._at[table.set]
        column = next((at[name] for name in PROJECT_COLUMNS if name in at), None)
        if column is not None:
            return row[column]  # type: ignore[no-any-return]
        task = next((row[at[name]] for name in TASK_COLUMNS if name in at), None)
        return self.get(TASKS.set, task, "_msdyn_project_value") if task in self.rows[TASKS.set] else None

    def position(self, set: str, column: str) -> int | None:
        """Where a live column stands in a row; None for one that is the same in all."""
        return self._at[set].get(column)

    def changes(self, set: str, since: int) -> tuple[list[str], list[str]]:
        """Ids of rows that changed after that number and are there, and of those that are not, in the order of their last change."""
        later: dict[str, None] = {}
        for version, id in reversed(self.log[set]):
            if version <= since:
                break
            later.setdefault(id)
        ordered = list(later)[::-1]
        return [id for id in ordered if id in self.rows[set]], [id for id in ordered if id not in self.rows[set]]

    def shown(self, table: SimulatedTable, select: tuple[str, ...]) -> Callable[[Row], dict[str, Any]]:
        """Renders a row with these columns and its etag, as an answer holds it."""
        version = self._at[table.set]["versionnumber"]
        parts = [(name, self._at[table.set].get(name)) for name in (select or (*table.live, *table.still))]
        if table.key not in select:
            parts.append((table.key, 0))  # the key comes with every answer, whether asked for or not
        still = table.still

        def show(row: Row) -> dict[str, Any]:
            found = {"@odata.etag": f'W/"{row[version]}"'}
            for name, at in parts:
                found[name] = still[name] if at is None else row[at]
            return found

        return show

    def everything(self) -> Iterator[str]:
        yield from (id for rows in self.rows.values() for id in rows)
