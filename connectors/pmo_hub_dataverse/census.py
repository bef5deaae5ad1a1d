"""Which rows there are: their ids only, five thousand a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pmo_hub.sdk.contract import LISTING_IDS, Listing
from pmo_hub_dataverse.client import IDS_A_PAGE, DataverseClient, Forbidden, Refused, Row
from pmo_hub_dataverse.missing import lost
from pmo_hub_dataverse.reading import MOST_LATE
from pmo_hub_dataverse.rows import lowered
from pmo_hub_dataverse.schema import Schema
from pmo_hub_dataverse.tables import ENSEMBLES, PROJECTS, TASKS, Table

COUNTED: tuple[Table, ...] = tuple(table for ensemble in ENSEMBLES if ensemble.by_project for table in ensemble.all)


def list_rows(client: DataverseClient, schema: Schema, scopes: Sequence[str]) -> Iterator[Listing]:
    """Tables that can't be read are not closed, and so not compared. ScopeError for a project that is not shown: it can't be compared."""
    chosen = frozenset(scopes)
    shown: set[str] = set()
    tasks: set[str] = set()
    for table in COUNTED:
        if not schema.has(table):
            continue
        ids: list[str] = []
        try:
            for rows in _pages(client, schema, table, chosen):
                found = list(_chosen(schema, table, rows, chosen, tasks))
                ids += found
                if table is PROJECTS:
                    shown.update(found)
                while len(ids) > LISTING_IDS:
                    yield Listing(table.kind, tuple(scopes), ids[:LISTING_IDS], last=False)
                    ids = ids[LISTING_IDS:]
        except (Forbidden, Refused):
            if table.needed:
                raise
            continue
        if table is PROJECTS and (missing := chosen - shown):
            raise lost(min(missing))
        yield Listing(table.kind, tuple(scopes), ids, last=True)


def _pages(client: DataverseClient, schema: Schema, table: Table, chosen: frozenset[str]) -> Iterator[Sequence[Row]]:
    """Few projects are asked for by name; of many the whole table takes fewer requests. Parts name no project."""
    present = schema.of(table)
    select = tuple(dict.fromkeys(c for c in (table.key, present.project, present.parent) if c is not None))
    address = client.whole(table.set, select)
    if present.project is not None and len(chosen) <= MOST_LATE:
        address = client.filtered(table.set, select, " or ".join(f"{present.project} eq {scope}" for scope in sorted(chosen)))
    for page in client.pages(address, size=IDS_A_PAGE):
        yield page.rows


def _chosen(schema: Schema, table: Table, rows: Sequence[Row], chosen: frozenset[str], tasks: set[str]) -> Iterator[str]:
    present = schema.of(table)
    for row in rows:
        id = lowered(row.get(table.key))
        if id is None:
            continue
        if present.parent is not None:
            if lowered(row.get(present.parent)) in tasks:
                yield id
        elif lowered(row.get(present.project or "")) in chosen:
            if table is TASKS:
                tasks.add(id)
            yield id
