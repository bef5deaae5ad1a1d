"""What a person reads of notices, in words without any markup: each format puts its own around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pmo_hub.domain.events import CATALOGUE, TEST, Notice, in_groups
from pmo_hub.domain.formats.body import MOST_BYTES, Envelope
from pmo_hub.domain.messages import clean

MOST_TOLD = 30
"""Events of one message; a reader who has more to read follows the link."""

MOST_VALUE = 80
"""Characters of a fact beside the message."""

THIN = "The project is confidential: what it is about is told to whoever opens the link."

_TITLES = {TEST: "Test"}


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words. `title` is the hub's own; `about`, `message` and what `facts` say may be a third party's, on one line each."""

    title: str
    about: str | None
    message: str | None
    facts: tuple[tuple[str, str], ...]
    link: str
    is_thin: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Events of one project and owner. `heading` is a third party's text; None where there is nothing to say above them."""

    heading: str | None
    owner: str | None
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What one message says. `title` is the hub's own words; `place` is the project that all of it is about, as its source calls it."""

    title: str
    place: str | None
    sections: tuple[Section, ...]
    left_out: int
    more: str
    footer: str

    @property
    def subject(self) -> str:
        """Title and place on one line."""
        return self.title if self.place is None else f"{self.title}: {self.place}"


def fitted(notices: Sequence[Notice], envelope: Envelope, encode: Callable[[Message], bytes]) -> bytes:
    """The encoded message with as many of the notices as fit; that others were left out is said in it."""
    fewest, most = 1, min(len(notices), MOST_TOLD)
    best = encode(worded(notices[:most], envelope, len(notices) - most))
    if len(best) <= MOST_BYTES or most == 1:
        return best
    best = encode(worded(notices[:1], envelope, len(notices) - 1))
    while fewest < most:
        number = (fewest + most) // 2
        tried = encode(worded(notices[:number], envelope, len(notices) - number))
        if len(tried) > MOST_BYTES:
            most = number
        else:
            best, fewest = tried, number + 1
    return best


def worded(notices: Sequence[Notice], envelope: Envelope, left_out: int = 0) -> Message:
    """The notices in words, by project and owner; `left_out` is how many more there are."""
    number = len(notices) + left_out
    projects = {None if one.is_thin else one.project_name for one in notices}
    place = projects.pop() if len(projects) == 1 else None
    titles = {title_of(one) for one in notices}
    title = titles.pop() if len(titles) == 1 else "What happened"
    if number > 1:
        title = f"{number} × {title}" if title != "What happened" else f"{number} events"
    if envelope.is_digest:
        title = f"Digest: {title}"
    groups = in_groups(notices, len(notices))
    sections = tuple(_section(group, is_alone=len(groups) == 1) for group in groups)
    footer = f"{clean(envelope.subscription_name)} · {shown(envelope.at)} · {envelope.hub_url}"
    return Message(title, None if place is None else clean(place), sections, left_out, f"{envelope.hub_url}/api/v1/events", footer)


def title_of(notice: Notice) -> str:
    """What happened, in the catalogue's words."""
    kind = CATALOGUE.get(notice.event.type)
    return kind.title if kind is not None else _TITLES.get(notice.event.type, clean(notice.event.type))


def shown(at: datetime) -> str:
    """To the minute, with its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _section(group: Sequence[Notice], *, is_alone: bool) -> Section:
    first = group[0]
    heading = None if is_alone or first.is_thin else _of(first.project_name)
    return Section(heading, None if first.is_thin else _of(first.owner_name), tuple(_told(one) for one in group))


def _told(notice: Notice) -> Told:
    event = notice.event
    at = ("When", shown(event.at))
    if notice.is_thin:
        return Told(title_of(notice), None, THIN, (("Id", clean(event.id)), at), notice.link, is_thin=True)
    facts = [("Severity", event.severity), ("Check", event.check_id)]
    named = tuple((name, clean(value)) for name, value in facts if value)
    return Told(title_of(notice), _of(notice.subject), _of(notice.message), (*named, at, *_details(notice)), notice.link, is_thin=False)


_TOLD = (("note", "Note"), ("reason", "Reason"), ("until", "Until"), ("days_left", "Days left"), ("clock", "Overdue to"), ("due_at", "Due"),
         ("was", "Before"), ("rating", "Now"), ("error", "Error"))  # fmt: skip
"""Of an event's data, what a reader wants beside the message."""


def _details(notice: Notice) -> list[tuple[str, str]]:
    data = notice.event.data
    plain = [(label, data[name]) for name, label in _TOLD if isinstance(data.get(name), str | int) and data[name] != ""]
    message = _of(notice.message)
    return [(label, text[:MOST_VALUE]) for label, value in plain if (text := clean(str(value))) != message]


def _of(text: str | None) -> str | None:
    """A third party's text on one line, bounded; None where nothing of it is left to see."""
    cleaned = None if text is None else clean(text).strip()
    return cleaned or None
