"""Types of the rule language, and the schema of the names that an expression may read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Scalar(StrEnum):
    """Types without parts. A date is a day in the project's zone, a timestamp an instant."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class ListOf:
    element: Type

    def __str__(self) -> str:
        return f"list of {self.element}"


@dataclass(frozen=True, slots=True)
class Record:
    """An element of a list that has fields of its own."""

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return "record"


Type = Scalar | ListOf | Record
Schema = Mapping[str, Type]

NUMBERS = frozenset({Scalar.INT, Scalar.DOUBLE})
ORDERED = frozenset({Scalar.INT, Scalar.DOUBLE, Scalar.STRING, Scalar.DATE, Scalar.TIMESTAMP, Scalar.DURATION})


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the most alike of the known names; None when nothing comes near."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else None


def fits(given: Type, wanted: Type) -> bool:
    """Whether a value of one type may stand where the other is asked for: an int for a double, an instant for its day."""
    if given == wanted:
        return True
    return (given, wanted) in ((Scalar.INT, Scalar.DOUBLE), (Scalar.TIMESTAMP, Scalar.DATE))


def joined(first: Type, second: Type) -> Type | None:
    """The type that both can be read as; None when there is none. An instant is never read as a day here."""
    if first == second:
        return first
    return Scalar.DOUBLE if first in NUMBERS and second in NUMBERS else None
