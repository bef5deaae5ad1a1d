"""What a walk needs of a source of plans: what may be done to it, what may go wrong, and what it holds in the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import sqlalchemy as sa

from pmo_hub.services import connections, held
from pmo_hub.services.errors import Conflict
from pmo_hub.services.hub import Hub
from tests.convergence.estate import STARTS, TIMEOUT_S, ReadingHub, Switch, Waits, address

NAMES = ("Ada 🚧", "Łukasz", "Б", "x")
_Act = TypeVar("_Act", bound=Callable[..., None])
_T = TypeVar("_T")


def move(act: _Act) -> _Act:
    """The method is something that may happen to the source; it gets two numbers, from which it takes whatever it has to choose."""
    act.is_move = True  # type: ignore[attr-defined]
    return act


def one_of(values: Sequence[_T], n: int) -> _T:
    return values[n % len(values)]


class PlanEstate(ABC):
    """A source with a few small plans. What it tells late, or only in a full read, its moves note in `needs_full` and `names_untold`."""

    connector: ClassVar[Callable[[], Any]]
    mentioned: ClassVar[tuple[str, ...]] = ("labels", "components", "versions", "identities")
    """Tables whose rows outlive who names them."""
    appears: ClassVar[bool] = False
    """Whether plans are read without being chosen."""
    lasting: ClassVar[tuple[str, ...]] = ()
    """Kinds of payload that outlive who names them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.needs_full = self.names_untold = False
        self.watched: Sequence[Path] = ()

    @classmethod
    def moves(cls) -> tuple[str, ...]:
        return tuple(sorted(name for name in dir(cls) if getattr(getattr(cls, name), "is_move", False)))

    @classmethod
    @abstractmethod
    def address(cls) -> AbstractContextManager[Any]:
        """Whatever the sources of one test stand at, one after the other."""

    @classmethod
    def starts(cls) -> Sequence[datetime]:
        return STARTS

    @property
    @abstractmethod
    def first(self) -> tuple[str, ...]:
        """Plans that are chosen from the start; others may be chosen later."""

    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """The values of a connection to the source."""

    @abstractmethod
    def there(self) -> list[str]:
        """Plans that may be read now, by their scope."""

    @abstractmethod
    def lost(self) -> list[str]:
        """Plans that are there and may not be read now."""

    @abstractmethod
    def lose(self, plan: str) -> None: ...
    @abstractmethod
    def regain(self, plan: str) -> None: ...

    @abstractmethod
    def end(self, plan: str) -> None:
        """The plan is deleted for good."""

    @abstractmethod
    def fail(self, kind: int, which: int, nth: int, times: int) -> None:
        """Requests are answered otherwise from now on."""

    @abstractmethod
    def stop_faults(self) -> None: ...

    @abstractmethod
    def between_requests(self, nth: int, act: Callable[[], None] | None) -> None:
        """`act` happens before the nth request from now on; None takes it back."""

    @abstractmethod
    def heal(self) -> None:
        """Whatever the source may have lost besides plans (permissions, tables, its change tracking) is there again."""

    @abstractmethod
    def titles(self, chosen: Sequence[str]) -> dict[str, str]:
        """What the source itself holds: the external id of every task of these plans, with its title."""


class PlanHub(ReadingHub):
    """One database with one connection to the estate; it may watch the estate's folders."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], folder: Path, waits: Waits, estate: PlanEstate) -> None:
        self.estate = estate
        super().__init__(engine, now, folder, waits)

    def made(self) -> Any:
        return type(self.estate).connector()

    def _process(self) -> Hub:
        return replace(super()._process(), watched_folders=self.estate.watched)

    def join(self, chosen: tuple[str, ...]) -> None:
        """The connection is there; its first sync waits to be run."""
        draft = connections.Draft("Plans", self.made().name, dict(self.estate.config()), chosen)
        self.connection = connections.create(self.hub, draft, "test").connection.id

    def chosen(self) -> tuple[str, ...]:
        """The plans that the connection reads."""
        rows = self.rows("scopes").values()
        return tuple(sorted(row["external_id"] for row in rows if row["removed_at"] is None))

    def confirm(self) -> None:
        """An admin says of all that is held back that it is really gone."""
        try:
            self.resume(held.confirm(self.hub, self.connection, None, "test").id)
        except Conflict:
            return  # nothing is


STATUSES: tuple[dict[str, Any], ...] = (
    {"status": 429}, {"status": 429, "retry_after": 0}, {"status": 429, "retry_after": 7}, {"status": 429, "retry_after": 1800},
    {"status": 500}, {"status": 502}, {"status": 503}, {"status": 503, "retry_after": 3}, {"status": 503, "retry_after": 2400},
    {"status": 504}, {"status": 401}, {"status": 403}, {"status": 404}, {"status": 410}, {"status": 400},
)  # fmt: skip
WIRE = ("truncated", "reset", "html", "redirect", "unreadable", "delay")


class SwitchedEstate(PlanEstate):
    """A source that is a simulator at the switch's address, which ends with `base`."""

    base = ""

    def __init__(self, now: Callable[[], datetime], switch: Switch, simulator: Any) -> None:
        super().__init__(now)
        self.switch, self.simulator = switch, simulator
        simulator.url = switch.url
        switch.current, switch.during = simulator, None

    @classmethod
    def address(cls) -> AbstractContextManager[Switch]:
        return address(cls.base)

    def config(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.simulator.config()
        return found

    def stop_faults(self) -> None:
        self.simulator.clear_faults()

    def between_requests(self, nth: int, act: Callable[[], None] | None) -> None:
        self.switch.during = None if act is None else (nth, act)


class SimulatedEstate(SwitchedEstate):
    """A simulator of the sdk's kind. `paths` are where its faults strike."""

    paths: ClassVar[tuple[str, ...]]

    def __init__(self, now: Callable[[], datetime], switch: Switch, simulator: Any) -> None:
        super().__init__(now, switch, simulator)
        self._back = timedelta()

    def fail(self, kind: int, which: int, nth: int, times: int) -> None:
        path = one_of(self.paths, which)
        if kind % 3 == 0:
            name = one_of(WIRE, kind // 3)
            more = {"delay_s": 2 * TIMEOUT_S, "times": 1} if name == "delay" else {"times": times}
            self.simulator.fault(name, path=path, nth=nth, **more)
        else:
            self.simulator.fault("status", path=path, nth=nth, times=times, **one_of(STATUSES, kind // 3))

    @move
    def skew_the_server(self, which: int, n: int) -> None:
        """Its clock jumps; back by no more than a poll looks back for."""
        by = timedelta(seconds=one_of((-60, 3, 90, 4000), n))
        if by < timedelta() and self._back + by < timedelta(minutes=-2):
            return
        self._back = min(timedelta(), self._back + by)
        self.simulator.advance(by)
