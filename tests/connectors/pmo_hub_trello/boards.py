"""A small simulated Trello with something of everything, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pmo_hub_trello.simulated_service import Simulator
from pmo_hub_trello.simulated_world import World

START = datetime(2026, 11, 23, 8, tzinfo=UTC)


@dataclass
class Time:
    """A clock that a test moves."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class Estate:
    """Three boards of one workspace; ids by the names that are given to them here."""

    simulator: Simulator
    time: Time
    boards: list[str] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.simulator.world

    def do(self, what: str, *arguments: Any, **named: Any) -> Any:
        """One act, a second after the last."""
        self.time.pass_by(seconds=1)
        return self.simulator.mutate(what, *arguments, **named)

    def cards(self, board: int = 0) -> list[str]:
        return list(self.world.boards[self.boards[board]].cards)


def estate(cards: int = 7, boards: int = 3) -> Estate:
    """Some cards on each board, sixty days old and quiet since; of everything that a card may have, the first board has one."""
    begun = START - timedelta(days=60)
    world = World(3)
    time = Time(begun)
    people = [world.put_person(name, name.lower(), None, begun) for name in ("Sync", "Ada", "Ben", "Cleo")]
    world.caller = people[0].id
    workspace = world.new_id(begun)
    world.workspaces[workspace] = "Meridian"
    made = Estate(Simulator(world, begun, time), time, people=[person.id for person in people])
    for number in range(boards):
        board = world.put_board(f"Board {number}", workspace if number else None, begun)
        board.members = dict.fromkeys(made.people, False)
        made.boards.append(board.id)
        made.lists[board.id] = [world.put_list(board, name, begun) for name in ("To do", "Doing", "Done", "Parking lot")]
        if number == 0:
            made.labels = {name: world.put_label(board, name, "red", begun) for name in ("Bug", "Urgent", "Misc")}
            made.fields = {"points": world.put_field(board, "Story points", "number", (), begun),
                           "note": world.put_field(board, "Note", "text", (), begun),
                           "channel": world.put_field(board, "Channel", "list", ("Web", "Print"), begun)}  # fmt: skip
    for number, board_id in enumerate(made.boards):
        for n in range(cards):
            made.do("create", board_id, made.lists[board_id][n % 3], f"Card {number}.{n}")
    _furnish(made)
    time.at = START
    return made


def _furnish(made: Estate) -> None:
    first, second, third = made.cards()[:3]
    lists = made.lists[made.boards[0]]
    made.do("edit", first, due="2026-12-01T23:30:00.000Z", start="2026-11-01T09:00:00.000Z", desc="Described")
    made.do("assign", first, made.people[1])
    made.do("assign", first, made.people[2])
    made.do("label", first, made.labels["Bug"])
    made.do("label", first, made.labels["Urgent"])
    made.do("set_field", first, made.fields["points"], {"number": "3"})
    made.do("set_field", first, made.fields["note"], {"text": "remember"})
    made.do(
        "set_field",
        first,
        made.fields["channel"],
        option=made.world.boards[made.boards[0]].fields[made.fields["channel"]]["options"][0]["id"],
    )
    checklist = made.do("add_checklist", first, "Steps", ("One", "Two"))
    items = made.world.cards[first]["checklists"][0]["checkItems"]
    made.do("tick", first, items[0]["id"])
    made.do("edit_item", first, items[1]["id"], due="2026-12-02T10:00:00.000Z", idMember=made.people[2])
    assert checklist
    comment = made.do("comment", first, "Said")
    made.do("edit_comment", comment, "Said better")
    made.do("move", second, lists[2])
    made.do("archive", third)
    if len(made.boards) > 1:
        made.do("move_board", made.cards()[-1], made.boards[1], made.lists[made.boards[1]][0])
