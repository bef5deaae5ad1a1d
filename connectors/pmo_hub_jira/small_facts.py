"""What goes with a payload beside its bytes: facts that the page's reader looked up and mapping needs."""

from __future__ import annotations

PARENT = "parent"
"""The id of the epic that an issue links to; Data Center names it by its key."""

LEVEL = "level"
""" "1" for an epic; Data Center's types have no level."""
