"""What an iteration promised and what became of it: its scope at the start, what was added and removed, and its end.

The scope at the start is what stood in the iteration at that very instant, with the points of then. An item that was done before it was
in the iteration is neither promised nor delivered by it (a source's own report calls it completed outside). Measures: Scrum's say/do,
scope change and carry-over, as agile metrics have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pmo_hub.domain.timeline import ENDED, Change, Stay, in_order
from pmo_hub.domain.vocabulary import Field, StatusCategory

MOMENT = timedelta(minutes=1)
"""Closing an iteration and moving its open items on are one act of a user, written down within so long."""


class Basis(StrEnum):
    """How the scope at an instant is known."""

    RECORDED = "recorded"  # the hub knew the items already then
    RECONSTRUCTED = "reconstructed"  # put together from what the source recorded
    UNKNOWN = "unknown"  # neither


class Outcome(StrEnum):
    """What became of an item by the end of the iteration."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DONE_BEFORE = "done_before"
    NOT_COMPLETED = "not_completed"
    CARRIED_OVER = "carried_over"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Member:
    """An item that is or was in an iteration, as it is now and with what changed.

    `stays` are those in the iteration, `elsewhere` those in others; `changes` need hold no more than status and points.
    """

    item_id: str
    category: StatusCategory
    points: float | None
    stays: Sequence[Stay]
    elsewhere: Sequence[Stay] = ()
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """An item's part in an iteration; `end_points` and `outcome` are None until it is closed.

    `joined_at` is when it came into the iteration as it stands in it here, None for unknown; `left_at` when it went for good.
    """

    item_id: str
    at_start: bool
    start_points: float | None
    done_before: bool
    joined_at: datetime | None
    left_at: datetime | None = None
    end_points: float | None = None
    outcome: Outcome | None = None


def opening(members: Iterable[Member], start: datetime, categories: Mapping[str, StatusCategory]) -> list[Line]:
    """The scope at the start: a line for each item that was in the iteration at that instant."""
    lines = []
    for member in members:
        stay = _stay(member.stays, start)
        if stay is not None:
            done = category_at(member.category, member.changes, start, categories) in ENDED
            points = points_at(member.points, member.changes, start)
            lines.append(Line(member.item_id, True, points, done, stay.joined_at))
    return lines


def closing(
    lines: Iterable[Line], members: Iterable[Member], start: datetime, end: datetime, categories: Mapping[str, StatusCategory]
) -> list[Line]:
    """The lines of the opening carried to the end, and a line for each item that joined in between.

    What stood in the opening keeps what is written there. One of its items that is no member any more was deleted: removed.
    """
    by_item = {member.item_id: member for member in members}
    closed = []
    for line in lines:
        member = by_item.pop(line.item_id, None)
        if member is None:
            closed.append(_with(line, None, None, Outcome.REMOVED))
        else:
            closed.append(_closed(line, member, end, categories))
    for member in by_item.values():
        joined = min((s.joined_at for s in member.stays if s.joined_at is not None and start < s.joined_at <= end), default=None)
        if joined is not None:
            done = category_at(member.category, member.changes, joined, categories) in ENDED
            closed.append(_closed(Line(member.item_id, False, None, done, joined), member, end, categories))
    return closed


def points_at(now: float | None, changes: Iterable[Change], at: datetime) -> float | None:
    """An item's points at an instant: what the first change after it says they were before, or what they are."""
    change = _first_after(changes, Field.POINTS, at)
    if change is None:
        return now
    try:
        return float(change.from_text) if change.from_text else None
    except ValueError:
        return None


def category_at(
    now: StatusCategory, changes: Iterable[Change], at: datetime, categories: Mapping[str, StatusCategory]
) -> StatusCategory | None:
    """An item's status category at an instant; None where the status of then is one that nobody knows any more."""
    change = _first_after(changes, Field.STATUS, at)
    if change is None:
        return now
    return change.from_category or categories.get(change.from_id or "") or categories.get(change.from_text or "")


@dataclass(frozen=True, slots=True)
class Amount:
    """So many items with so many points; `unestimated` of them have none. Points are None where items are and none is estimated."""

    items: int
    points: float | None
    unestimated: int


