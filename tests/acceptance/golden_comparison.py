"""Laying two tools' rows side by side: every cell of the expected one is compared, left out by name, or differs for a listed reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.golden_tables import Row


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of an expected row beside ours; `row` is the whole expected row."""

    table: str
    key: str
    column: str
    expected: Any
    ours: Any
    row: Row

    def __str__(self) -> str:
        return f"{self.table} {self.key} {self.column}: expected {self.expected!r}, ours {self.ours!r}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Why ours is right where it differs. `cells` is how many there are: a reason that covers fewer or more than it says is no reason."""

    columns: frozenset[str]
    cells: int
    why: str
    is_it: Callable[[Cell], bool]
    tables: frozenset[str] = frozenset()

    def covers(self, cell: Cell) -> bool:
        return cell.column in self.columns and (not self.tables or cell.table in self.tables) and self.is_it(cell)


Values = Mapping[str, tuple[Any, Any]]
"""Column → (expected value, our value)."""


@dataclass(slots=True)
class Comparison:
    """Collects cells. `left_out` names columns ("column" or "table.column") that are not compared, with the reason."""

    differences: Sequence[Difference]
    left_out: Mapping[str, str]
    rows: Counter[str] = field(default_factory=Counter)
    equal: Counter[str] = field(default_factory=Counter)
    listed: list[tuple[Difference, Cell]] = field(default_factory=list)
    unlisted: list[Cell] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)

    def table(self, name: str, expected: Iterable[Row], key: Callable[[Row], str], ours: Callable[[Row], Values | None]) -> None:
        """Every row of a table; `ours` gives None for a row that the hub does not hold, which no reason covers."""
        for row in expected:
            self.rows[name] += 1
            values = ours(row)
            if values is None:
                self.unlisted.append(Cell(name, key(row), "(row)", "a row", None, row))
                continue
            self.forgotten |= {
                full for column in row if column not in values and not {column, full := f"{name}.{column}"} & self.left_out.keys()
            }
            for column, (wanted, held) in values.items():
                if column in row:
                    self._cell(Cell(name, key(row), column, wanted, held, row))

    def _cell(self, cell: Cell) -> None:
        if cell.expected == cell.ours:
            self.equal[cell.table] += 1
            return
        reasons = [difference for difference in self.differences if difference.covers(cell)]
        if len(reasons) == 1:
            self.listed.append((reasons[0], cell))
        else:
            self.unlisted.append(cell)

    def miscounted(self) -> list[str]:
        """Reasons that cover another number of cells than they say."""
        found = Counter(id(difference) for difference, _ in self.listed)
        return [f"{found[id(d)]} cells, not {d.cells}: {d.why}" for d in self.differences if found[id(d)] != d.cells]

    def report(self) -> list[str]:
        """Lines for people: what was compared, and each listed reason with its cells."""
        differing = Counter(cell.table for _, cell in self.listed)
        lines = [f"{'expected table':44} rows  equal  differing"]
        lines += [f"{name:44} {self.rows[name]:4} {self.equal[name]:6} {differing[name]:10}" for name in self.rows]
        lines.append(f"{'together':44} {self.rows.total():4} {self.equal.total():6} {len(self.listed):10}")
        for difference in self.differences:
            cells = [cell for listed, cell in self.listed if listed is difference]
            columns = ", ".join(sorted({cell.column for cell in cells}))
            lines.append(f"  {len(cells):4} × {columns}: {difference.why}")
        return lines
