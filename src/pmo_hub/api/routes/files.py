"""Files that are given to a connection, and plans that wait for a confirmation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, File, Path, Response, UploadFile

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.schemas.files import FileList, FileView, GroupsWanted, HeldGroupList, HeldGroupView, UploadedFile
from pmo_hub.api.schemas.sync_runs import SyncRunView
from pmo_hub.services import held, uploads
from pmo_hub.services.access import Caller

router = APIRouter(prefix="/connections/{connection_id}", tags=["connections"])

Reader = Annotated[Caller, Depends(allow("connections:read"))]
Writer = Annotated[Caller, Depends(allow("connections:write"))]
Given = Annotated[UploadFile, File(description="The file, under the name that it is to be kept by; a file of that name is replaced.")]
Name = Annotated[str, Path(max_length=255)]


@router.post("/files", status_code=201)
def upload_file(hub: HubDep, caller: Writer, connection_id: str, file: Given, response: Response) -> UploadedFile:
    """Give a file to the connection: it is looked at, kept, and read by a run that is queued. What it brings anew is chosen."""
    kept = uploads.keep(hub, connection_id, file.filename or "", file.file, caller.actor)
    response.headers["Location"] = f"/api/v1/sync-runs/{kept.run.id}"
    return UploadedFile(file=FileView.model_validate(kept.file), chosen=list(kept.chosen), run=SyncRunView.model_validate(kept.run))


@router.get("/files")
def list_files(hub: HubDep, _: Reader, connection_id: str) -> FileList:
    """The connection's files by name."""
    return FileList(items=[FileView.model_validate(one) for one in uploads.listed(hub, connection_id)])


@router.delete("/files/{name}", status_code=204)
def delete_file(hub: HubDep, caller: Writer, connection_id: str, name: Name) -> None:
    """Take a file away. What was read of it stays; taking its scopes away does away with that."""
    uploads.delete(hub, connection_id, name, caller.actor)


@router.get("/held-groups")
def list_held_groups(hub: HubDep, _: Reader, connection_id: str) -> HeldGroupList:
    """Plans whose newest version lacks so much that nothing of it was taken in: look at them, then confirm, or upload a whole one."""
    return HeldGroupList(items=[HeldGroupView.model_validate(one) for one in held.listed(hub, connection_id)])


@router.post("/confirm-groups", status_code=202)
def confirm_groups(hub: HubDep, caller: Writer, connection_id: str, response: Response, body: GroupsWanted | None = None) -> SyncRunView:
    """What the held groups lack is really gone: the run that is queued ends exactly that."""
    run = held.confirm(hub, connection_id, (body or GroupsWanted()).groups, caller.actor)
    response.headers["Location"] = f"/api/v1/sync-runs/{run.id}"
    return SyncRunView.model_validate(run)
