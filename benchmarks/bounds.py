"""What bounds a figure that misses its aim, in its author's words: figure id (an engine may follow after @) → text.

A text holds no figure of its own: {names} stand for the numbers that the figure was measured with.
"""

from __future__ import annotations

BOUNDS: dict[str, str] = {}
