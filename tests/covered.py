"""The closing summary of a test run: which engines and optional parts it covered, what it skipped, and why.

With CI=true a skip is a failure: a green run there has covered everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from tests.engines import ENGINES, is_ci, versions

# Tests that ask for the fixture cover the part.
PARTS_BY_FIXTURE = {"shared_folder": "third-party payloads and interface descriptions (../shared)"}

TOLD = "covered"

_parts_of: pytest.StashKey[frozenset[str]] = pytest.StashKey()


class Coverage:
    """Counts per engine and part what ran and what did not, while the run goes on."""

    def __init__(self) -> None:
        self.covered: Counter[str] = Counter()
        self.uncovered: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()
        self.parts: dict[str, None] = dict.fromkeys([*ENGINES, *PARTS_BY_FIXTURE.values()])

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            parts = parts_of(item)
            item.stash[_parts_of] = parts
            self.parts.update(dict.fromkeys(sorted(parts)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        parts = item.stash.get(_parts_of, frozenset())
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skips[self._note_skip(report)] += 1
            self.uncovered.update(parts)
        elif report.when == "setup" and report.failed:
            self.uncovered.update(parts)
        elif report.when == "call":
            self.covered.update(parts)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.skipped:
            self.skips[self._note_skip(report)] += 1
        return report

    def _note_skip(self, report: pytest.TestReport | pytest.CollectReport) -> str:
        """The skip's reason; under CI=true the report has become a failure that tells it."""
        reason = skip_reason(report)
        if is_ci():
            report.outcome = "failed"
            report.longrepr = f"skipped although CI=true: {reason}"
        return reason

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A process that runs a part of the tests for another tells that one what it covered."""
        told = getattr(session.config, "workeroutput", None)
        if told is not None:
            told[TOLD] = [dict(self.covered), dict(self.uncovered), dict(self.skips), list(self.parts), session.config.stash[versions]]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(TOLD)
        if told is not None:
            self.take_in(told, node.config.stash[versions])

    def take_in(self, told: Sequence[Any], titles: dict[str, str]) -> None:
        """What another process has covered, as it told it."""
        for counted, more in zip((self.covered, self.uncovered, self.skips), told, strict=False):
            counted.update(more)
        self.parts.update(dict.fromkeys(told[3]))
        titles.update(told[4])

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        terminalreporter.section("covered")
        for line in self.lines(config.stash[versions]):
            terminalreporter.line(line)

    def lines(self, titles: dict[str, str]) -> list[str]:
        """The summary's lines; `titles` says engines in words, with their versions."""
        told = []
        for part in self.parts:
            title = titles.get(part, part)
            ran, missed = self.covered[part], self.uncovered[part]
            if ran or missed:
                told.append(f"{title}: {ran} tests" + (f", {missed} not run" if missed else ""))
            else:
                told.append(f"{title}: not covered, no test of this run asks for it")
        told.extend(f"skipped {count}: {reason}" for reason, count in sorted(self.skips.items()))
        return told if self.skips else [*told, "skipped: nothing"]


def parts_of(item: pytest.Item) -> frozenset[str]:
    """The engines and optional parts that the test covers when it runs."""
    fixtures = getattr(item, "fixturenames", ())
    parts = {title for fixture, title in PARTS_BY_FIXTURE.items() if fixture in fixtures}
    parts.update(str(argument) for marker in item.iter_markers("part") for argument in marker.args)
    parts.update(engine for engine in ENGINES if f"{engine}_url" in fixtures)
    if {"postgres_server", "durable_postgres_server"} & set(fixtures):
        parts.add("postgresql")
    callspec = getattr(item, "callspec", None)
    if callspec is not None:
        parts.update(value for value in callspec.params.values() if isinstance(value, str) and value in ENGINES)
    return frozenset(parts)


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why the test or module was skipped, without pytest's prefix."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "no reason given")
    return told.removeprefix("Skipped: ")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Coverage(), "covered")
