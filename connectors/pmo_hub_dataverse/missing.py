"""Projects that are chosen and not shown any more: deleted, or closed to the application user.

Change tracking goes on without them and tells nothing of what happened to them meanwhile, not even once they are shown again. So they
count as never read from the moment they are missed, and are read whole when they come back.
"""

from __future__ import annotations

from collections.abc import Iterator

from pmo_hub.sdk.contract import Page, Partition
from pmo_hub.sdk.errors import ScopeError
from pmo_hub_dataverse.client import IDS_A_PAGE, DataverseClient
from pmo_hub_dataverse.rows import lowered
from pmo_hub_dataverse.tables import ENSEMBLES, PROJECTS


def shown_projects(client: DataverseClient) -> frozenset[str | None]:
    """Ids of all projects that are shown now."""
    pages = client.pages(client.whole(PROJECTS.set, (PROJECTS.key,)), size=IDS_A_PAGE)
    return frozenset(lowered(row.get(PROJECTS.key)) for page in pages for row in page.rows)


def coverage_of(project: str) -> tuple[str, ...]:
    """The state keys that say of which ensembles the project was read."""
    return tuple(f"{project}/{ensemble.name}" for ensemble in ENSEMBLES if ensemble.by_project)


def missed(partition: Partition) -> Iterator[Page]:
    """The project counts as never read; then ScopeError says that it is not there."""
    if partition.state:
        yield Page(state=dict.fromkeys(partition.state))
    raise lost(partition.name)


def lost(project: str) -> ScopeError:
    return ScopeError(
        project, f"project {project} is no longer there, or the application user may no longer read it; restore it or remove it here"
    )
