"""The state machine of boards: what people do there, told or not, and the runs that must in the end have found all of it.

What nothing tells (an edited check item, a renamed label) a daily sweep finds; a comment that was edited in silence long ago and a name of
somebody who left, only a full read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from pmo_hub.domain.identity import identifier
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub_trello.connector import NAMESPACE
from pmo_hub_trello.simulated_service import Simulator
from pmo_hub_trello.simulated_world import Json
from tests.convergence.comparison import Differs, compare
from tests.convergence.estate import STARTS, TIMEOUT_S, minutes
from tests.convergence.trello_estate import TrelloHub, small_world
from tests.convergence.walking import MODES, SOME, HeardWalk

BOARD = st.integers(0, 2)
NAMES = ("Ada 🚧", "Łukasz", "Б", "x")
LIST_NAMES = ("Doing", "Done ✓", "Backlog", "Nirgendwo", "Abgebrochen")
PATHS = ("/boards", "/cards", "/batch", "/members/me", "/")
STATUS_FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429}, {"status": 429, "retry_after": 7}, {"status": 429, "retry_after": 1800}, {"status": 500}, {"status": 502},
    {"status": 503, "retry_after": 3}, {"status": 504}, {"status": 401}, {"status": 404},
    {"status": 401, "words": "unauthorized permission requested"},
)  # fmt: skip


class TrelloConvergence(HeardWalk):
    """People at work on boards."""

    overlap = minutes(5)
    simulator: Simulator
    hub: TrelloHub

    @initialize(start=st.sampled_from(STARTS), skew_s=st.sampled_from((0, -90_000, -400, 90_000)))
    def begin(self, start: datetime, skew_s: int) -> None:
        self.enter(start, skew_s)
        self.simulator = Simulator(small_world(start), start, lambda: self.time)
        self.world = self.simulator.world
        self.boards = list(self.world.boards)
        self.chosen: tuple[str, ...] = tuple(self.boards[:2])
        self.needs_full = self.needs_sweep = False
        self.names_untold = False
        self.join()

    def new_hub(self) -> TrelloHub:
        return TrelloHub(self.lend(), self.hub_now, self.folder, self.waits)

    # The boards

    def _card(self, number: int) -> Json | None:
        return self.world.cards[sorted(self.world.cards)[number % len(self.world.cards)]] if self.world.cards else None

    def _list(self, board: str, number: int) -> str:
        lists = sorted(self.world.boards[board].lists)
        return lists[number % len(lists)]

    def _do(self, what: str, *arguments: Any, **named: Any) -> Any:
        done = self.simulator.mutate(what, *arguments, **named)
        self.time += timedelta(seconds=1)
        return done

    @rule(board=BOARD, number=SOME, odd=st.sampled_from(({}, {}, {"isTemplate": True}, {"cardRole": "separator"})))
    def create(self, board: int, number: int, odd: dict[str, Any]) -> None:
        id = self.boards[board]
        self._do("create", id, self._list(id, number), f"{NAMES[number % 4]} {number}", **odd)

    @rule(which=SOME, n=SOME)
    def edit(self, which: int, n: int) -> None:
        card = self._card(which)
        if card is not None:
            day = None if n % 5 == 0 else f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:30:00.000Z"
            values: tuple[tuple[str, Any], ...] = (
                ("name", f"{NAMES[n % 4]} {n}"), ("desc", f"Described {n}"), ("due", day), ("start", day), ("dueComplete", n % 2 == 0),
            )  # fmt: skip
            name, value = values[n % len(values)]
            self._do("edit", card["id"], **{name: value})

    @rule(which=SOME, n=SOME)
    def move_in_board(self, which: int, n: int) -> None:
        card = self._card(which)
        if card is not None:
            self._do("move", card["id"], self._list(card["idBoard"], n))

    @rule(which=SOME, board=BOARD, n=SOME)
    def move_between_boards(self, which: int, board: int, n: int) -> None:
        card = self._card(which)
        if card is not None and card["idBoard"] != self.boards[board]:
            self._do("move_board", card["id"], self.boards[board], self._list(self.boards[board], n))

    @rule(which=SOME, closed=st.booleans())
    def archive_or_bring_back(self, which: int, closed: bool) -> None:
        card = self._card(which)
        if card is not None:
            self._do("archive", card["id"], closed=closed)

    @rule(which=SOME, silent=st.booleans())
    def delete(self, which: int, silent: bool) -> None:
        card = self._card(which)
        if card is not None and len(self.world.cards) > 6:
            if silent:
                self.world.drop_card(card["id"])
            else:
                self._do("delete", card["id"])

    @rule(which=SOME, act=st.sampled_from(("add", "tick", "edit", "drop", "drop list", "convert")), n=SOME)
    def change_checklists(self, which: int, act: str, n: int) -> None:
        card = self._card(which)
        if card is None:
            return
        items = [(item["id"], item["state"]) for one in card["checklists"] for item in one["checkItems"]]
        if act == "add" or not items:
            self._do("add_checklist", card["id"], f"List {n}", ("One", "Two"))
            return
        item, state = items[n % len(items)]
        if act == "tick":
            self._do("tick", card["id"], item, done=state != "complete")
        elif act == "edit":
            self.needs_sweep = True
            self._do("edit_item", card["id"], item, name=f"Item {n}", idMember=None if n % 3 else self._person(n))
        elif act == "drop":
            self.needs_sweep = True
            self._do("drop_item", card["id"], item)
        elif act == "convert":
            self._do("convert_item", card["id"], item)
        else:
            self._do("drop_checklist", card["id"], card["checklists"][0]["id"])

    @rule(which=SOME, n=SOME, on=st.booleans())
    def assign_or_label(self, which: int, n: int, on: bool) -> None:
        card = self._card(which)
        if card is None:
            return
        labels = sorted(self.world.boards[card["idBoard"]].labels)
        if n % 2:
            self._do("label", card["id"], labels[n % len(labels)], on=on)
        else:
            self._do("assign" if on else "unassign", card["id"], self._person(n // 2))

    def _person(self, n: int) -> str:
        return sorted(self.world.people)[n % len(self.world.people)]

    @rule(which=SOME, n=SOME)
    def set_or_clear_field(self, which: int, n: int) -> None:
        card = self._card(which)
        if card is None:
            return
        points, note = sorted(self.world.boards[card["idBoard"]].fields.values(), key=lambda f: f["name"], reverse=True)
        values: tuple[tuple[str, Any], ...] = (
            (points["id"], {"number": str(n % 13)}), (note["id"], {"text": f"note {n}"}), (points["id"], None), (note["id"], None),
        )  # fmt: skip
        field, value = values[n % len(values)]
        self._do("set_field", card["id"], field, value, keep_empty=n % 3 == 0)

    @rule(which=SOME)
    def comment(self, which: int) -> None:
        card = self._card(which)
        if card is not None:
            self._do("comment", card["id"], f"Said {which}", self._person(which))

    @rule(which=SOME, silent=st.booleans(), act=st.sampled_from(("edit", "delete")))
    def change_comment(self, which: int, silent: bool, act: str) -> None:
        known = sorted(id for id, action in self.world.actions.items() if action.type == "commentCard" and action.card in self.world.cards)
        if not known:
            return
        if act == "delete":
            self._do("delete_comment", known[which % len(known)], silent=silent)
        else:
            self._do("edit_comment", known[which % len(known)], f"Said otherwise {which}", silent=silent)
            self.needs_full = self.needs_full or silent  # a sweep looks back for thirty days, and at those of this board

    @rule(board=BOARD, n=SOME, act=st.sampled_from(("rename", "close", "open", "create")))
    def change_list(self, board: int, n: int, act: str) -> None:
        id = self.boards[board]
        if act == "create":
            self._do("create_list", id, f"List {n}")
        elif act == "rename":
            self._do("edit_list", id, self._list(id, n), name=LIST_NAMES[n % len(LIST_NAMES)])
        else:
            self._do("edit_list", id, self._list(id, n), closed=act == "close")

    @rule(source=BOARD, into=BOARD, n=SOME)
    def move_list(self, source: int, into: int, n: int) -> None:
        if source != into and len(self.world.boards[self.boards[source]].lists) > 2:
            self._do("move_list", self._list(self.boards[source], n), self.boards[into])

    @rule(board=BOARD, closed=st.booleans())
    def close_or_open_board(self, board: int, closed: bool) -> None:
        self._do("close_board", self.boards[board], closed=closed)

    @rule(board=BOARD, n=SOME)
    def rename_label(self, board: int, n: int) -> None:
        labels = sorted(self.world.boards[self.boards[board]].labels)
        self.needs_sweep = True
        self._do("rename_label", self.boards[board], labels[n % len(labels)], f"Label {n % 7}")

    @rule(board=BOARD, n=SOME, back=st.booleans())
    def lose_or_gain_member(self, board: int, n: int, back: bool) -> None:
        person = self._person(n)
        if person != self.world.caller:
            self._do("add_member" if back else "drop_member", self.boards[board], person)
            self.names_untold = True  # of somebody who is on no board any more, a hub that comes later knows less

    @rule(n=SOME, name=st.sampled_from(NAMES))
    def rename_person(self, n: int, name: str) -> None:
        self._do("rename_person", self._person(n), f"{name} {n}")
        self.names_untold = True

    @rule(board=BOARD)
    def lose_board(self, board: int) -> None:
        if len(self.world.hidden) < 2:
            self._do("hide_board", self.boards[board])

    @precondition(lambda self: self.world.hidden)
    @rule(which=SOME)
    def regain_board(self, which: int) -> None:
        hidden = sorted(self.world.hidden)
        self._do("hide_board", hidden[which % len(hidden)], hidden=False)

    # Clocks and faults

    @rule(by=st.sampled_from((-60, 3, 90, 4000)))
    def skew_the_server(self, by: int) -> None:
        self.skew_the_source(by)

    @rule(path=st.sampled_from(PATHS), nth=st.integers(1, 6), times=st.sampled_from((1, 2, 6)), kind=st.integers(0, 20))
    def fail(self, path: str, nth: int, times: int, kind: int) -> None:
        kinds = ("truncated", "reset", "html", "repeated_page")
        if kind < len(kinds):
            self.simulator.fault(kinds[kind], path=path, nth=nth, times=times)
        elif kind == len(kinds):
            self.simulator.fault("delay", path=path, nth=nth, times=1, delay_s=2 * TIMEOUT_S)
        elif kind == len(kinds) + 1:
            self.simulator.fault("too_many", path="/boards", nth=nth, times=times, rows=80)
        else:
            self.simulator.fault("status", path=path, nth=nth, times=times, **STATUS_FAULTS[kind % len(STATUS_FAULTS)])
        self.disturbed = True

    # The hub

    @rule(board=BOARD)
    def choose_or_drop(self, board: int) -> None:
        id = self.boards[board]
        wanted = tuple(one for one in self.chosen if one != id) if id in self.chosen else (*self.chosen, id)
        if not wanted or (id not in self.chosen and id in self.world.hidden):
            return
        self.choose(wanted)

    @rule(which=SOME, n=SOME, board=BOARD, by=st.integers(1, 90))
    def work_and_poll(self, which: int, n: int, board: int, by: int) -> None:
        """A few things at once, as on most days."""
        self.edit(which, n)
        self.move_in_board(which + 1, n)
        self.move_between_boards(which + 2, board, n)
        self.change_checklists(which + 3, "tick", n)
        self.comment(which + 4)
        self.poll_later(by)

    @rule(mode=st.sampled_from(MODES), nth=st.integers(1, 25), act=st.integers(0, 3), which=SOME, value=SOME)
    def run_while_people_work(self, mode: str, nth: int, act: int, which: int, value: int) -> None:
        """A card is edited, moved, deleted or made between two requests of a run."""
        acts: list[Callable[[], None]] = [
            lambda: self.edit(which, value),
            lambda: self.move_between_boards(which, value % 3, value),
            lambda: self.delete(which, False),
            lambda: self.create(value % 3, which, {}),
        ]
        self.read_while(mode, nth, acts[act])

    # The end

    def settle(self) -> None:
        """The faults end, all boards may be seen again, hours pass, or the day after which a poll sweeps; then a poll and two censuses."""
        self.mend()
        for board in sorted(self.world.hidden):
            self._do("hide_board", board, hidden=False)
        self.let_time_pass((30 if self.needs_sweep else 8) * 3600)
        for mode in ("incremental", "census", "census", *(("full",) if self.needs_full else ())):
            self.finish(mode)
            self.time += minutes(30)
        fresh = self.fresh()
        compare(self.hub, fresh, NAMESPACE, names_untold=self.names_untold)
        self._compare_with_boards()

    def _compare_with_boards(self) -> None:
        """Cards, check items and comments are those of the boards: a fault that all hubs share shows here."""
        cards = {id: card for id, card in self.world.cards.items() if card["idBoard"] in self.chosen}
        rows = {row["external_id"]: row for row in self.hub.rows("work_items").values()}
        items = {item["id"]: item for card in cards.values() for one in card["checklists"] for item in one["checkItems"]}
        said = [f"{id} is missing" for id in (cards.keys() | items.keys()) - rows.keys()]
        said += [f"{id} is not there any more" for id in rows.keys() - cards.keys() - items.keys()]
        item, person = identifier(NAMESPACE, RecordType.WORK_ITEM), identifier(NAMESPACE, RecordType.IDENTITY)
        told = Counter(row["item_id"] for row in self.hub.rows("comments").values())
        for id in cards.keys() & rows.keys():
            card, row = cards[id], rows[id]
            board = self.world.boards[card["idBoard"]]
            archived = card["closed"] or board.closed or board.lists[card["idList"]]["closed"]
            member = next(iter(card["idMembers"]), None)
            comments = sum(self.world.actions[one].type == "commentCard" for one in self.world.by_card.get(id, ()))
            wanted = {
                "title": card["name"], "resolution": "archived" if archived else None,
                "assignee_id": person(member) if member else None, "due": card["due"] and datetime.fromisoformat(card["due"]).date(),
            }  # fmt: skip
            wrong = {name: (row[name], value) for name, value in wanted.items() if row[name] != value}
            if told[item(id)] != comments:
                wrong["comments"] = (told[item(id)], comments)
            said += [f"card {id}: (hub, board) {wrong}"] if wrong else []
        if said:
            raise Differs("the hub differs from the boards:\n" + "\n".join(said[:40]))
