"""RESULTS.md: every figure in a table, with the machine, the date and the commit that it was measured on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import figures, source_figures
from benchmarks.bounds import BOUNDS
from benchmarks.figures import Figure
from benchmarks.records import Part

BY_PART = {**figures.BY_PART, **source_figures.BY_PART}
SIZES = {
    "plans": "{plans} plans of {plan_tasks} tasks, a file of {file_tasks} tasks",
    "boards": "a board of {cards} cards and {actions} actions, {quiet_boards} quiet boards",
}
"""What a part measures, where that isn't the yardsticks' issues."""

HEAD = """# Results

Written by `make bench`; how each figure is measured stands in [README.md](README.md).

"""

NOTES = """
## How to read it

- *Measured* is the median of the rounds, for a ratio the ratio of the medians; *rounds* is the spread between the rounds, in each of
  which the sides ran one after the other. Compare only what one run measured.
- The sync's time, wherever a yardstick stands beside it, runs from before the lease is taken to the commit of the last batch of rows
  together with its state: that is what the pipe and dlt do. Derived rows, facts and checks follow, and are in the rows "to the end".
- The pipe and dlt write one table of 27 columns. The hub writes payloads, claims, work items with history tables, dependencies, people,
  labels, components, versions, boards and sprints, each row hashed.
- Client CPU is that of the hub's process alone; the database server's is not in it, on SQLite it is.
- The hub keeps to the budget of requests a second that its connector declares. The figures "without the budget" lift it for that
  run only, to show how much of the time is politeness.
- Memory is resident memory, mapped files included, at most during the first sync, less what was resident just before it.
"""


def write(parts: Mapping[str, Part], file: Path) -> list[Figure]:
    """The file tells every figure of the parts; returns those that miss their aim."""
    told = [figure for name, of_part in BY_PART.items() if name in parts for figure in of_part(parts[name])]
    lines = [HEAD, *_machines(parts), ""]
    judged = [figure for figure in told if figure.met is not None]
    missed = [figure for figure in judged if not figure.met]
    lines += [f"{len(judged) - len(missed)} of {len(judged)} aims are met.", ""]
    lines += ["## Figures with an aim", "", "| figure | engine | aim | measured | rounds | verdict |", "|---|---|---|---|---|---|"]
    lines += [f"| {f.name} | {f.engine} | {f.aim} | {f.measured} | {f.rounds} | {'met' if f.met else '**missed**'} |" for f in judged]
    if missed:
        lines += ["", "## What bounds those that miss", ""]
        lines += [f"- **{f.name}** ({f.engine}, {f.measured.partition(' (')[0]} for {f.aim}): {_bound(f)}" for f in missed]
    beside = [figure for figure in told if figure.met is None]
    if beside:
        lines += ["", "## Beside", "", "| figure | engine | measured | rounds |", "|---|---|---|---|"]
        lines += [f"| {f.name} | {f.engine} | {f.measured} | {f.rounds} |" for f in beside]
    absent = [name for name in BY_PART if name not in parts]
    skipped = [f"{m['what']}: {m['why']}" for part in parts.values() for m in part.of("skipped")]
    if absent or skipped:
        lines += ["", "## Not measured", "", *(f"- the part {name}" for name in absent), *(f"- {text}" for text in skipped)]
    file.write_text("\n".join(lines) + "\n" + NOTES)
    return missed


def _bound(figure: Figure) -> str:
    text = BOUNDS.get(f"{figure.id}@{figure.engine}") or BOUNDS.get(figure.id)
    return text.format_map(figure.numbers) if text else "not yet explained."


def _machines(parts: Mapping[str, Part]) -> list[str]:
    """One line for the machine and one a part, since a part may be measured by itself."""
    lines = []
    said = None
    for name, part in parts.items():
        h = part.header
        computer = f"{h['cores']} cores of {h['processor']}, {h['memory_gib']} GiB, {h['kernel']}"
        machine = f"{computer}, Python {h['python']}, PostgreSQL {h['postgresql']}"
        if machine != said:
            lines.append(f"{machine}.")
            lines.append("")
            said = machine
        sizes = SIZES.get(name, "{issues} issues in {projects} projects").format_map(h["sizes"])
        lines.append(f"- {name}: {h['date']}, commit {h['commit']}, {h['sizes']['rounds']} rounds, {sizes}, load {h['load']} before")
    return lines
