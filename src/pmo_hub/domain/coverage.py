"""What of a source is mapped by guess or not at all, as a list of work: one entry a word, with how much hangs on it and what mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Dimension(StrEnum):
    STATUS = "status"
    TYPE = "type"
    PRIORITY = "priority"
    PERSON = "person"
    FIELD = "field"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Met:
    """A word as the items have it: `value` is what it was mapped to, `items` how many have it, `samples` ids of two of them."""

    id: str | None
    name: str | None
    value: str | None
    items: int
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A word as the kept dictionaries have it."""

    id: str
    name: str | None
    value: str | None
    grade: str
    rule: str


@dataclass(frozen=True, slots=True)
class Gap:
    """`grade` is guessed, unmapped, or of references and people missing. `mend` says in a sentence what to do; `rule` names the rule."""

    dimension: Dimension
    id: str | None
    name: str | None
    value: str | None
    grade: str
    items: int
    samples: tuple[str, ...]
    rule: str | None
    mend: str


def statuses(met: Sequence[Met], known: Sequence[Known]) -> list[Gap]:
    """Statuses in use that the source gives no category, or that its kept dictionary lacks."""
    by_id = {word.id: word for word in known}
    return [
        _gap(Dimension.STATUS, one, word, f"Give status {_shown(one)} a category by the rule status_category.", "status_category")
        for one in met
        if (word := by_id.get(one.id or "")) is None or word.grade in ("guessed", "unmapped")
    ]


def types(met: Sequence[Met], known: Sequence[Known]) -> list[Gap]:
    """Types in use whose kind is guessed from a part of their name, or is no more than a default."""
    by_name = {(word.name or word.id).casefold(): word for word in known}
    found = []
    for one in met:
        word = by_name.get((one.name or "").casefold())
        if word is None or word.grade in ("guessed", "unmapped"):
            id = word.id if word is not None else None
            found.append(
                _gap(Dimension.TYPE, Met(id, one.name, one.value, one.items, one.samples), word,
                     f"Say by the rule kind what a {one.name!r} is; it is taken for a {one.value}.", "kind")
            )  # fmt: skip
    return found


def priorities(met: Sequence[Met], known: Sequence[Known]) -> list[Gap]:
    """Priorities in use that have no place on the scale; all of them as guessed where the source's scale can't be read."""
    found = []
    for one in met:
        grade = "unmapped" if one.value is None else "guessed" if not known else None
        if grade is not None:
            mend = f"Give priority {one.name!r} a number from 0 to 100 by the rule priority."
            found.append(Gap(Dimension.PRIORITY, one.id, one.name, one.value, grade, one.items, one.samples, "priority", mend))
    return found


def fields(met: Sequence[Met], known: Sequence[Known]) -> list[Gap]:
    """Custom fields that are filled and that nothing uses."""
    by_id = {word.id: word for word in known}
    found = []
    for one in met:
        word = by_id.get(one.id or "")
        if word is None or (word.value is None and word.grade != "ruled"):
            mend = f"Nothing uses {one.name!r}; the rule {word.rule} could." if word else f"No rule names {one.name!r}."
            found.append(_gap(Dimension.FIELD, one, word, mend, word.rule if word else None))
    return found


def people(met: Sequence[Met]) -> list[Gap]:
    """Accounts that work is assigned to and that stand for nobody: no e-mail address by which to know them, and no person."""
    return [
        Gap(Dimension.PERSON, one.id, one.name, None, "missing", one.items, one.samples, None,
            f"{one.name or 'The account'} shows no e-mail address: say which person it is, or let the source show the address.")
        for one in met
    ]  # fmt: skip


def references(met: Sequence[Met], nouns: Mapping[str, str]) -> list[Gap]:
    """References that lead nowhere, by the name of what refers; `nouns` say what each is in words."""
    return [
        Gap(Dimension.REFERENCE, one.id, one.name, None, "missing", one.items, one.samples, None,
            f"{nouns[one.id or '']} lead to items that no connection reads: read their scope too, or mend the links at the source.")
        for one in met
        if one.items
    ]  # fmt: skip


def _gap(dimension: Dimension, met: Met, word: Known | None, mend: str, rule: str | None) -> Gap:
    grade = word.grade if word is not None else "unmapped"
    return Gap(dimension, met.id, met.name, met.value, grade, met.items, met.samples, rule, mend)


def _shown(met: Met) -> str:
    return f"{met.name!r} ({met.id})" if met.id else repr(met.name)
