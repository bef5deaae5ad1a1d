"""What an environment has of the project tables: which are there, which of their columns, and whether changes are tracked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pmo_hub.sdk.errors import ConfigError
from pmo_hub_dataverse.client import DataverseClient
from pmo_hub_dataverse.tables import EVERY, TABLES, Ensemble, Table


@dataclass(frozen=True, slots=True)
class Present:
    """A table that is there; `select` are the columns to ask for, in an order that never changes by itself."""

    select: tuple[str, ...]
    is_tracked: bool
    project: str | None
    parent: str | None


class Schema:
    """The tables of one environment, as its metadata tells them."""

    def __init__(self, present: Mapping[str, Present]) -> None:
        self._present = present

    def has(self, table: Table) -> bool:
        return table.name in self._present

    def of(self, table: Table) -> Present:
        return self._present[table.name]

    def there(self, ensemble: Ensemble) -> list[Table]:
        return [table for table in ensemble.all if self.has(table)]

    def notices(self, ensemble: Ensemble) -> list[str]:
        """What is not read, or read otherwise, in sentences for the admin."""
        found = []
        for table in ensemble.all:
            if not self.has(table):
                found.append(f"{table.told.capitalize()} are not read: this environment has no usable table {table.set}.")
            elif not self.of(table).is_tracked:
                found.append(
                    f"Change tracking is off for {table.set}: what was deleted there is found by the census only; turn it on in the "
                    "table's properties."
                )
        return found


def discover(client: DataverseClient, tables: Sequence[Table] = TABLES) -> Schema:
    """Asked once an opened source, in one request; ConfigError where this is no environment with projects."""
    names = " or ".join(f"LogicalName eq '{table.name}'" for table in tables)
    answer = client.object(
        f"EntityDefinitions?$select=LogicalName,ChangeTrackingEnabled&$filter={names}&$expand=Attributes($select=LogicalName,AttributeType)"
    )
    told = {
        str(entry.get("LogicalName")): (
            {_column(str(attribute.get("LogicalName")), attribute.get("AttributeType")) for attribute in entry.get("Attributes") or ()},
            entry.get("ChangeTrackingEnabled") is True,
        )
        for entry in answer.get("value") or ()
        if isinstance(entry, dict)
    }
    present = {}
    for table in tables:
        if table.name in told:
            found = _present(table, *told[table.name])
            if found is not None:
                present[table.name] = found
    for table in tables:
        if table.needed and table.name not in present:
            raise ConfigError(f"the environment has no usable table {table.set}; choose the one in which Planner keeps premium plans")
    return Schema(present)


def _present(table: Table, columns: set[str], is_tracked: bool) -> Present | None:
    """None where the table lacks the column that says whose its rows are."""
    select = tuple(dict.fromkeys(c for c in (table.key, *table.columns, *EVERY) if c == table.key or c in columns))
    project = next((c for c in table.project if c in select), None)
    parent = next((c for c in table.parent if c in select), None)
    if (table.project and project is None) or (table.parent and parent is None):
        return None
    return Present(select, is_tracked, project, parent)


def _column(name: str, type: object) -> str:
    """The column of an answer that shows an attribute: of two that differ in nothing else, one is a lookup."""
    return f"_{name}_value" if type in ("Lookup", "Customer", "Owner") else name
