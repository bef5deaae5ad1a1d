"""What an admin sets for a connection to files; titles and descriptions draw the form. There is nothing secret in it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pmo_hub.sdk.config_fields import WatchedFolder, ZoneName

KEY = re.compile(r"[^/\s\x00-\x1f][^/\x00-\x1f]{0,119}")


class MspdiConfig(BaseModel):
    """Where files come from, and what they don't say themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Project files")

    time_zone: Annotated[
        ZoneName,
        Field(
            title="Time zone", description="Of the dates in the files, such as Europe/Zurich; files say what the clock showed, not where."
        ),
    ] = "UTC"
    folder: WatchedFolder = None
    keys: Annotated[
        dict[str, str],
        Field(
            title="Project keys",
            description="File name to project key, for files that don't carry the id of their project (Microsoft Project writes one since "
            "2013). Without an entry such a file is known by its name: give the same name to every version of a plan.",
        ),
    ] = {}

    @field_validator("keys")
    @classmethod
    def _keys(cls, value: dict[str, str]) -> dict[str, str]:
        for name, key in value.items():
            if not KEY.fullmatch(key):
                raise ValueError(f"the key of {name!r} is 1 to 120 characters without a slash")
        return value
