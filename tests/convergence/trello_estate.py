"""A simulated Trello behind one address, and hubs that read it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pmo_hub.sdk.hooks import Proof
from pmo_hub.services import hooks
from pmo_hub.services.hooks import Wanted
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.simulated_world import World
from tests.convergence.estate import ReadingHub

LISTS = ("To do", "Doing", "Done", "Parking lot")


def small_world(start: datetime) -> World:
    """Three boards of eight cards that were renamed and spoken of, with people, labels and fields."""
    world = World(11)
    begun = start - timedelta(days=3)
    people = [world.put_person(name, name.lower(), None, begun) for name in ("Sync", "Ada", "Ben", "Cleo")]
    world.caller = people[0].id
    at = begun
    for number in range(3):
        board = world.put_board(f"Board {number}", None, begun)
        board.members = {person.id: False for person in people}
        lists = [world.put_list(board, name, begun) for name in LISTS]
        for name in ("Bug", "Urgent", ""):
            world.put_label(board, name, "red", begun)
        world.put_field(board, "Story points", "number", (), begun)
        world.put_field(board, "Note", "text", (), begun)
        for n in range(8):
            at += timedelta(minutes=7)
            card = world.put_card(board, lists[n % 3], f"Card {number}.{n}", at, world.caller)
            named = {"list": {"id": lists[n % 3], "name": LISTS[n % 3]}}
            world.put_action("createCard", board, world.caller, at, named, card["id"])
            # Each has a past that it must not lose wherever it goes.
            was = {"old": {"name": "Before"}, "card": {**world.brief(card["id"])}}
            world.put_action("updateCard", board, people[1].id, at, was, card["id"])
            world.put_action("commentCard", board, people[n % 4].id, at, {"text": f"Said of {n}"}, card["id"])
    return world


class TrelloHub(ReadingHub):
    """One database with one connection to Trello."""

    connector = TrelloConnector

    def listen(self, simulator: Any) -> None:
        """Trello tells the connection of what is done on its boards, into the outbox."""
        hooks.set_up(self.hub, self.connection, Wanted(Proof.SIGNATURE, simulator.hooks.secret), "test")
