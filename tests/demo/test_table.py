"""What the portfolio table says, and that it fits and reads without colour."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from rich.cells import cell_len
from rich.console import Console

from pmo_hub.demo.table import Line, drawn, violations
from pmo_hub.domain.rating import Rating
from pmo_hub.domain.thresholds import DIMENSIONS

SIGNAL = "nobody is assigned to 9 of 12 items of near-term work, 5 due within 7 days (critical)"


def rated(*letters: str) -> Mapping[str, Rating]:
    words = {"R": Rating.RED, "A": Rating.AMBER, "G": Rating.GREEN, "?": Rating.GREY}
    return {dimension: words[letter] for dimension, letter in zip(DIMENSIONS, letters, strict=True)}


LINES = [
    Line("Change portfolio", 0, Rating.RED, 2, 3, 1546, 478, 3255, {}, {"high": 48, "medium": 1, "low": 16}),
    Line("Operations and compliance", 1, Rating.AMBER, 1, 2, 206, 54, 325, {}, {"medium": 1}),
    Line("Data Warehouse Migration", 2, Rating.AMBER, 5, 7, 22, 8, 70, rated(*"AG??GGA"), {"medium": 1}, SIGNAL),
    Line("Lager Zürich 仓库", 2, Rating.GREY, 0, 7, None, None, None, rated(*"???????"), {}, None),
    Line("Platform [bold]Operations[/bold]", 1, Rating.GREEN, 5, 7, 8, 2, 114, rated(*"GG??GGG"), {}, None),
]


def shown(width: int, *, color: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, color_system="standard" if color else None, highlight=False)
    console.print(drawn(LINES, console.width))
    return out.getvalue()


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if name in line)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_table_fits_its_terminal(width: int) -> None:
    assert max(cell_len(line) for line in shown(width).splitlines()) <= width


def test_project_is_told_without_colour_by_counts_words_and_letters() -> None:
    line = line_of(shown(120), "Data Warehouse Migration").split()
    assert line[:3] == ["Data", "Warehouse", "Migration"]
    assert line[3:8] == ["22/8/70", "AMBER", "5", "of", "7"]
    assert line[8:15] == list("AG??GGA")
    assert line[15] == "1M"


def test_unknown_is_neither_green_nor_zero() -> None:
    line = line_of(shown(120), "Lager Zürich")
    assert "GREY 0 of 7" in line
    assert "?/?/?" in line
    assert line.split()[-1] == "none"
    assert not {"G", "R", "A", "0"} & set(line.split()[7:-1])


def test_unknown_has_not_the_colour_of_green() -> None:
    text = shown(120, color=True)
    green = line_of(text, "Platform").partition("GREEN")[0].rpartition("\x1b[")[2]
    grey = line_of(text, "Lager").partition("GREY")[0].rpartition("\x1b[")[2]
    assert green == "32m"
    assert grey == "2m"


def test_portfolio_and_program_have_a_rating_and_no_dimensions_of_their_own() -> None:
    line = line_of(shown(120), "Change portfolio")
    assert line.split()[2:] == ["1546/478/3255", "RED", "2", "of", "3", "48H", "1M", "16L"]


def test_projects_are_indented_by_what_they_are_in() -> None:
    text = shown(120)
    indents = [len(line) - len(line.lstrip()) for line in (line_of(text, one.name.split("[")[0]) for one in LINES)]
    assert indents == [line.level for line in LINES]


def test_top_risk_signal_is_beside_the_project_or_below_a_narrow_table() -> None:
    wide, narrow = shown(120), shown(80)
    assert "nobody is assigned" in line_of(wide, "Data Warehouse")
    assert "nobody" not in line_of(narrow, "Data Warehouse")
    below = narrow.partition("Top risk signals")[2]
    assert "nobody is assigned" in line_of(below, "Data Warehouse Migration")
    assert all("".join(SIGNAL.split()) in "".join(text.split()) for text in (below.replace("Data Warehouse Migration", ""),))


def test_name_from_a_source_is_shown_as_it_is_written() -> None:
    assert "[bold]Operations[/bold]" in shown(200)


def test_violations_go_from_the_worst_to_the_mildest() -> None:
    assert violations({"low": 3, "critical": 1, "high": 2, "info": 4}).plain == "1C 2H 3L 4I"
    assert violations({"low": 0}).plain == "none"


def test_every_dimension_is_named_below_the_table() -> None:
    for width in (80, 120):
        legend = " ".join(shown(width).split("R red, A amber")[1].split())
        assert all(dimension in legend for dimension in DIMENSIONS)
