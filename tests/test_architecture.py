"""The house's rules that a machine can check: who imports whom, names, sizes, clocks."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HUB = ROOT / "src" / "pmo_hub"
CONNECTORS = ROOT / "connectors"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# "About 300 lines": where a second subject should be looked for, and where it is certainly there.
LINES_TO_LOOK_AT = 300
LINES_AT_MOST = 400

VAGUE_FILES = {"utils", "util", "helpers", "helper", "common", "constants", "misc"}
VAGUE_CLASS = re.compile(r"(Manager|Helper|Utils?|Impl)$")

# Besides the standard library, pmo_hub.sdk, pmo_hub.domain and itself.
CONNECTOR_MAY_IMPORT = {"pydantic", "msgspec"}
CONNECTOR_LIBRARIES = {"pmo_hub_jira": {"jira", "requests"}, "pmo_hub_mspdi": {"defusedxml"}, "pmo_hub_msproject": {"msal", "spnego"}}
SIMULATOR_MAY_IMPORT = {"starlette", "uvicorn"}

# numpy stands in one module of the domain, which charts and forecasts bring.
DOMAIN_MAY_IMPORT = {"forecast": {"numpy"}}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}


def modules(*folders: Path) -> list[Path]:
    """Ours only: the benchmarks' work folder holds other people's packages."""
    found = sorted(path for folder in folders if folder.is_dir() for path in folder.rglob("*.py"))
    return [path for path in found if ROOT / "benchmarks" / "work" not in path.parents]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Full dotted names of what the module imports, wherever the import stands."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def told(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_imports_go_to_the_right_only() -> None:
    roots = os.pathsep.join([str(ROOT / "src"), str(CONNECTORS)])
    # Asked as a module of this interpreter: the environment's folder need not be on the PATH.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": roots}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_face_is_kept_from_the_models() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    kept = next(contract for contract in contracts if contract.get("forbidden_modules") == ["pmo_hub.store.models"])
    faces = {f"pmo_hub.{name}" for name in ("api", "web") if (HUB / name / "__init__.py").exists()}
    assert faces <= set(kept["source_modules"])


def test_every_connector_is_linted_and_packaged() -> None:
    found = {path.name for path in CONNECTORS.iterdir() if (path / "__init__.py").exists()}
    assert found == set(PYPROJECT["tool"]["importlinter"]["root_packages"]) - {"pmo_hub"}
    packaged = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"connectors/{name}" for name in found} == set(packaged) - {"src/pmo_hub"}


@pytest.mark.parametrize("group", ["pmo_hub.connectors", "pmo_hub.simulators"])
def test_entry_points_lead_to_what_they_name(group: str) -> None:
    for name, value in PYPROJECT["project"]["entry-points"][group].items():
        assert callable(EntryPoint(name, value, group).load()), name


def test_domain_imports_the_standard_library_only() -> None:
    strangers = []
    for path in modules(HUB / "domain"):
        allowed = set(sys.stdlib_module_names) | DOMAIN_MAY_IMPORT.get(path.stem, set())
        strangers += [
            f"{path.stem}: {name}"
            for name in imports(path)
            if name.partition(".")[0] not in allowed and not is_within(name, "pmo_hub.domain")
        ]
    assert strangers == []


def test_domain_reads_no_clock() -> None:
    read = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules(HUB / "domain")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date", "time"}
    ]
    assert read == []


def test_connector_imports_its_library_and_nothing_else() -> None:
    strangers = []
    for path in modules(CONNECTORS):
        package = path.relative_to(CONNECTORS).parts[0]
        allowed = set(sys.stdlib_module_names) | CONNECTOR_MAY_IMPORT | CONNECTOR_LIBRARIES.get(package, set())
        if path.stem.startswith("simulat"):
            allowed |= SIMULATOR_MAY_IMPORT
        inside = (package, "pmo_hub.sdk", "pmo_hub.domain")
        strangers += [
            f"{package}.{path.stem}: {name}"
            for name in imports(path)
            if name.partition(".")[0] not in allowed and not any(is_within(name, room) for room in inside)
        ]
    assert strangers == []


def test_migrations_import_nothing_of_the_hub() -> None:
    users = [path for path in modules(ROOT / "migrations" / "versions") if any(is_within(name, "pmo_hub") for name in imports(path))]
    assert told(users) == []


def test_no_file_has_a_vague_name() -> None:
    everything = modules(HUB, CONNECTORS, ROOT / "tests", ROOT / "benchmarks")
    assert told([path for path in everything if path.stem.strip("_") in VAGUE_FILES or path.parent.name in VAGUE_FILES]) == []


def test_no_class_has_a_vague_name() -> None:
    vague = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in modules(HUB, CONNECTORS)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef) and VAGUE_CLASS.search(node.name)
    ]
    assert vague == []


def test_modules_have_one_subject_by_their_size() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(HUB, CONNECTORS)}
    long = sorted(((lines, str(path.relative_to(ROOT))) for path, lines in sizes.items() if lines > LINES_TO_LOOK_AT), reverse=True)
    assert not [name for lines, name in long if lines > LINES_AT_MOST], f"a second subject is in: {long}"


def test_modules_say_what_they_are_for() -> None:
    written = [path for path in modules(HUB, CONNECTORS, ROOT / "tests") if path.stat().st_size]
    assert told([path for path in written if not ast.get_docstring(parse(path))]) == []


def test_no_test_sleeps() -> None:
    sleepers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules(ROOT / "tests")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep"
    ]
    assert sleepers == []


def test_locks_hold_every_dependency_with_hashes_and_no_address() -> None:
    for lock, wanted in (
        ("requirements.lock", PYPROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]),
    ):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        entries = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
        locked = {entry.partition("==")[0] for entry in entries}
        assert {re.split(r"[\[><=~!;]", line)[0] for line in wanted} <= locked
