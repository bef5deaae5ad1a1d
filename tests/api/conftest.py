"""Every test of the API may ask for a client."""

from __future__ import annotations

from tests.serving import admin, clock, shelf_hub, visit

__all__ = ["admin", "clock", "shelf_hub", "visit"]
