"""What an item's recorded changes tell: when it was in which iteration, when work began and ended, what it was at an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import inf

from pmo_hub.domain.vocabulary import Field, Kind, RecordType, StatusCategory

ENDED = frozenset({StatusCategory.DONE, StatusCategory.CANCELLED})


@dataclass(frozen=True, slots=True)
class Change:
    """A transition of one item; ids and texts are the source's own. `id` orders changes of one instant, counting up.

    `from_category` is what a status change came from, where the source told.
    """

    field: str
    at: datetime
    from_id: str | None = None
    from_text: str | None = None
    to_id: str | None = None
    to_text: str | None = None
    id: str = ""
    from_category: StatusCategory | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """The item was in the iteration from `joined_at` (None = unknown) until `left_at` (None = it still is)."""

    iteration_id: str
    joined_at: datetime | None
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timing:
    """`reopened` counts moves from done or cancelled back to work; `due_moves` counts changes of one due date to another."""

    started_at: datetime | None
    done_at: datetime | None
    status_since: datetime | None
    reopened: int
    due_moves: int


def in_order(changes: Iterable[Change], field: str | None = None) -> list[Change]:
    """The changes (of one field) from the oldest to the newest."""
    return sorted((c for c in changes if field is None or c.field == field), key=lambda c: (c.at, len(c.id), c.id))


def listed(text: str | None) -> tuple[str, ...]:
    """The ids of a list that a source records as one text, separated by commas."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def iteration_stays(
    created_at: datetime | None,
    current: Sequence[str],
    changes: Iterable[Change],
    row_id_of: Callable[[str], str] = str,
    complete: bool = True,
) -> tuple[Stay, ...]:
    """Every stay of an item in an iteration, a second stay in the same one included, in the order of joining.

    `current` are row ids; the lists in `changes` (Field.ITERATION, whole lists before and after, as ids) are the source's and go through
    `row_id_of`. An item that no change puts into an iteration was created in it; with `complete` False (the history was not read) when it
    joined is unknown. A change that contradicts the one before it wins: who is missing from its "before" left at the change before, since
    later there is no sign of the item being in. The same holds where `current` contradicts the last change.
    """
    since: dict[str, datetime | None] = {}
    stays: list[Stay] = []
    last: datetime | None = None
    for number, change in enumerate(in_order(changes, Field.ITERATION)):
        before = [row_id_of(x) for x in listed(change.from_id)]
        after = [row_id_of(x) for x in listed(change.to_id)]
        if number == 0:
            since = dict.fromkeys(before, created_at if complete else None)
        else:
            _close(since, set(since) - set(before), last, stays)
            for iteration in before:
                since.setdefault(iteration, None)
        _close(since, set(since) - set(after), change.at, stays)
        for iteration in after:
            since.setdefault(iteration, change.at)
        last = change.at
    if last is None:
        since = dict.fromkeys(current, created_at if complete else None)
    else:
        _close(since, set(since) - set(current), last, stays)
        for iteration in current:
            since.setdefault(iteration, None)
    stays.extend(Stay(iteration, joined, None) for iteration, joined in since.items())
    return tuple(sorted(stays, key=lambda s: (s.joined_at.timestamp() if s.joined_at else -inf, s.iteration_id)))


def _close(since: dict[str, datetime | None], gone: Iterable[str], at: datetime | None, stays: list[Stay]) -> None:
    for iteration in sorted(gone):
        stays.append(Stay(iteration, since.pop(iteration), at))


