"""The yardsticks: environments of their own, and their scripts run from ../shared/bench, each in a fresh process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, WORK, shared
from benchmarks.records import Measurement, Unmeasurable

# Of the yardsticks' requirements, what the simulator, the limit pipes and Datasette need.
NEEDED = ("aiohttp", "datasette", "httptools", "msgspec", "orjson", "psycopg", "psycopg-binary", "uvicorn", "uvloop")
DLT = ("dlt[postgres]==1.31.0", "orjson")
TIMEOUT_S = 400


@dataclass(frozen=True, slots=True)
class Peers:
    """`main` and `dlt` are interpreters; `scripts` is the folder of the yardsticks."""

    main: Path
    dlt: Path
    scripts: Path

    def limit(self, mode: str, url: str, fields: str, *options: str) -> Measurement:
        """What `ingest_limits.py MODE` measured."""
        command = [self.main, self.scripts / "ingest_limits.py", *mode.split(), "--url", url, *options]
        return self._measured(command, url, fields)

    def dlt_postgres(self, url: str, fields: str, *, incremental: bool = False) -> Measurement:
        """What `peer_dlt.py postgres canon` measured; incremental: with the state that its last run kept."""
        command = [self.dlt, self.scripts / "peer_dlt.py", "postgres", "canon", *(["inc"] if incremental else [])]
        return self._measured(command, url, fields)

    def tool(self, name: str) -> Path:
        """A command of the main environment."""
        return self.main.parent / name

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "DLT_DATA_DIR": str(WORK / "dlt"), **more}

    def _measured(self, command: list[Any], url: str, fields: str) -> Measurement:
        folder = WORK / "peers"
        (folder / "work").mkdir(parents=True, exist_ok=True)  # the scripts keep their files in ./work
        done = subprocess.run(
            [str(part) for part in command], cwd=folder, env=self.environment(BENCH_FIELDS=fields, SIM_URL=url),
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise Unmeasurable(f"{Path(command[1]).name} failed: {(done.stderr or done.stdout).strip()[-400:]}")
        measured: Measurement = json.loads(lines[-1])
        return measured


def peers() -> Peers:
    """The yardsticks are there, and so are their environments; PY_MAIN and PY_DLT name interpreters that have what is needed already."""
    scripts = shared() / "bench"
    if not (scripts / "jira_sim.py").is_file():
        raise Unmeasurable(f"There are no yardsticks in {scripts}: set PMO_HUB_SHARED to the folder that holds bench/.")
    return Peers(_interpreter("PY_MAIN", "main", _requirements(scripts / "requirements.txt")), _interpreter("PY_DLT", "dlt", DLT), scripts)


def _requirements(file: Path) -> tuple[str, ...]:
    """The needed ones in the versions that the yardsticks were measured with."""
    pinned = {line.partition("==")[0].strip().lower(): line.strip() for line in file.read_text().splitlines() if "==" in line}
    return tuple(pinned[name] for name in NEEDED)


def _interpreter(variable: str, name: str, requirements: tuple[str, ...]) -> Path:
    given = os.environ.get(variable)
    if given:
        return Path(given).absolute()
    folder = WORK / ".venv" / name
    python, stamp, wanted = folder / "bin" / "python", folder / "requirements", "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"making the environment {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
    uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
    shutil.rmtree(folder, ignore_errors=True)
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "install", "--quiet", "--python", str(python), *requirements])
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    stamp.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unmeasurable(f"The yardsticks' environment can't be made ({' '.join(command[:3])} …): {done.stderr.strip()[-400:]}")
