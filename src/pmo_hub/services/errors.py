"""What a use case may raise; `api/errors.py` and the command line say it in their own words.

ServiceError
├── NotFound      there is no such thing
├── Ended         there was one, and it is known when and why it ended
├── Conflict      what is asked for clashes with what is there
├── Invalid       the input is wrong; says where
├── Refused       the hub declines to do it
├── Unproven      a delivery of a webhook does not show who sent it
└── Unavailable   the source, or the hub itself, can't answer now
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of the input; `pointer` is a JSON Pointer (RFC 6901) into the body, "" the whole of it."""

    pointer: str
    why: str
    code: str = "invalid"


class ServiceError(Exception):
    """Base of everything that a use case raises on purpose; its text is one sentence for the caller."""


class NotFound(ServiceError):
    """There is no such thing, or the caller may not know of it."""

    def __init__(self, noun: str, id: str) -> None:
        super().__init__(f"There is no {noun} {id!r}.")
        self.noun = noun
        self.id = id


class Ended(ServiceError):
    """The thing was there and ended; its history is kept."""

    def __init__(self, noun: str, id: str, reason: str, at: datetime) -> None:
        super().__init__(f"The {noun} {id!r} ended at {at.isoformat()}: {reason}.")
        self.noun = noun
        self.id = id
        self.reason = reason
        self.at = at


class Conflict(ServiceError):
    """What is asked for clashes with what is there."""


class Invalid(ServiceError):
    """The input is wrong at one or more places."""

    def __init__(self, pointer: str, why: str, *more: Fault, code: str = "invalid") -> None:
        super().__init__(why)
        self.faults: tuple[Fault, ...] = (Fault(pointer, why, code), *more)

    @classmethod
    def of(cls, faults: list[Fault]) -> Invalid:
        """One error for several faults, of which there is at least one."""
        first, *more = faults
        return cls(first.pointer, first.why, *more, code=first.code)


class Refused(ServiceError):
    """The hub could do it and declines; the text says why and what else to do."""


class Unproven(ServiceError):
    """A delivery does not show who sent it, or nobody takes it; its sender is told no more than that."""


class Unavailable(ServiceError):
    """Nobody did anything wrong: it can't be answered now, and may be after `retry_after`."""

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after