def timing(
    category: StatusCategory,
    status: str,
    status_id: str | None,
    created_at: datetime | None,
    actual_finish: datetime | None,
    changes: Iterable[Change],
    categories: Mapping[str, StatusCategory],
    complete: bool = True,
) -> Timing:
    """When work on an item began and ended, from its status changes.

    `category`, `status` and `status_id` are today's. `categories` says what the source's status ids (or, where it records none, names)
    mean; a status that nobody knows any more is no evidence and counts as the category before it. Started: the first move into progress,
    or the creation if the item was created in progress; an item that jumped to done never was seen started. Done: the move after which
    it stayed done or cancelled; `actual_finish` where no move tells. `complete` False means that the history was not read.
    """
    changes = list(changes)
    moves = in_order(changes, Field.STATUS)
    due_moves = sum(1 for c in changes if c.field == Field.DUE and _day(c.from_id, c.from_text) and _moved(c))
    if not moves:
        if not complete:
            return Timing(None, actual_finish if category in ENDED else None, None, 0, due_moves)
        started = created_at if category is StatusCategory.IN_PROGRESS else None
        done = (actual_finish or created_at) if category in ENDED else None
        return Timing(started, done, created_at, 0, due_moves)
    known = _meaning(categories, moves[0].from_id, moves[0].from_text)
    started = created_at if known is StatusCategory.IN_PROGRESS else None
    done = created_at if known in ENDED else None
    reopened = 0
    for move in moves:
        to = _meaning(categories, move.to_id, move.to_text)
        if move is moves[-1] and _leads_to(move, status, status_id):
            to = category
        if to is None:
            continue
        if to is StatusCategory.IN_PROGRESS and started is None:
            started = move.at
        if to in ENDED:
            done = done if known in ENDED else move.at
        else:
            reopened += known in ENDED
            done = None
        known = to
    arrived = _leads_to(moves[-1], status, status_id)
    if category not in ENDED:
        done = None
    elif done is None:
        done = actual_finish
    return Timing(started, done, moves[-1].at if arrived else None, reopened, due_moves)


def _meaning(categories: Mapping[str, StatusCategory], id: str | None, text: str | None) -> StatusCategory | None:
    found = categories.get(id) if id is not None else None
    return found if found is not None or text is None else categories.get(text)


def _leads_to(move: Change, status: str, status_id: str | None) -> bool:
    """Whether the move ends in that status; one renamed or merged by an admin changes without a move."""
    return move.to_id == status_id if status_id is not None and move.to_id is not None else move.to_text == status


def _day(*texts: str | None) -> date | None:
    """The day that the first readable text begins with: sources write "2026-11-03" as well as "2026-11-03 00:00:00.0"."""
    for text in texts:
        if text:
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                continue
    return None


def _moved(change: Change) -> bool:
    before, after = _day(change.from_id, change.from_text), _day(change.to_id, change.to_text)
    return after is not None and after != before


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item at an instant; ids are row ids. None is unknown or, in columns that may be empty, nothing there."""

    scope_id: str | None
    key: str | None
    title: str | None
    description: str | None
    kind: Kind | None
    original_type: str | None
    status_category: StatusCategory | None
    original_status: str | None
    original_status_id: str | None
    resolution: str | None
    parent_id: str | None
    priority: int | None
    original_priority: str | None
    assignee_id: str | None
    planned_start: date | None
    due: date | None
    points: float | None
    work_hours: float | None
    remaining_hours: float | None
    flagged: bool | None
    labels: tuple[str, ...] | None
    component_ids: tuple[str, ...] | None
    version_ids: tuple[str, ...] | None
    iteration_ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Dictionary:
    """How the source's words read in the hub. `identify` makes a row id of a record type (or "scope") and an external id."""

    categories: Mapping[str, StatusCategory]  # by status id, and by name where a source records no ids
    kinds: Mapping[str, Kind]  # by original type
    priorities: Mapping[str, int]  # by original priority
    identify: Callable[[str, str], str]


_OF_FIELD: dict[Field, tuple[str, ...]] = {
    Field.STATUS: ("original_status", "original_status_id", "status_category"),
    Field.ASSIGNEE: ("assignee_id",),
    Field.ITERATION: ("iteration_ids",),
    Field.POINTS: ("points",),
    Field.PARENT: ("parent_id",),
    Field.DUE: ("due",),
    Field.PLANNED_START: ("planned_start",),
    Field.PRIORITY: ("priority", "original_priority"),
    Field.TITLE: ("title",),
    Field.DESCRIPTION: ("description",),
    Field.TYPE: ("kind", "original_type"),
    Field.KEY: ("key",),
    Field.SCOPE: ("scope_id",),
    Field.RESOLUTION: ("resolution",),
    Field.FLAGGED: ("flagged",),
    Field.LABELS: ("labels",),
    Field.COMPONENTS: ("component_ids",),
    Field.VERSIONS: ("version_ids",),
    Field.WORK: ("work_hours",),
    Field.REMAINING: ("remaining_hours",),
}
RECORDED = frozenset(_OF_FIELD)
"""The fields whose changes a source that tells its history records."""


