"""The brake on endings: so much missing at once needs an admin's eyes before anything ends."""

from __future__ import annotations

from pmo_hub.sdk.errors import ConnectorError

BRAKE_SHARE = 0.10
BRAKE_COUNT = 20


class Braked(ConnectorError):
    """What is missing may not be deleted at all; nothing was ended."""


def brake(missing: int, held: int, where: str, way_out: str) -> None:
    """Raises Braked where more than 10 % and more than 20 of what is held would end; `way_out`: what to do if that is right."""
    if missing > BRAKE_COUNT and missing > BRAKE_SHARE * held:
        raise Braked(
            f"{missing} of {held} items of {where} are missing at the source, too many to be taken for deleted; nothing was changed: "
            f"check that the account still may see them; if they are really gone, {way_out}."
        )
