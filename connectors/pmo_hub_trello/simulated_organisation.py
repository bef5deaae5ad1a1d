"""Generates the boards of a believable organisation: pure, seeded, relative to the `now` it is given.

It is the organisation that other simulated tools show, too: of the same seed and size its people have the same names and addresses.
"""
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from pmo_hub_trello import simulated_text as text
from pmo_hub_trello.simulated_mutations import Mutations
from pmo_hub_trello.simulated_world import Board, Person, World, stamp

WORKSPACE = "Meridian"
DOMAIN = "meridian.example"
CALLER = "Portfolio Sync"


@dataclass(frozen=True, slots=True)
class Profile:
    """A board to be: `late` and `unassigned` are shares of its open cards, `quiet_days` is for how long nothing has happened."""
    name: str
    weight: int
    lists: tuple[str, ...] = ("Backlog", "To do", "Doing", "Review", "Done")
    late: float = 0.08
    unassigned: float = 0.05
    quiet_days: int = 0
    closed: bool = False


DEMO = (
    Profile("Website Relaunch", 46),
    Profile("Trade Fair 2027", 38, ("Ideas", "Planned", "In progress", "Done", "Dropped"), late=0.45),
    Profile("Intranet Refresh", 34, ("Inbox", "Next", "Doing", "On hold", "Done"), unassigned=0.6),
    Profile("Onboarding Handbook", 26, ("Offen", "In Arbeit", "Warten", "Erledigt"), late=0.02, quiet_days=40),
    Profile("Summer Party", 9, ("To do", "Doing", "Done"), closed=True))
SIZES = {"small": 1273, "medium": 6000}
"""Sizes of the organisation are counted in what its other tools hold; a ninth of that is on boards."""


