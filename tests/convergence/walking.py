"""What every walk has: clocks that go apart, a hub whose process may die at a commit, runs in any order, an end when nothing is wrong."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from pmo_hub.services.errors import Conflict, Unavailable
from pmo_hub.services.sync import Busy
from pmo_hub.store.repositories import syncing
from tests.convergence.comparison import Differs
from tests.convergence.estate import Killed, ReadingHub, Waits, patched

SOME = st.integers(0, 10_000)
MODES = ("incremental", "census", "full")
_DETAIL = sa.text("SELECT detail FROM sync_runs WHERE id = :id")


class Databases(Protocol):
    """Lends migrated databases."""

    def lend(self) -> sa.Engine: ...
    def take_back(self, engine: sa.Engine) -> None: ...


class Walk(RuleBasedStateMachine):
    """`databases`, `switch` and `folder` are lent by the test; `readers` above 1 gives up the order in which requests come."""

    databases: Databases
    switch: Any
    folder: Path
    readers = 1
    tally: Counter[str]

    stack: ExitStack
    waits: Waits
    time: datetime
    hub: Any
    chosen: tuple[str, ...]

    def enter(self, start: datetime, skew_s: int) -> None:
        """The clocks of source and hub may be far apart; each of them alone jumps by little."""
        self.stack = ExitStack()
        self.waits = Waits()
        self.stack.enter_context(patched(self.waits, self.readers))
        self.time = start
        self.hub_skew = timedelta(seconds=skew_s)
        self.disturbed = False
        self.lent: list[sa.Engine] = []

    def hub_now(self) -> datetime:
        return self.time + self.hub_skew

    def lend(self) -> sa.Engine:
        """A database that is taken back at the end."""
        self.lent.append(self.databases.lend())
        return self.lent[-1]

    # What each source has of its own

    def new_hub(self) -> ReadingHub:
        """A hub that has read nothing yet."""
        raise NotImplementedError

    def stop_faults(self) -> None:
        """The wire works again."""
        raise NotImplementedError

    def settle(self) -> None:
        """Nothing is wrong any more; raises Differs where the hub then is not what the source is."""
        raise NotImplementedError

    # Clocks

    @rule(by=st.sampled_from((30, 300, 1200, 4000, 25_000, 90_000)))
    def let_time_pass(self, by: int) -> None:
        self.time += timedelta(seconds=by)
        self.waits.pass_by(by)

    @rule(by=st.sampled_from((-30, -2, 30, 4000)))
    def skew_the_hub(self, by: int) -> None:
        self.hub_skew += timedelta(seconds=by)

    @rule()
    def mend(self) -> None:
        self.stop_faults()
        self.disturbed = False

    # The hub

    def choose(self, wanted: tuple[str, ...]) -> None:
        """The connection reads exactly these scopes."""
        try:
            self.hub.choose(wanted)
        except (Conflict, Unavailable, Busy):
            self.let_time_pass(2000)  # the lease of a process that was killed is over then, and so is a wait that was asked for
            self.hub.choose(wanted)
        self.chosen = wanted

    @rule(by=st.integers(1, 90))
    def poll_later(self, by: int) -> None:
        self.let_time_pass(by * 60)
        self.read("incremental")

    @rule(mode=st.sampled_from(("incremental", *MODES)))
    def run(self, mode: str) -> None:
        self.read(mode)

    @rule(mode=st.sampled_from(MODES), commit=st.integers(1, 14), before=st.booleans(), again=st.booleans())
    def crash(self, mode: str, commit: int, before: bool, again: bool) -> None:
        """The process dies at a commit; the run that it leaves is handed out again, or not."""
        self.hub.cable.pull_at(commit, before)
        with suppress(Killed):
            self.read(mode)
        self.hub.restart()
        if again:
            self.read_unfinished()

    def read_unfinished(self) -> None:
        """What was queued, waits or was cut off is handed out again."""
        for run_id in self.hub.unfinished():
            self.judge(self.hub.resume(run_id))

    def read(self, mode: str) -> syncing.Run:
        """A run of that mode to its end."""
        self.time += timedelta(seconds=2)
        return self.judge(self.hub.run(mode))

    def judge(self, run: syncing.Run) -> syncing.Run:
        """Whatever happens, the hub does not break."""
        self.tally[f"{run.mode} {run.state}"] += 1
        self.time += timedelta(seconds=2)
        with self.hub.work.read() as opened:
            detail = opened.execute(_DETAIL, {"id": run.id}).scalar()
        if detail:
            raise Differs(f"the run broke on an error of the hub:\n{detail}")
        return run

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.settle()
        finally:
            self.switch.during = None
            self.stack.close()
            for engine in self.lent:
                self.databases.take_back(engine)


class HeardWalk(Walk):
    """A source that is one simulator, whose webhooks the hub hears; polls look back for `overlap`."""

    overlap: ClassVar[timedelta]

    simulator: Any

    def join(self) -> None:
        """The simulator is the one at the address, and connected; its first sync waits to be run."""
        self.switch.current, self.switch.during = self.simulator, None
        self.server_back = timedelta()
        self.hub = self.new_hub()
        self.hub.connect(self.simulator, self.switch.url, self.chosen)
        self.hub.listen(self.simulator)

    def stop_faults(self) -> None:
        self.simulator.clear_faults()

    def skew_the_source(self, by: int) -> None:
        """Its clock jumps; back by no more than half of what a poll looks back for."""
        back = min(timedelta(), self.server_back + timedelta(seconds=by))
        if by > 0 or back >= -self.overlap / 2:
            self.server_back = back
            self.simulator.advance(timedelta(seconds=by))

    def choose(self, wanted: tuple[str, ...]) -> None:
        """Faults wait meanwhile."""
        faults = list(self.simulator.faults)
        self.simulator.faults.clear()
        super().choose(wanted)
        self.simulator.faults.extend(faults)

    def read_while(self, mode: str, nth: int, act: Callable[[], None]) -> None:
        """A run in which something is done before its nth request."""
        was, self.disturbed = self.disturbed, True
        self.switch.during = (nth, act)
        self.read(mode)
        self.switch.during = None
        self.disturbed = was

    @rule(shuffled=st.randoms(use_true_random=False), kept=st.sampled_from((0.5, 1.0)), doubled=st.booleans(), now=st.booleans())
    def hear(self, shuffled: Random, kept: float, doubled: bool, now: bool) -> None:
        """Webhooks come: some of them, in any order, some twice; what they name is fetched now, or by whichever run is next."""
        events = [event for event in self.simulator.hooks.outbox if shuffled.random() < kept]
        self.simulator.hooks.outbox.clear()
        shuffled.shuffle(events)
        for event in events * (1 + doubled):
            self.hub.hear(self.simulator, event)
        if now:
            self.read_unfinished()

    def finish(self, mode: str) -> None:
        """A run of that mode that is held back by nothing but what a census found."""
        run = self.read(mode)
        if run.state == "held":
            run = self.read("accepting_census")
        if run.state != "finished" or run.error:
            raise Differs(f"with nothing wrong any more, {mode} ended as {run.state}: {run.error}")

    def fresh(self) -> ReadingHub:
        """Another hub, which has read the source as it is now."""
        other = self.new_hub()
        other.connect(self.simulator, self.switch.url, self.chosen)
        first = other.run("incremental")
        assert first.state == "finished", first.error
        return other
