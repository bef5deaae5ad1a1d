"""The state machine of plans: one walk over whatever source an estate is of, on the moves that it knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.convergence.comparison import PLANNED, Differs, compare
from tests.convergence.plan_estate import PlanEstate, PlanHub
from tests.convergence.walking import MODES, SOME, Walk

STARTS = st.runner().flatmap(lambda machine: st.sampled_from(machine.kind.starts()))
MOVES = st.runner().flatmap(lambda machine: st.sampled_from(machine.kind.moves()))


class PlanConvergence(Walk):
    """`kind` is what makes an estate, given the address that the test lends and a clock."""

    kind: ClassVar[Any]
    estate: PlanEstate

    @initialize(
        start=st.runner().flatmap(lambda machine: st.sampled_from(machine.kind.starts())), skew_s=st.sampled_from((0, -400, 90_000))
    )
    def begin(self, start: datetime, skew_s: int) -> None:
        self.enter(start, skew_s)
        self.estate = self.kind(lambda: self.time, self.switch)
        self.chosen = self.estate.first
        self.ended: set[str] = set()
        self.hub = self.new_hub()
        self.hub.join(self.chosen)

    def new_hub(self) -> PlanHub:
        return PlanHub(self.lend(), self.hub_now, self.folder, self.waits, self.estate)

    def stop_faults(self) -> None:
        self.estate.stop_faults()

    # What happens to the plans

    def act(self, move: str, which: int, n: int) -> None:
        getattr(self.estate, move)(which, n)
        self.tally[f"moved: {move}"] += 1
        self.time += timedelta(seconds=1)

    @rule(move=MOVES, which=SOME, n=SOME)
    def change(self, move: str, which: int, n: int) -> None:
        self.act(move, which, n)

    @rule(first=MOVES, second=MOVES, third=MOVES, which=SOME, n=SOME, by=st.integers(1, 90))
    def work_and_poll(self, first: str, second: str, third: str, which: int, n: int, by: int) -> None:
        """A few things at once, as on most days."""
        for number, move in enumerate((first, second, third)):
            self.act(move, which + number, n + number)
        self.poll_later(by)

    @rule(which=SOME)
    def lose(self, which: int) -> None:
        there = self.estate.there()
        if len(there) > 1:
            self.estate.lose(there[which % len(there)])

    @rule(which=SOME)
    def regain(self, which: int) -> None:
        lost = self.estate.lost()
        if lost:
            self.estate.regain(lost[which % len(lost)])

    @rule(which=SOME)
    def end(self, which: int) -> None:
        """A plan is deleted, or its file is; what was read of it stays, until somebody gives it up."""
        there = self.estate.there()
        if len(there) > 2:
            plan = there[which % len(there)]
            self.estate.end(plan)
            self.ended.add(plan)

    @rule(which=SOME)
    def choose_or_drop(self, which: int) -> None:
        chosen = self.hub.chosen()
        known = sorted({*self.estate.there(), *chosen})
        plan = known[which % len(known)]
        wanted = tuple(one for one in chosen if one != plan) if plan in chosen else (*chosen, plan)
        if wanted:
            self.stop_faults()
            self.estate.heal()
            self.choose(wanted)

    # Faults

    @rule(kind=SOME, which=SOME, nth=st.integers(1, 8), times=st.sampled_from((1, 2, 6)))
    def fail(self, kind: int, which: int, nth: int, times: int) -> None:
        self.estate.fail(kind, which, nth, times)

    @rule(mode=st.sampled_from(MODES), nth=st.integers(1, 25), move=MOVES, which=SOME, n=SOME)
    def run_while_people_work(self, mode: str, nth: int, move: str, which: int, n: int) -> None:
        """Something happens to the plans between two requests of a run."""
        acted: list[Exception] = []

        def act() -> None:
            try:
                getattr(self.estate, move)(which, n)
            except Exception as error:  # noqa: BLE001  told by the walk's own thread, below
                acted.append(error)

        self.estate.between_requests(nth, act)
        self.read(mode)
        self.estate.between_requests(0, None)
        if acted:
            raise acted[0]

    # The end

    def settle(self) -> None:
        """The faults end, all plans may be read again, who was deleted is given up, a day passes; then a poll and two censuses."""
        self.estate.between_requests(0, None)
        self.mend()
        self.estate.heal()
        for plan in self.estate.lost():
            self.estate.regain(plan)
        self.let_time_pass(30 * 3600)
        there = self.estate.there()
        wanted = tuple(there if self.estate.appears else [plan for plan in self.hub.chosen() if plan in there] or there[:1])
        self.choose(wanted)
        for mode in ("incremental", "census", "census", *(("full",) if self.estate.needs_full else ())):
            self._finish(mode)
            self.time += timedelta(minutes=30)
        fresh = self.new_hub()
        fresh.join(self.chosen)
        first = fresh.run("incremental")
        assert first.state == "finished", first.error
        kind = type(self.estate)
        compare(self.hub, fresh, "", names_untold=self.estate.names_untold, equal=PLANNED, mentioned=kind.mentioned, lasting=kind.lasting)
        self._compare_with_source()

    def _finish(self, mode: str) -> None:
        run = self.read(mode)
        if run.state == "held":
            accept: Callable[[], Any] = self.hub.confirm if mode != "census" else lambda: self.read("accepting_census")
            accept()
            run = self.read(mode)
        lost = {row["name"]: row["error"] for row in self.hub.rows("scopes").values() if row["error"] and row["removed_at"] is None}
        if run.state != "finished" or lost:
            raise Differs(f"with nothing wrong any more, {mode} ended as {run.state}: {run.error or lost}")

    def _compare_with_source(self) -> None:
        """The tasks are those of the source: a fault that all hubs share shows here."""
        held = {row["external_id"]: row["title"] for row in self.hub.rows("work_items").values()}
        wanted = self.estate.titles(self.chosen)
        said = [f"{id} is missing: {wanted[id]}" for id in wanted.keys() - held.keys()]
        said += [f"{id} is not there any more: {held[id]}" for id in held.keys() - wanted.keys()]
        said += [f"{id}: (hub, source) {held[id], wanted[id]}" for id in held.keys() & wanted.keys() if held[id] != wanted[id]]
        if said:
            raise Differs("the hub differs from the source:\n" + "\n".join(sorted(said)[:40]))


def of(kind: type[PlanEstate]) -> type[PlanConvergence]:
    """The machine that walks estates of this kind."""
    return type(f"{kind.__name__}Convergence", (PlanConvergence,), {"kind": kind})
