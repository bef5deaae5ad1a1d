"""What boards do that nobody expects: each of these fails without its handling."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from pmo_hub.domain.records import CustomValue, Dependency
from pmo_hub.domain.vocabulary import Field, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mode, Ref
from pmo_hub.sdk.errors import AuthError, ScopeError, TransientError
from pmo_hub_trello.simulator import serve
from tests.connectors.pmo_hub_trello.boards import estate
from tests.connectors.pmo_hub_trello.syncing import Reading, reading

__all__ = ["reading"]


@pytest.fixture
def ruled() -> Iterator[Reading]:
    """Rules that give attachments and archived cards a meaning."""
    made = estate()
    with serve(made.simulator):
        rules = {"dependency_attachments": '"predecessor"', "archived": '"cancelled"', "time_zone": '"Europe/Oslo"'}
        found = Reading(made, rules)
        found.sync()
        yield found


# Archived, brought back, deleted, moved


def test_an_archived_card_is_there_and_counts_nowhere_until_it_is_brought_back(reading: Reading) -> None:
    card = reading.made.cards()[0]
    reading.made.do("archive", card)
    reading.sync()
    item = reading.item(card)
    assert item is not None
    assert (item.is_active, item.counts, item.uncounted, item.resolution) == (False, False, Uncounted.INACTIVE, "archived")
    reading.made.do("archive", card, closed=False)
    reading.sync()
    back = reading.item(card)
    assert back is not None
    assert (back.is_active, back.counts, back.resolution) == (True, True, None)
    told = [(t.from_text, t.to_text) for t in reading.transitions(card) if t.field is Field.RESOLUTION]
    assert told == [(None, "archived"), ("archived", None)]
    reading.as_read_anew()


def test_what_was_done_stays_done_when_it_is_archived(reading: Reading) -> None:
    card = reading.made.cards()[2]
    item = reading.item(card)
    assert item is not None
    assert (item.status_category, item.resolution, item.counts) == (StatusCategory.DONE, "archived", True)


def test_archived_cards_are_what_a_rule_says(ruled: Reading) -> None:
    card = ruled.made.cards()[0]
    ruled.made.do("archive", card)
    ruled.sync()
    item = ruled.item(card)
    assert item is not None
    assert (item.status_category, item.counts) == (StatusCategory.CANCELLED, True)
    moves = [(t.from_category, t.to_category) for t in ruled.transitions(card) if t.field is Field.STATUS]
    assert moves[-1] == (StatusCategory.TODO, StatusCategory.CANCELLED) or moves[-1][1] is StatusCategory.CANCELLED


def test_a_deleted_card_is_gone_at_once_with_what_befell_it(reading: Reading) -> None:
    card = reading.made.cards()[0]
    reading.made.do("delete", card)
    done = reading.sync()
    assert Ref("card", card) in done.gone
    assert not reading.comments(card)
    assert not reading.transitions(card)
    reading.as_read_anew()


def test_a_deletion_that_no_action_tells_is_found_by_the_census(reading: Reading) -> None:
    card = reading.made.cards()[1]
    reading.made.world.drop_card(card)
    reading.sync()
    assert reading.item(card) is not None
    reading.census()
    assert reading.item(card) is None


def test_a_moved_card_keeps_its_identity_and_its_past(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    before = {t.external_id for t in reading.transitions(card)}
    assert before
    made.do("move_board", card, made.boards[2], made.lists[made.boards[2]][1])
    reading.sync()
    item = reading.item(card)
    assert item is not None
    assert item.original_status_id == made.lists[made.boards[2]][1]
    assert reading.host.held[Ref("card", card)].scope == made.boards[2]
    assert before <= {t.external_id for t in reading.transitions(card)}
    assert [c.body for c in reading.comments(card)] == ["Said better"]
    told = [(t.from_id, t.to_id) for t in reading.transitions(card) if t.field is Field.SCOPE]
    assert told == [(made.boards[0], made.boards[2])]
    reading.as_read_anew()


def test_a_card_that_moved_to_a_board_nobody_chose_is_gone(reading: Reading) -> None:
    made = reading.made
    reading.host.scopes.remove(made.boards[2])
    card = made.cards()[0]
    made.do("move_board", card, made.boards[2], made.lists[made.boards[2]][1])
    reading.sync()
    assert reading.item(card) is None


def test_cards_move_with_their_list(reading: Reading) -> None:
    made = reading.made
    list_id = made.lists[made.boards[0]][1]
    cards = [card for card in made.cards() if made.world.cards[card]["idList"] == list_id]
    assert cards
    made.do("move_list", list_id, made.boards[1])
    reading.sync()
    assert {reading.host.held[Ref("card", card)].scope for card in cards} == {made.boards[1]}
    reading.as_read_anew()


# Lists


def test_cards_of_a_closed_list_are_archived_though_they_say_otherwise(reading: Reading) -> None:
    made = reading.made
    list_id = made.lists[made.boards[0]][0]
    card = next(card for card in made.cards() if made.world.cards[card]["idList"] == list_id)
    made.do("edit_list", made.boards[0], list_id, closed=True)
    reading.sync()
    assert made.world.cards[card]["closed"] is False
    item = reading.item(card)
    assert item is not None
    assert (item.is_active, item.counts, item.resolution) == (False, False, "archived")
    made.do("edit_list", made.boards[0], list_id, closed=False)
    reading.sync()
    reading.as_read_anew()


def test_cards_of_a_closed_board_are_archived(reading: Reading) -> None:
    made = reading.made
    made.do("close_board", made.boards[0])
    reading.sync()
    assert all(item is not None and item.resolution == "archived" for item in map(reading.item, made.cards()))


def test_a_renamed_list_is_renamed_everywhere_and_may_mean_something_else(reading: Reading) -> None:
    made = reading.made
    list_id = made.lists[made.boards[0]][0]
    card = next(card for card in made.cards() if made.world.cards[card]["idList"] == list_id)
    made.do("edit_list", made.boards[0], list_id, name="Erledigt")
    reading.sync()
    item = reading.item(card)
    assert item is not None
    assert (item.original_status, item.status_category) == ("Erledigt", StatusCategory.DONE)
    reading.as_read_anew()


def test_a_list_whose_name_says_nothing_is_to_do(reading: Reading) -> None:
    made = reading.made
    card = made.do("create", made.boards[0], made.lists[made.boards[0]][3], "Parked")["id"]
    reading.sync()
    item = reading.item(card)
    assert item is not None
    assert (item.original_status, item.status_category) == ("Parking lot", StatusCategory.TODO)


# What is no work


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"cardRole": "mirror", "mirrorSourceId": "6" * 24}, Uncounted.MIRROR),
        ({"isTemplate": True}, Uncounted.TEMPLATE),
        ({"cardRole": "separator"}, Uncounted.INACTIVE),
        ({"cardRole": "board"}, Uncounted.INACTIVE),
    ],
)
def test_a_card_that_is_no_work_counts_in_no_measure(reading: Reading, values: dict[str, object], why: Uncounted) -> None:
    made = reading.made
    card = made.do("create", made.boards[0], made.lists[made.boards[0]][1], "Odd", **values)["id"]
    link = made.do("create", made.boards[0], made.lists[made.boards[0]][1], "https://example.org", cardRole="link")["id"]
    reading.sync()
    item, other = reading.item(card), reading.item(link)
    assert item is not None
    assert other is not None
    assert (item.counts, item.uncounted) == (False, why)
    assert (other.counts, other.original_type) == (True, "link")


# Dates, fields, labels, members


def test_a_card_has_what_it_has(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    item = reading.item(card)
    assert item is not None
    assert (item.due, item.planned_start) == (date(2026, 12, 1), date(2026, 11, 1))
    assert (item.kind, item.original_type, item.priority, item.points) == (Kind.BUG, "Bug", 100, 3.0)
    assert (item.assignee, set(item.labels), item.key) == (made.people[1], {"Bug", "Urgent"}, made.world.cards[card]["shortLink"])
    assert item.created_at == datetime.fromtimestamp(int(card[:8], 16), UTC)
    members = [v.identity for v in reading.host.owned().values() if isinstance(v, CustomValue) and v.item == card and v.name == "Members"]
    assert members == made.people[1:3]
    assert {name: value.text for name, value in reading.values(card).items() if name != "Members"} == {"Note": "remember", "Channel": "Web"}


def test_a_due_date_is_the_day_of_the_boards_zone(ruled: Reading) -> None:
    """23:30 UTC is half past midnight in Oslo."""
    item = ruled.item(ruled.made.cards()[0])
    assert item is not None
    assert item.due == date(2026, 12, 2)


@pytest.mark.parametrize("keep_empty", [False, True])
def test_a_cleared_custom_field_has_no_value(reading: Reading, keep_empty: bool) -> None:
    """Its item is gone, or it is there with neither a value nor an option."""
    made = reading.made
    card = made.cards()[0]
    for name in ("points", "note", "channel"):
        made.do("set_field", card, made.fields[name], keep_empty=keep_empty)
    reading.sync()
    item = reading.item(card)
    assert item is not None
    assert item.points is None
    assert not {"Note", "Channel"} & reading.values(card).keys()
    assert [t.to_text for t in reading.transitions(card) if t.field is Field.POINTS] == ["3", None]
    reading.as_read_anew()


def test_a_deleted_custom_field_takes_its_values_along(reading: Reading) -> None:
    made = reading.made
    made.do("drop_field", made.boards[0], made.fields["note"])
    reading.sync()
    assert "Note" not in reading.values(made.cards()[0])
    reading.as_read_anew()


def test_a_label_that_is_renamed_in_silence_is_found_by_the_daily_sweep(reading: Reading) -> None:
    made = reading.made
    made.do("rename_label", made.boards[0], made.labels["Bug"], "Defect")
    reading.sync()
    item = reading.item(made.cards()[0])
    assert item is not None
    assert "Bug" in item.labels
    made.time.pass_by(days=1)
    reading.sync()
    item = reading.item(made.cards()[0])
    assert item is not None
    assert set(item.labels) == {"Defect", "Urgent"}
    reading.as_read_anew()


def test_a_ticked_date_makes_a_card_done_in_whichever_list(reading: Reading) -> None:
    card = reading.made.cards()[0]
    reading.made.do("edit", card, dueComplete=True)
    reading.sync()
    item = reading.item(card)
    assert item is not None
    assert (item.status_category, item.original_status) == (StatusCategory.DONE, "complete")
    move = [t for t in reading.transitions(card) if t.field is Field.STATUS][-1]
    assert (move.from_text, move.to_id, move.to_category) == ("To do", "complete", StatusCategory.DONE)
    reading.made.do("edit", card, dueComplete=False)
    reading.sync()
    reading.as_read_anew()


def test_a_member_who_left_is_off_the_cards(reading: Reading) -> None:
    made = reading.made
    made.do("drop_member", made.boards[0], made.people[1])
    reading.sync()
    item = reading.item(made.cards()[0])
    assert item is not None
    assert item.assignee == made.people[2]
    assert ("identity", made.people[1]) in reading.host.records()
    reading.as_read_anew()


# Checklists


def test_check_items_are_sub_items_with_owner_and_date(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    one, two = (entry["id"] for entry in made.world.cards[card]["checklists"][0]["checkItems"])
    first, second = reading.item(one), reading.item(two)
    assert first is not None
    assert second is not None
    assert (first.status_category, first.parent, first.counts, first.uncounted) == (StatusCategory.DONE, card, False, Uncounted.SUB_ITEM)
    assert (second.status_category, second.assignee, second.due) == (StatusCategory.TODO, made.people[2], date(2026, 12, 2))
    assert [(t.from_text, t.to_text) for t in reading.transitions(one)] == [("incomplete", "complete")]


def test_a_replaced_checklist_leaves_nothing_of_the_old_one(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    old = [entry["id"] for entry in made.world.cards[card]["checklists"][0]["checkItems"]]
    made.do("drop_checklist", card, made.world.cards[card]["checklists"][0]["id"])
    made.do("add_checklist", card, "Anew", ("Three",))
    reading.sync()
    assert [reading.item(id) for id in old] == [None, None]
    new = made.world.cards[card]["checklists"][0]["checkItems"][0]["id"]
    assert reading.item(new) is not None
    reading.as_read_anew()


def test_a_check_item_that_is_edited_in_silence_is_found_by_the_daily_sweep(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    item = made.world.cards[card]["checklists"][0]["checkItems"][0]["id"]
    made.do("edit_item", card, item, name="Renamed")
    made.time.pass_by(days=1)
    reading.sync()
    found = reading.item(item)
    assert found is not None
    assert found.title == "Renamed"


def test_a_check_item_that_became_a_card_is_no_item_any_more(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    item = made.world.cards[card]["checklists"][0]["checkItems"][1]["id"]
    made_card = made.do("convert_item", card, item)["id"]
    reading.sync()
    assert reading.item(item) is None
    assert reading.item(made_card) is not None
    reading.as_read_anew()


# Comments and attachments


def test_an_edited_comment_is_the_same_comment(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[0]
    (before,) = reading.comments(card)
    made.do("edit_comment", before.external_id, "Said best")
    reading.sync()
    (after,) = reading.comments(card)
    assert (after.external_id, after.body) == (before.external_id, "Said best")
    assert after.updated_at is not None
    assert after.created_at is not None
    assert after.updated_at > after.created_at
    reading.as_read_anew()


def test_a_comment_that_is_edited_in_silence_is_found_by_the_daily_sweep(reading: Reading) -> None:
    made = reading.made
    card = made.cards()[1]
    comment = made.do("comment", card, "Said")
    reading.sync()
    made.do("edit_comment", comment, "Said otherwise", silent=True)
    made.time.pass_by(days=1)
    reading.sync()
    assert [c.body for c in reading.comments(card)] == ["Said otherwise"]


@pytest.mark.parametrize("silent", [False, True])
def test_a_deleted_comment_is_told_or_found_by_the_census(reading: Reading, silent: bool) -> None:
    made = reading.made
    card = made.cards()[0]
    (comment,) = reading.comments(card)
    made.do("delete_comment", comment.external_id, silent=silent)
    reading.sync()
    assert bool(reading.comments(card)) is silent
    reading.census()
    assert not reading.comments(card)


def test_an_attached_card_comes_first_where_a_rule_says_so(ruled: Reading) -> None:
    made = ruled.made
    first, second = made.cards()[:2]
    other = made.cards(1)[0]
    made.do("attach", second, made.world.cards[first]["shortUrl"])
    made.do("attach", second, made.world.cards[other]["shortUrl"] + "/12-with-a-name")
    made.do("attach", second, "https://example.org/c/notacard")
    ruled.sync()
    found = {(r.predecessor, r.successor) for r in ruled.host.owned().values() if isinstance(r, Dependency)}
    assert found == {(first, second), (other, second)}
    ruled.as_read_anew()


def test_attachments_are_nothing_without_a_rule(reading: Reading) -> None:
    made = reading.made
    first, second = made.cards()[:2]
    made.do("attach", second, made.world.cards[first]["shortUrl"])
    reading.sync()
    assert not [r for r in reading.host.owned().values() if isinstance(r, Dependency)]


# What the wire does


def test_a_text_that_says_the_token_is_invalid_is_an_auth_error(reading: Reading) -> None:
    reading.made.simulator.fault("status", status=401, words="invalid token", times=None)
    with pytest.raises(AuthError, match="token is not accepted"):
        reading.sync()


@pytest.mark.parametrize(("words", "told"), [("invalid key", "API key is not accepted"), ("expired token", "token has expired")])
def test_the_text_says_what_to_renew(reading: Reading, words: str, told: str) -> None:
    reading.made.simulator.fault("status", status=401, words=words, times=None)
    with reading.opened() as source, pytest.raises(AuthError, match=told):
        source.check()


def test_a_lost_board_is_a_lost_scope_and_no_bad_credential(reading: Reading) -> None:
    """Trello answers both with 401, and only the text differs."""
    made = reading.made
    made.do("hide_board", made.boards[1])
    made.do("edit", made.cards()[0], name="Renamed meanwhile")
    reading.sync()
    assert set(reading.host.lost) == {made.boards[1]}
    item = reading.item(made.cards()[0])
    assert item is not None
    assert item.title == "Renamed meanwhile"
    assert reading.item(made.cards(1)[0]) is not None
    made.do("hide_board", made.boards[1], hidden=False)
    reading.sync()
    reading.as_read_anew()


def test_a_lost_board_is_no_empty_census(reading: Reading) -> None:
    reading.made.do("hide_board", reading.made.boards[1])
    with reading.opened() as source, pytest.raises(ScopeError):
        list(source.census(reading.made.boards))


def test_a_page_that_holds_too_much_is_asked_for_in_halves(reading: Reading) -> None:
    fault = reading.made.simulator.fault("too_many", path="/boards", rows=80, times=None)
    reading.sync(Mode.FULL)
    asked = {entry.query["limit"] for entry in reading.made.simulator.log if entry.path.endswith("/cards/all") and entry.status == 403}
    assert asked == {"300", "150"}
    assert fault.struck
    reading.as_read_anew()


def test_a_listing_that_never_ends_is_given_up(reading: Reading) -> None:
    reading.made.simulator.fault("repeated_page", path="/boards", times=None)
    with pytest.raises(TransientError, match="never ends"):
        reading.sync(Mode.FULL)


def test_a_card_without_its_board_is_quarantined_and_the_others_are_read(reading: Reading) -> None:
    made = reading.made
    reading.made.simulator.fault("odd_card", path=f"/boards/{made.boards[2]}/cards", times=1)
    made.time.pass_by(days=1)
    reading.sync()
    assert list(reading.host.quarantine) == [Ref("card", made.cards(2)[-1])]


def test_a_board_of_more_than_a_thousand_actions_is_read_to_the_first() -> None:
    made = estate()
    card = made.cards()[0]
    for n in range(1_100):
        made.world.put_action("commentCard", made.world.boards[made.boards[0]], made.people[1], made.time.at, {"text": str(n)}, card)
    made.time.pass_by(hours=1)
    with serve(made.simulator):
        read = Reading(made)
        read.sync()
        assert len(read.comments(card)) == 1_101
        assert read.transitions(card)


def test_a_busy_poll_reads_the_board_and_not_each_card() -> None:
    made = estate(cards=210, boards=1)
    with serve(made.simulator):
        read = Reading(made)
        read.sync()
        for card in made.cards():
            made.do("edit", card, desc="Touched")
        made.simulator.reset_log()
        read.sync()
        assert sum(made.simulator.stats.values()) < 15
        read.as_read_anew()