def generate(seed: int, size: str | int, now: datetime) -> World:
    """A world whose history ends at `now`; the same arguments give the same one."""
    if now.tzinfo is None:
        raise ValueError("now must be an aware instant")
    count = SIZES[size] if isinstance(size, str) and size in SIZES else int(size)
    world, random = World(seed), Random(f"{seed}/trello")
    begun = now - timedelta(days=240)
    people = [world.put_person(name, username, email, begun) for name, username, email in _people(seed, count)]
    world.caller = people[0].id
    workspace = world.new_id(begun)
    world.workspaces[workspace] = WORKSPACE
    total = sum(profile.weight for profile in DEMO)
    cards = max(len(DEMO) * 3, count // 9)
    for profile in DEMO:
        team = random.sample(people[1:], min(6, len(people) - 1))
        _fill(world, profile, workspace, max(3, cards * profile.weight // total), team, now, Random(f"{seed}/{profile.name}"))
    return world


def _people(seed: int, count: int) -> list[tuple[str, str, str | None]]:
    """The caller first. Whoever hides the address is found by name only."""
    random = Random(f"{seed}")
    random.getrandbits(128)
    random.getrandbits(128)
    names = [(first, last) for first in text.FIRST for last in text.LAST]
    found: list[tuple[str, str, str | None]] = [(CALLER, "portfoliosync", f"portfolio.sync@{DOMAIN}")]
    for n, (first, last) in enumerate(random.sample(names, min(max(24, count // 60), len(names)))):
        latin = unicodedata.normalize("NFKD", f"{first}.{last}".replace("ı", "i").replace("ø", "o"))
        plain = latin.encode("ascii", "ignore").decode().lower()
        if n % 9 != 5:
            found.append((f"{first} {last}", plain.replace(".", ""), None if n % 7 == 3 else f"{plain}@{DOMAIN}"))
    return found


class _Time:
    """The clock of the story that is being told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def _fill(world: World, profile: Profile, workspace: str, count: int, team: list[Person], now: datetime, random: Random) -> None:
    """The board's story, told in the order in which it happened."""
    ends = now - timedelta(days=profile.quiet_days, hours=3)
    begun = ends - timedelta(days=150)
    board = world.put_board(profile.name, workspace, begun)
    clock = _Time(begun)
    do = Mutations(world, clock)
    for person in (world.people[world.caller], *team):
        board.members[person.id] = False
    lists = [world.put_list(board, name, begun) for name in profile.lists]
    labels = [world.put_label(board, name, color, begun) for name, color in text.LABELS]
    fields = {"points": world.put_field(board, "Story points", "number", (), begun),
              "channel": world.put_field(board, "Channel", "list", ("Web", "Print", "Social"), begun)}
    story: list[tuple[datetime, int, Callable[[], object]]] = []
    for number in range(count):
        life = _Life(world, do, board, lists, labels, fields, team, profile, random)
        story += life.tell(number, begun, ends, len(story))
    for at, _, act in sorted(story, key=lambda one: one[:2]):
        clock.at = at
        act()
    clock.at = ends
    _oddities(do, board, lists[0])
    if profile.closed:
        do.close_board(board.id)
    board.activity = max(board.activity, stamp(begun))


class _Life:
    """One card from its creation to where it is now."""

    def __init__(
        self, world: World, do: Mutations, board: Board, lists: list[str], labels: list[str], fields: dict[str, str], team: list[Person],
        profile: Profile, random: Random,
    ) -> None:
        self._world, self._do, self._board, self._lists, self._labels, self._fields = world, do, board, lists, labels, fields
        self._team, self._profile, self._random = team, profile, random
        self._id = ""

    def tell(self, number: int, begun: datetime, ends: datetime, first: int) -> list[tuple[datetime, int, Callable[[], object]]]:
        """What happens to it, each with its time; numbers keep the order of what happens at one time."""
        random, do, lists = self._random, self._do, self._lists
        at = begun + (ends - begun) * (number / max(1, self._profile.weight + number))
        stage = min(len(lists) - 1, int(random.betavariate(1.2, 1.0) * len(lists)))
        ended = self._profile.lists[stage] in ("Done", "Erledigt", "Dropped")
        late = not ended and random.random() < self._profile.late
        due = ends + timedelta(days=random.randrange(-20, -1) if late else random.randrange(3, 60))
        author = random.choice(self._team).id
        title = text.title(random)
        told: list[tuple[datetime, Callable[[], object]]] = [(at, partial(self._create, lists[0], title, author))]
        if ended or random.random() >= self._profile.unassigned:
            owner = random.choice(self._team).id
            told.append((at + timedelta(hours=1), lambda: do.assign(self._id, owner)))
        label = random.choice(self._labels)
        told.append((at + timedelta(hours=1), lambda: do.label(self._id, label)))
        told.append((at + timedelta(hours=2), lambda: do.edit(self._id, due=stamp(due), start=stamp(at), desc=f"What is wanted: {title}.")))
        points = str(random.choice((1, 2, 3, 5, 8)))
        told.append((at + timedelta(hours=2), lambda: do.set_field(self._id, self._fields["points"], {"number": points})))
        if number % 4 == 0:
            told.append((at + timedelta(hours=3), partial(self._checklist, random.randrange(2, 5), stage)))
        step = (ends - at) * random.uniform(0.6, 1.0) / (stage + 1)
        for place in range(1, stage + 1):
            told.append((at + step * place, lambda to=lists[place]: do.move(self._id, to)))  # type: ignore[misc]
            if random.random() < 0.5:
                said = random.choice(text.REMARKS)
                told.append((at + step * place + timedelta(minutes=20), lambda said=said: do.comment(self._id, said, author)))  # type: ignore[misc]
        if ended and number % 3 == 0:
            told.append((at + step * (stage + 1), lambda: do.archive(self._id)))
        elif ended:
            told.append((at + step * stage + timedelta(minutes=1), lambda: do.edit(self._id, dueComplete=True)))
        return [(min(when, ends), first + place, act) for place, (when, act) in enumerate(told)]

    def _create(self, list_id: str, title: str, author: str) -> None:
        self._id = self._do.create(self._board.id, list_id, title, author)["id"]

    def _checklist(self, count: int, stage: int) -> None:
        checklist = self._do.add_checklist(self._id, "Steps")
        for number in range(count):
            values = {"idMember": self._team[number % len(self._team)].id} if number % 2 else {}
            item = self._do.add_item(self._id, checklist, text.STEPS[number], **values)
            if number < stage:
                self._do.tick(self._id, item)


def _oddities(do: Mutations, board: Board, list_id: str) -> None:
    """What boards hold besides work."""
    do.create(board.id, list_id, "New topic (template)", isTemplate=True)
    do.create(board.id, list_id, "---", cardRole="separator")
    first = board.cards[0]
    do.create(board.id, list_id, "https://trello.com/c/mirror", cardRole="mirror", mirrorSourceId=first)
