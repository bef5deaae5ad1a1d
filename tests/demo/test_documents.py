"""What README and docs say of commands, checks, settings, endpoints and files is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from pmo_hub import bootstrap, cli
from pmo_hub.domain.checks import BUILT_IN, WAITING
from pmo_hub.domain.thresholds import DIMENSIONS
from pmo_hub.settings import PREFIX, Settings

DOCUMENTS = ("README.md", "docs/connecting-jira.md", "docs/operations.md", "docs/checks.md")
PLAIN = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text(repository: Path, name: str) -> str:
    return (repository / name).read_text(encoding="utf-8")


def shell(document: str) -> list[str]:
    """The commands of a document, continued lines joined, comments left out."""
    lines = [line for block in BLOCK.findall(document) for line in block.replace("\\\n", " ").splitlines()]
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str, repository: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text(repository, name)):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (repository / name).parent / path if path else repository / name
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_exists_with_its_options(name: str, repository: Path) -> None:
    document = text(repository, name)
    root = typer.main.get_command(cli.app)
    told = [line for line in (*shell(document), *PLAIN.findall(document)) if line.startswith("pmo-hub ")]
    assert told or name == "docs/connecting-jira.md"
    for line in told:
        words = line.split()[1:]
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        assert command is not root, line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_exists(name: str, repository: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", text(repository, "Makefile"), re.MULTILINE))
    document = text(repository, name)
    told = [line.split()[1] for line in (*shell(document), *PLAIN.findall(document)) if line.startswith("make ")]
    assert set(told) <= targets


def test_every_endpoint_that_is_named_exists(repository: Path) -> None:
    paths = set(bootstrap.document()["paths"])
    for name in DOCUMENTS:
        document = text(repository, name)
        spoken = re.findall(r"(?:GET|PUT|POST|PATCH|DELETE) (/api/v1/[\w/{}-]+)", document)
        asked = re.findall(r"http://127\.0\.0\.1:\w+(/api/v1/[\w/-]+)", document)
        for path in (*spoken, *asked):
            pattern = re.compile(re.sub(r"\\\{[^}]*\\\}|\bID\b", "[^/]+", re.escape(path).replace("ID", "[^/]+")))
            assert any(pattern.fullmatch(known) for known in paths), f"{name}: {path}"


def test_every_collection_of_the_api_is_in_the_readme(repository: Path) -> None:
    collections = {path.split("/")[3] for path in bootstrap.document()["paths"] if path.startswith("/api/v1/")}
    table = text(repository, "README.md").partition("## What the API offers")[2].partition("## ")[0]
    assert {name for name in collections if f"`/{name}`" not in table} == set()


def test_every_setting_is_in_the_table(repository: Path) -> None:
    told = set(re.findall(rf"{PREFIX}\w+", text(repository, "docs/operations.md")))
    assert told == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def test_every_built_in_check_is_told_with_its_severity_and_parameters(repository: Path) -> None:
    table = text(repository, "docs/checks.md").partition("## The eleven built-in checks")[2].partition("## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if re.match(r"\| [A-Z]+-\d", line)]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (f"{check.id} {check.title}", check.severity.value, ", ".join(f"`{one.name}` = {one.default}" for one in check.parameters))
        for check in BUILT_IN
    ]


def test_every_check_that_waits_is_told_with_what_for(repository: Path) -> None:
    table = text(repository, "docs/checks.md").partition("## What the rest waits for")[2].partition("## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "-0" in line]
    assert rows == [[what, ", ".join(ids)] for what, ids in WAITING.items()]


def test_every_dimension_has_its_limits_told(repository: Path) -> None:
    table = text(repository, "docs/checks.md").partition("| dimension |")[2]
    assert {line.split("|")[1].strip() for line in table.splitlines() if line.count("|") == 3} - {"---"} == set(DIMENSIONS)
