"""Plans in a watched folder, as people change them: saved again, half written, under another name, taken away and laid back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pmo_hub.host.files import WatchedFiles
from pmo_hub_mspdi.connector import MspdiConnector
from tests.connectors.pmo_hub_mspdi.plans import task
from tests.convergence.mspdi_drafts import HOURS, Draft, drawn
from tests.convergence.plan_estate import PlanEstate, move, one_of


class Folder:
    """A watched folder; `during` is done before that many further files are opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.during: tuple[int, Callable[[], None]] | None = None

    def opened(self) -> None:
        if self.during is not None:
            left, act = self.during
            self.during = (left - 1, act) if left > 1 else None
            if left <= 1:
                act()


class MspdiEstate(PlanEstate):
    """Three plans, each in a file, and a fourth that nobody has saved yet. What lies in the folder is read without being chosen."""

    connector = MspdiConnector
    appears = True

    def __init__(self, now: Callable[[], datetime], switch: Folder) -> None:
        super().__init__(now)
        self.switch = switch
        self.folder = switch.path
        self.watched = (switch.path,)
        for old in self.folder.iterdir():
            old.unlink()
        switch.during = None
        self.drafts = {one.id.lower(): one for one in map(drawn, range(4))}
        self.broken: set[str] = set()
        self.given_up: set[str] = set()
        for one in list(self.drafts.values())[:3]:
            self._save(one)
        self._age_all()
        self._first = tuple(self.drafts)[:2]

    @classmethod
    @contextmanager
    def address(cls) -> Iterator[Any]:
        """Files are opened by the hub as ever, but that something may happen before."""
        with TemporaryDirectory() as path, pytest.MonkeyPatch.context() as patch:
            folder = Folder(Path(path))
            opening = WatchedFiles.open

            @contextmanager
            def opened(files: WatchedFiles, name: str) -> Iterator[Any]:
                folder.opened()
                with opening(files, name) as file:
                    yield file

            patch.setattr(WatchedFiles, "open", opened)
            yield folder

    @classmethod
    def starts(cls) -> Sequence[datetime]:
        """After the time that the system notes with a file whenever it is touched, which nobody can set."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return (today + timedelta(days=3, hours=9), today + timedelta(days=2))

    @property
    def first(self) -> tuple[str, ...]:
        return self._first

    def config(self) -> Mapping[str, Any]:
        return {"folder": str(self.folder), "time_zone": "Europe/Oslo"}

    def there(self) -> list[str]:
        return sorted(id for id, one in self.drafts.items() if one.file is not None)

    def lost(self) -> list[str]:
        return sorted(id for id, one in self.drafts.items() if one.file is None and id in self.given_up)

    def lose(self, plan: str) -> None:
        """Its file is taken away."""
        self._remove(self.drafts[plan])
        self.given_up.add(plan)

    def regain(self, plan: str) -> None:
        self.given_up.discard(plan)
        self._save(self.drafts[plan])

    def end(self, plan: str) -> None:
        self._remove(self.drafts.pop(plan))

    def fail(self, kind: int, which: int, nth: int, times: int) -> None:
        """A file is torn, or holds what is no plan; its draft is whole."""
        plans = self.there()
        if plans:
            file = self.folder / str(self.drafts[one_of(plans, which)].file)
            content = file.read_bytes()
            torn = (content[: len(content) // 2], b"", b"<html></html>", content[:-9], content.replace(b"<UID>", b"<UID", 1))
            file.write_bytes(one_of(torn, kind))
            self._date(file)
            self.broken.add(one_of(plans, which))

    def stop_faults(self) -> None:
        for id in self.broken & self.drafts.keys():
            if self.drafts[id].file is not None:
                self._save(self.drafts[id])
        self.broken.clear()

    def between_requests(self, nth: int, act: Callable[[], None] | None) -> None:
        self.switch.during = None if act is None else (nth, act)

    def heal(self) -> None:
        """Nobody writes any more."""
        self._age_all()

    def titles(self, chosen: Sequence[str]) -> dict[str, str]:
        return {f"{id}/{row['UID']}": unescape(row["Name"]) for id in chosen for row in self.drafts[id].tasks}

    # Files

    def _save(self, draft: Draft, name: str | None = None) -> None:
        old, draft.file = draft.file, name or draft.file or f"{draft.name}.xml"
        (self.folder / draft.file).write_bytes(draft.content())
        self._date(self.folder / draft.file)
        if old is not None and old != draft.file:
            (self.folder / old).unlink()

    def _remove(self, draft: Draft) -> None:
        """With all copies of it."""
        if draft.file is not None:
            (self.folder / draft.file).unlink()
        draft.file = None
        self._copy(draft).unlink(missing_ok=True)

    def _copy(self, draft: Draft) -> Path:
        return self.folder / f"copy of {draft.id}.xml"

    def _date(self, file: Path, at: datetime | None = None) -> None:
        """Nobody looks at it before it has lain still."""
        when = (at or self.now()).timestamp()
        os.utime(file, (when, when))

    def _age_all(self) -> None:
        """Everything has lain still, each file in the order in which it was written."""
        for file in self.folder.iterdir():
            written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            self._date(file, min(written, self.now() - timedelta(hours=1)))

    # What people do; three times of four they save, else what they did waits for whoever saves next

    def _draft(self, which: int) -> Draft:
        return self.drafts[one_of(sorted(self.drafts), which)]

    def _done(self, draft: Draft, n: int) -> None:
        if n % 4 and draft.file is not None:
            self._save(draft)

    def _plain(self, draft: Draft) -> list[dict[str, Any]]:
        return [row for row in draft.tasks if not row["Summary"]]

    @move
    def save(self, which: int, n: int) -> None:
        """Whatever is new in it, or the same bytes again; the fourth plan for the first time."""
        draft = self._draft(which)
        self.given_up -= {id for id, one in self.drafts.items() if one is draft}
        self._save(draft)

    @move
    def touch(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if draft.file is not None:
            self._date(self.folder / draft.file)

    @move
    def write_half(self, which: int, n: int) -> None:
        """A program has begun to write the file, and was touched just now: it is whole when it lies still."""
        draft = self._draft(which)
        if draft.file is not None:
            file = self.folder / draft.file
            file.write_bytes(draft.content()[: n % 2_000])
            self._date(file)
            self.broken |= {id for id, one in self.drafts.items() if one is draft}

    @move
    def call_file_otherwise(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if draft.file is not None:
            self._save(draft, f"{one_of(('Zeta', 'alpha', 'Ü'), n)} {n % 5} of {draft.name}.xml")

    @move
    def leave_copy(self, which: int, n: int) -> None:
        """An older copy lies beside it, which nobody reads."""
        draft = self._draft(which)
        if draft.file is not None:
            copy = self._copy(draft)
            copy.write_bytes(draft.content())
            self._date(copy, self.now() - timedelta(days=200))

    @move
    def edit_task(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if draft.tasks:
            at = f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T08:00:00"
            values: tuple[dict[str, Any], ...] = (
                {"Name": f"{one_of(('Ada', 'Łukasz', 'Б &amp; x'), n)} {n}"}, {"PercentComplete": n % 101}, {"Start": at, "Finish": at},
                {"Deadline": at}, {"Duration": HOURS.format(n % 80)}, {"Work": HOURS.format(n % 80)}, {"Cost": n * 100},
                {"Priority": n % 1000},
                {"Milestone": n % 2}, {"ConstraintType": n % 8, "ConstraintDate": at}, {"Active": n % 2}, {"Notes": f"Noted {n}"},
                {"BCWS": n * 100, "BCWP": n * 50, "ACWP": n * 70},
            )  # fmt: skip
            one_of(draft.tasks, n).update(one_of(values, n // 4))
            self._done(draft, n)

    @move
    def add_task(self, which: int, n: int) -> None:
        draft = self._draft(which)
        uid = draft.number()
        draft.tasks.insert(n % (len(draft.tasks) + 1), task(uid, Summary=0, OutlineLevel=1 + n % 3))
        self._done(draft, n)

    @move
    def remove_tasks(self, which: int, n: int) -> None:
        """One; now and then all but two, which an admin has to confirm."""
        draft = self._draft(which)
        if len(draft.tasks) > 2:
            kept = draft.tasks[:2] if n % 7 == 0 else [row for row in draft.tasks if row is not one_of(draft.tasks, n)]
            draft.tasks = kept
            there = {row["UID"] for row in kept}
            draft.assignments = [one for one in draft.assignments if one["TaskUID"] in there]
            for row in kept:
                links = [one for one in row.get("PredecessorLink", ()) if one["PredecessorUID"] in there]
                row.pop("PredecessorLink", None)
                row.update({"PredecessorLink": links} if links else {})
            self._done(draft, n)

    @move
    def move_task(self, which: int, n: int) -> None:
        """To another place of the outline, on another level."""
        draft = self._draft(which)
        if draft.tasks:
            row = draft.tasks.pop(n % len(draft.tasks))
            row["OutlineLevel"] = 1 + n % 4
            draft.tasks.insert(n // 3 % (len(draft.tasks) + 1), row)
            self._done(draft, n)

    @move
    def link(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if len(draft.tasks) > 1:
            row, other = one_of(draft.tasks, n), one_of(draft.tasks, n // 3)
            links = [one for one in row.get("PredecessorLink", ()) if one["PredecessorUID"] != other["UID"]]
            if row is not other and len(links) == len(row.get("PredecessorLink", ())):
                links.append({"PredecessorUID": other["UID"], "Type": n % 4, "LinkLag": n % 9_000, "LagFormat": one_of((7, 19, 8), n)})
            row.pop("PredecessorLink", None)
            row.update({"PredecessorLink": links} if links else {})
            self._done(draft, n)

    @move
    def assign(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if n % 3 == 0 and draft.assignments:
            draft.assignments.pop(n % len(draft.assignments))
        elif n % 3 == 1 and draft.assignments:
            one_of(draft.assignments, n)["Work"] = HOURS.format(n % 90)
        elif draft.tasks and draft.resources:
            own = {"UID": draft.number(), "TaskUID": one_of(draft.tasks, n)["UID"], "ResourceUID": one_of(draft.resources, n)["UID"]}
            draft.assignments.append({**own, "Units": 1, "Work": HOURS.format(4)})
        self._done(draft, n)

    @move
    def change_resources(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if n % 3 == 0 or not draft.resources:
            uid = draft.number()
            draft.resources.append({"UID": uid, "ID": uid, "Name": f"Role {n}", "Type": n % 3, "IsGeneric": n % 2})
        elif n % 3 == 1:
            one_of(draft.resources, n)["MaxUnits"] = 1 + n % 3
        else:
            gone = draft.resources.pop(n % len(draft.resources))["UID"]
            draft.assignments = [one for one in draft.assignments if one["ResourceUID"] != gone]
        self._done(draft, n)

    @move
    def change_baselines(self, which: int, n: int) -> None:
        draft = self._draft(which)
        if draft.tasks:
            at = f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T08:00:00"
            one_of(draft.tasks, n)["Baseline"] = [
                {"Number": number, "Start": at, "Finish": at, "Work": HOURS.format(n % 9)} for number in range(n % 4)
            ]
            self._done(draft, n)

    @move
    def change_calendar(self, which: int, n: int) -> None:
        draft = self._draft(which)
        day = f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}"
        off = {"Exception": {"Name": f"Off {n}", "Type": 1, "DayWorking": 0, "Occurrences": 1, "EnteredByOccurrences": 0,
                             "TimePeriod": {"FromDate": f"{day}T00:00:00", "ToDate": f"{day}T23:59:00"}}}  # fmt: skip
        calendar = draft.calendars[0]
        calendar["Exceptions"] = off if n % 3 else []
        self._done(draft, n)

    @move
    def rename_plan(self, which: int, n: int) -> None:
        draft = self._draft(which)
        draft.name = f"{one_of(('Ada', 'Łukasz', 'Б'), n)} plan {n}"
        self._done(draft, n)