@dataclass(frozen=True, slots=True)
class Summary:
    """An iteration in figures.

    `committed` counts points as of the start, `delivered` and all that follows from it as of the end (or of when an item left). Shares
    are of points where every committed item has some, else of items, and None where nothing was committed. Without an end, what depends
    on it tells how it stands so far.
    """

    committed: Amount
    added: Amount
    removed: Amount
    completed: Amount
    not_completed: Amount
    carried_over: Amount
    cancelled: Amount
    done_before: Amount
    kept: Amount
    say_do_share: float | None
    scope_change_share: float | None
    by_points: bool


def summarise(lines: Sequence[Line]) -> Summary:
    """The figures of an iteration from its lines. `kept` is what of the commitment was completed, in points of the start.

    `not_completed` holds all that stood open in it at its end; `carried_over` those of them that went on into another iteration.
    """
    counted = [line for line in lines if not line.done_before]
    committed = [line for line in counted if line.at_start]
    added = [line for line in counted if not line.at_start]
    removed = [line for line in counted if line.outcome is Outcome.REMOVED]
    completed = [line for line in counted if line.outcome is Outcome.COMPLETED]
    kept = [line for line in completed if line.at_start]
    by_points = bool(committed) and all(line.start_points is not None for line in committed)
    promise, done = _start(committed), _start(kept)
    changed = [_end(added), _mixed(removed)]
    if by_points and promise.points:
        say_do: float | None = (done.points or 0.0) / promise.points
        churn: float | None = sum(amount.points or 0.0 for amount in changed) / promise.points
    else:
        by_points = False
        say_do = done.items / promise.items if promise.items else None
        churn = sum(amount.items for amount in changed) / promise.items if promise.items else None
    return Summary(
        committed=promise,
        added=changed[0],
        removed=changed[1],
        completed=_end(completed),
        not_completed=_end([x for x in counted if x.outcome in (Outcome.NOT_COMPLETED, Outcome.CARRIED_OVER)]),
        carried_over=_end([x for x in counted if x.outcome is Outcome.CARRIED_OVER]),
        cancelled=_end([x for x in counted if x.outcome is Outcome.CANCELLED]),
        done_before=_mixed([x for x in lines if x.done_before]),
        kept=done,
        say_do_share=say_do,
        scope_change_share=churn,
        by_points=by_points,
    )


def _closed(line: Line, member: Member, end: datetime, categories: Mapping[str, StatusCategory]) -> Line:
    if _stay(member.stays, end) is None:
        left = max((s.left_at for s in member.stays if s.left_at is not None and s.left_at <= end), default=None)
        points = None if left is None else points_at(member.points, member.changes, left)
        return _with(line, left, points, Outcome.REMOVED)
    points = points_at(member.points, member.changes, end)
    category = category_at(member.category, member.changes, end, categories)
    if line.done_before and category in ENDED:
        outcome = Outcome.DONE_BEFORE
    elif category is StatusCategory.DONE:
        outcome = Outcome.COMPLETED
    elif category is StatusCategory.CANCELLED:
        outcome = Outcome.CANCELLED
    elif any(_covers(stay, end + MOMENT) for stay in member.elsewhere):
        outcome = Outcome.CARRIED_OVER
    else:
        outcome = Outcome.NOT_COMPLETED
    return _with(line, None, points, outcome)


def _with(line: Line, left: datetime | None, points: float | None, outcome: Outcome) -> Line:
    return Line(line.item_id, line.at_start, line.start_points, line.done_before, line.joined_at, left, points, outcome)


def _first_after(changes: Iterable[Change], field: Field, at: datetime) -> Change | None:
    return next((change for change in in_order(changes, field) if change.at > at), None)


def _stay(stays: Iterable[Stay], at: datetime) -> Stay | None:
    return next((stay for stay in stays if _covers(stay, at)), None)


def _covers(stay: Stay, at: datetime) -> bool:
    return (stay.joined_at is None or stay.joined_at <= at) and (stay.left_at is None or stay.left_at > at)


def _amount(points: Sequence[float | None]) -> Amount:
    known = [one for one in points if one is not None]
    return Amount(len(points), sum(known) if known or not points else None, len(points) - len(known))


def _start(lines: Sequence[Line]) -> Amount:
    return _amount([line.start_points for line in lines])


def _end(lines: Sequence[Line]) -> Amount:
    return _amount([line.end_points for line in lines])


def _mixed(lines: Sequence[Line]) -> Amount:
    """By the points of the end and, for what was in no later state, of the start."""
    return _amount([line.start_points if line.end_points is None else line.end_points for line in lines])
