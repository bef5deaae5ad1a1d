"""Files of a connection, and groups that wait for an admin."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.sync_runs import SyncRunView


class FileView(BaseModel):
    """A file of the connection."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    digest: str = Field(description="SHA-256 of its content, in hexadecimal")
    size_bytes: int
    uploaded_at: datetime
    uploaded_by: str | None = Field(description="null where somebody laid it into the folder of the connection")
    is_here: bool = Field(description="false where it lies on another machine, whose data folder this one does not share")


class FileList(BaseModel):
    items: list[FileView]


class UploadedFile(BaseModel):
    """What was kept, what is read because of it, and the run that reads it."""

    file: FileView
    chosen: list[str] = Field(description="external ids of scopes that are read from now on because the file holds them")
    run: SyncRunView


class HeldGroupView(BaseModel):
    """A group whose newest generation lacks so much that it waits for an admin."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    external_id: str
    missing: int = Field(description="objects that the newest generation lacks, and that would end")
    held: int = Field(description="objects that the hub holds of the group")
    held_at: datetime
    run_id: str = Field(description="the run that held it back")
    accepted_at: datetime | None
    accepted_by: str | None


class HeldGroupList(BaseModel):
    items: list[HeldGroupView]


class GroupsWanted(Strict):
    """Which groups lack what is really gone."""

    groups: list[str] | None = Field(None, min_length=1, max_length=1_000, description="external ids; left out: all that are held")
