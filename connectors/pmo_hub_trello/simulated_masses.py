"""Worlds for measuring: one huge board, and many that are quiet."""
from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from pmo_hub_trello.simulated_world import World, stamp

LISTS = ("Backlog", "Doing", "Review", "Done")


def huge_board(seed: int, cards: int, actions: int, now: datetime) -> World:
    """One board of so many cards, the older half of them archived, with so many actions: moves and comments."""
    world, random = _begun(seed, now - timedelta(days=700)), Random(seed)
    begun = now - timedelta(days=699)
    board = world.put_board("Everything", None, begun)
    board.members[world.caller] = False
    lists = [world.put_list(board, name, begun) for name in LISTS]
    step = timedelta(days=690) / max(1, actions)
    made: list[str] = []
    every = max(1, actions // max(1, cards))
    for n in range(actions):
        at = begun + step * n
        if (n % every == 0 and len(made) < cards) or not made:
            closed = len(made) < cards // 2
            card = world.put_card(board, lists[3 if closed else random.randrange(4)], f"Card {len(made)}", at, world.caller, closed=closed)
            made.append(card["id"])
            named = {"id": card["idList"], "name": LISTS[lists.index(card["idList"])]}
            world.put_action("createCard", board, world.caller, at, {"list": named}, card["id"])
        elif n % 4 == 0:
            world.put_action("commentCard", board, world.caller, at, {"text": f"Said {n}"}, made[random.randrange(len(made))])
        else:
            one, other = random.sample(range(4), 2)
            id = made[random.randrange(len(made))]
            data = {"old": {"idList": lists[one]}, "card": {**world.brief(id), "idList": lists[other]},
                    "listBefore": {"id": lists[one], "name": LISTS[one]}, "listAfter": {"id": lists[other], "name": LISTS[other]}}
            world.put_action("updateCard", board, world.caller, at, data, id)
    return world


def quiet_boards(seed: int, count: int, now: datetime, cards: int = 3) -> World:
    """So many boards on which nothing has happened for weeks."""
    begun = now - timedelta(days=60)
    world = _begun(seed, begun)
    for n in range(count):
        board = world.put_board(f"Board {n}", None, begun + timedelta(minutes=n))
        board.members[world.caller] = False
        lists = [world.put_list(board, name, begun) for name in LISTS]
        for m in range(cards):
            at = begun + timedelta(days=1, minutes=n * 10 + m)
            card = world.put_card(board, lists[m % 4], f"Card {n}.{m}", at, world.caller)
            world.put_action("createCard", board, world.caller, at, {"list": {"id": card["idList"], "name": LISTS[m % 4]}}, card["id"])
        board.activity = stamp(begun + timedelta(days=30))
    return world


def _begun(seed: int, at: datetime) -> World:
    world = World(seed)
    world.caller = world.put_person("Portfolio Sync", "portfoliosync", "portfolio.sync@meridian.example", at).id
    return world
