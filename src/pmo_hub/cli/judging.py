"""`pmo-hub check`: every project judged now, for a person or for a pipeline."""

from __future__ import annotations

import json

import typer

from pmo_hub.cli import entering
from pmo_hub.domain.governance import Severity
from pmo_hub.services import verdict

FOUND = 1


def add_to(root: typer.Typer) -> None:
    """`pmo-hub check` is there."""

    @root.command()
    def check(
        severity: Severity = typer.Option(Severity.LOW, help="From which severity on an open violation counts."),
        project: list[str] = typer.Option([], help="Id or name of a project; may be repeated. Left out: all."),
        as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    ) -> None:
        """Evaluate the checks now and print what is violated; exit status 1 where anything is, 0 otherwise."""
        with entering.hub() as hub:
            found = verdict.judge(hub, project, severity)
        rows = [
            {"severity": one.severity, "check": one.check_id, "about": one.about, "message": one.message,
             "since": f"{one.opened_at:%Y-%m-%d}", "state": one.state, "id": one.id}
            for one in found.violations
        ]  # fmt: skip
        if as_json:
            print(json.dumps({"projects": found.projects, "violations": rows}, indent=2, ensure_ascii=False))
        elif rows:
            entering.table(rows, ["severity", "check", "about", "message", "since"])
        else:
            print(f"{found.projects} projects, no open violation of severity {severity.value} or above.")
        if rows:
            raise typer.Exit(FOUND)
