"""Messages with named values put in, where text from a source is data and never a template."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

_PLACE = re.compile(r"\{([a-z_][a-z0-9_.]*)\}")
_LONGEST = 200


def places(template: str) -> tuple[str, ...]:
    """The names that a template asks for, in order."""
    return tuple(_PLACE.findall(template))


def render(template: str, values: Mapping[str, Any]) -> str:
    """The template with named values put in. A value is put in as it is: braces in it, or in a title from a source, mean nothing."""
    return _PLACE.sub(lambda found: shown(values.get(found.group(1))), template)


def shown(value: Any) -> str:
    """A value for a reader: None is "unknown", a text loses its control characters and what exceeds 200 characters."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M %Z}"
        case date():
            return value.isoformat()
        case _:
            return clean(str(value))


def clean(text: str) -> str:
    """The text on one line, without control and direction characters, cut at 200."""
    kept = "".join(
        " " if character.isspace() else character for character in text if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    return kept if len(kept) <= _LONGEST else kept[: _LONGEST - 1] + "…"