def state_at(
    first: ItemState, changes: Iterable[Change], at: datetime, words: Dictionary, recorded: frozenset[Field] = RECORDED
) -> ItemState:
    """The item as it was at `at`, which is before the hub first saw it as `first`.

    Walks back: a field whose changes the source records was at `at` what its first change after `at` says it was before, and what `first`
    says where no change follows. A field outside `recorded` is unknown, and so is a value whose words nobody can read any more.
    """
    values: dict[str, object] = {name: None for field, names in _OF_FIELD.items() if field not in recorded for name in names}
    for change in reversed(in_order(c for c in changes if c.at > at)):
        # The oldest change after `at` comes last here, so its word stays.
        if change.field in recorded:
            values |= _before(Field(change.field), change, values, first, words)
    return replace(first, **values)  # type: ignore[arg-type]


_Reader = Callable[[str | None, str | None, Dictionary], tuple[object, ...]]

# Reads (from_id, from_text) into the columns of the field, in the order of _OF_FIELD. A field that is not here (hours, long texts) is
# written by sources in units of their own, or shortened: what it was before a change can't be told.
_READERS: dict[Field, _Reader] = {
    Field.STATUS: lambda id, text, words: (text, id, _meaning(words.categories, id, text)),
    Field.ASSIGNEE: lambda id, _, words: (words.identify(RecordType.IDENTITY, id) if id else None,),
    Field.ITERATION: lambda id, _, words: (tuple(words.identify(RecordType.ITERATION, x) for x in listed(id)),),
    Field.POINTS: lambda _, text, words: (_number(text),),
    Field.PARENT: lambda id, _, words: (words.identify(RecordType.WORK_ITEM, id) if id else None,),
    Field.DUE: lambda id, text, _: (_day(id, text),),
    Field.PLANNED_START: lambda id, text, _: (_day(id, text),),
    Field.PRIORITY: lambda _, text, words: (words.priorities.get(text or ""), text),
    Field.TITLE: lambda _, text, words: (text or None,),
    Field.TYPE: lambda _, text, words: (words.kinds.get(text or ""), text),
    Field.KEY: lambda _, text, words: (text or None,),
    Field.SCOPE: lambda id, _, words: (words.identify("scope", id) if id else None,),
    Field.RESOLUTION: lambda _, text, words: (text or None,),
    Field.FLAGGED: lambda _, text, words: (bool(text),),
    Field.LABELS: lambda _, text, words: (tuple((text or "").split()),),
}


def _before(field: Field, change: Change, walked: Mapping[str, object], first: ItemState, words: Dictionary) -> dict[str, object]:
    """What the item's columns of that field held just before the change."""
    names = _OF_FIELD[field]
    if field in (Field.COMPONENTS, Field.VERSIONS):
        kind = RecordType.COMPONENT if field is Field.COMPONENTS else RecordType.VERSION
        held = walked.get(names[0], getattr(first, names[0]))
        return {names[0]: _without(held, change, lambda external_id: words.identify(kind, external_id))}
    reader = _READERS.get(field)
    if reader is None:
        return dict.fromkeys(names)
    read: dict[str, object] = dict(zip(names, reader(change.from_id, change.from_text, words), strict=True))
    return read | {"status_category": change.from_category} if change.from_category else read


def _without(held: object, change: Change, row_id_of: Callable[[str], str]) -> tuple[str, ...] | None:
    """A set before one change of it: sources record each thing that came (`to`) or went (`from`) by itself."""
    if not isinstance(held, tuple):
        return None
    came = {row_id_of(x) for x in listed(change.to_id)}
    went = tuple(row_id_of(x) for x in listed(change.from_id))
    return tuple(x for x in held if x not in came) + tuple(x for x in went if x not in held)
