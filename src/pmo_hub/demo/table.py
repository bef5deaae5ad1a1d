"""The portfolio as a table for a terminal: ratings are letters and words beside their colour, and what is unknown is never green."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pmo_hub.domain.governance import Severity
from pmo_hub.domain.rating import Rating
from pmo_hub.domain.thresholds import DIMENSIONS

# A terminal from this width on has room for the risk signals beside the ratings; on a narrower one they follow the table.
WIDE = 110

_STYLES = {Rating.RED: "bold red", Rating.AMBER: "yellow", Rating.GREEN: "green", Rating.GREY: "dim"}
_LETTERS = {Rating.RED: "R", Rating.AMBER: "A", Rating.GREEN: "G", Rating.GREY: "?"}
_HEADINGS = {"schedule": "Sch", "scope": "Sco", "cost": "Cos", "risk": "Ris", "quality": "Qua", "flow": "Flo", "resources": "Res"}
_SHORT = {"schedule": "Sh", "scope": "Sp", "cost": "Co", "risk": "Ri", "quality": "Qu", "flow": "Fl", "resources": "Re"}
_GRAVE = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}


@dataclass(frozen=True, slots=True)
class Line:
    """A project, program or portfolio, `level` deep. Counts of items are None where nothing was measured; `known` of `of` were rated."""

    name: str
    level: int
    rating: Rating
    known: int
    of: int
    todo: int | None = None
    doing: int | None = None
    done: int | None = None
    dimensions: Mapping[str, Rating] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    signal: str | None = None


def drawn(lines: Sequence[Line], width: int) -> RenderableType:
    """The lines as a table of at most `width` columns (80 or more), with what its letters mean."""
    wide = width >= WIDE
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False, header_style="bold", width=width if wide else None)
    table.add_column("Project", min_width=20, max_width=26)
    table.add_column("To do/\ndoing/done", justify="right", no_wrap=True)
    table.add_column("Health,\nn of m known", no_wrap=True)
    for dimension in DIMENSIONS:
        table.add_column((_HEADINGS if wide else _SHORT)[dimension], justify="center", no_wrap=True)
    table.add_column("Violations" if wide else "Broken", no_wrap=True)
    if wide:
        table.add_column("Top risk signal", ratio=1)
    for line in lines:
        table.add_row(*_cells(line, wide), style="bold" if line.level == 0 else None)
    if wide:
        return Group(table, "", _legend(wide))
    return Group(table, "", _signals(lines), "", _legend(wide))


def _cells(line: Line, wide: bool) -> list[RenderableType]:
    counts = "/".join("?" if number is None else str(number) for number in (line.todo, line.doing, line.done))
    rated = Text.assemble((line.rating.value.upper(), _STYLES[line.rating]), f" {line.known} of {line.of}")
    letters = [_letter(line.dimensions.get(dimension)) for dimension in DIMENSIONS]
    name = Padding(Text(line.name), (0, 0, 0, line.level))
    cells: list[RenderableType] = [name, Text(counts), rated, *letters, violations(line.violations)]
    return [*cells, Text(line.signal or "")] if wide else cells


def _letter(rating: Rating | None) -> Text:
    return Text("") if rating is None else Text(_LETTERS[rating], _STYLES[rating])


def violations(counts: Mapping[str, int]) -> Text:
    """How many of each severity, the worst first, such as "1C 2H"; "none" says that there are none."""
    parts = [Text(f"{counts[one.value]}{one.value[0].upper()}", _GRAVE.get(one, "")) for one in Severity if counts.get(one.value)]
    return Text(" ").join(parts) if parts else Text("none", "dim")


def _signals(lines: Sequence[Line]) -> RenderableType:
    told = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    told.add_column(min_width=20, max_width=24)
    told.add_column()
    for line in lines:
        if line.signal:
            told.add_row(Text(line.name), Text(line.signal))
    return Group(Text("Top risk signals", "bold"), told)


def _legend(wide: bool) -> Text:
    names = ", ".join(f"{(_HEADINGS if wide else _SHORT)[name]} {name}" for name in DIMENSIONS)
    return Text(
        f"R red, A amber, G green, ? unknown: GREY is not green. {names}.\n"
        "Violations: C critical, H high, M medium, L low. Items are those that count: no sub-items, no register entries.",
        "dim",
    )
