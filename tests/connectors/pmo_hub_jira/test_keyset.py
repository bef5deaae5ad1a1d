"""Reading by key while others edit: nothing that stays is missed, whatever happens to the issue that a page ended with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub.sdk.errors import TransientError
from pmo_hub.sdk.http import BasicAuth
from pmo_hub_jira.client import Refused
from pmo_hub_jira.data_center_client import DataCenterClient
from pmo_hub_jira.keyset import Place, behind, sweep
from tests.connectors.pmo_hub_jira.keyed_server import URL, KeyedServer, issue
from tests.connectors.pmo_hub_jira.lending import Lent


def server(**projects: int) -> KeyedServer:
    """A server whose projects have so many issues each."""
    made = [f"{project}-{number}" for project, count in projects.items() for number in range(1, count + 1)]
    return KeyedServer(*(issue(20_000 + n, key) for n, key in enumerate(made)))


@contextmanager
def client(of: KeyedServer) -> Iterator[DataCenterClient]:
    with of.served(), Lent().http(URL, BasicAuth("jane", "pw")) as http:
        yield DataCenterClient(http, 4)


def where(of: KeyedServer) -> str:
    return f"project in ({', '.join(project['id'] for project in of.projects())})"


def swept(of: KeyedServer, size: int, place: Place | None = None, query: str | None = None) -> list[str]:
    with client(of) as asked:
        return [id for page in sweep(asked, query or where(of), ["issuetype"], size, place or Place()) for id in page.ids]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("cap", [2, 1_000])
def test_every_issue_comes_once_in_the_order_of_its_key(size: int, cap: int) -> None:
    of = server(ERP=12, PAY=5, ZED=1)
    of.cap = cap
    assert swept(of, size) == [one["id"] for one in of.issues]


def test_the_second_page_asks_for_what_comes_behind_the_first() -> None:
    of = server(ERP=4, PAY=2)
    swept(of, 3)
    assert of.queries[1] == f'{where(of)} AND ((project = "ERP" AND key > "ERP-3") OR project not in ("ERP"))'


def test_a_query_of_nothing_is_one_page() -> None:
    of = server(ERP=3)
    with client(of) as asked:
        (page,) = sweep(asked, 'project = "NONE"', ["issuetype"], 10, Place())
    assert (page.ids, page.last) == ([], True)


def test_an_anchor_that_was_deleted_is_no_end() -> None:
    of = server(ERP=10)
    of.before = lambda number: of.remove("ERP-3") if number == 1 else None
    assert swept(of, 3) == [str(20_000 + n) for n in range(10)]


def test_an_anchor_that_was_moved_is_no_end() -> None:
    """Jira compares in the project where it is now: nothing of this one would come any more, without a word."""
    of = server(ERP=10, PAY=1)
    of.before = lambda number: of.move("ERP-3", "PAY-2") if number == 1 else None
    assert sorted(set(swept(of, 3))) == [str(20_000 + n) for n in range(11)]


def test_when_all_anchors_are_gone_the_project_is_read_again() -> None:
    of = server(ABC=4, ERP=10)

    def remove(number: int) -> None:
        for n in (1, 2, 3) if number == 2 else ():
            of.remove(f"ERP-{n}")

    of.before = remove
    found = swept(of, 4)
    assert set(found) == {one["id"] for one in of.issues} | {"20004", "20005", "20006"}


def test_reading_goes_on_where_a_crash_left_it() -> None:
    of = server(ERP=8, PAY=4)
    place = Place()
    with client(of) as asked:
        pages = sweep(asked, where(of), ["issuetype"], 5, place)
        first = next(pages).ids
        kept = Place(list(place.passed), list(place.anchors), place.left)
    assert [*first, *swept(of, 5, kept)] == [one["id"] for one in of.issues]


def test_a_short_listing_in_clouds_shape_goes_on_by_offset() -> None:
    of = server(ERP=5)
    of.cap = 2
    with client(of) as asked:
        found: list[str] = []
        token: str | None = None
        while True:
            page = asked.search(where(of), ["issuetype"], 100, token)
            found += [json.loads(bytes(raw))["id"] for raw in page.issues or ()]
            token = page.next_page_token
            if token is None:
                break
    assert found == [one["id"] for one in of.issues]


def test_issues_are_found_by_id_by_key_and_by_the_key_that_they_had() -> None:
    of = server(ERP=3)
    of.move("ERP-3", "PAY-1")
    with client(of) as asked:
        found = asked.issues(["20000", "ERP-2", "ERP-3", "ERP-9"], ["project"])
    assert [json.loads(bytes(raw))["key"] for raw in found.issues or ()] == ["ERP-1", "ERP-2", "PAY-1"]


def test_a_query_that_jira_refuses_is_refused() -> None:
    with pytest.raises(Refused):
        swept(server(ERP=1), 5, query="nonsense = 1")


def test_a_server_that_counts_and_lists_nothing_is_given_up() -> None:
    of = server(ERP=5)
    of.cap = 0
    with pytest.raises(TransientError, match="counts 5 issues more and lists none"):
        swept(of, 3)


def test_a_server_that_ignores_the_key_is_given_up() -> None:
    of = server(ERP=9)
    of._holds = lambda clause, one: True  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="repeats a page"):
        swept(of, 3)


def test_the_places_query_names_what_lies_behind() -> None:
    assert behind("project = 1", Place()) == "project = 1"
    assert behind("project in (1, 2)", Place(["A"], [])) == 'project in (1, 2) AND project not in ("A")'


EDITS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["remove", "move", "add"]), st.integers(1, 12)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(EDITS, st.integers(1, 6))
def test_what_is_there_throughout_is_read_whatever_else_is_edited(edits: list[tuple[int, str, int]], size: int) -> None:
    of = server(ERP=12, PAY=6)
    stays = {one["id"] for one in of.issues}
    added = iter(range(1, 1_000))

    def edit(number: int) -> None:
        for when, what, which in edits:
            if when != number:
                continue
            key = f"ERP-{which}"
            found = next((one for one in of.issues if one["key"] == key), None)
            if what == "add":
                n = next(added)
                of.issues.append(issue(30_000 + n, f"ERP-{100 + n}"))
            elif found is not None and what == "remove":
                stays.discard(found["id"])
                of.remove(key)
            elif found is not None:
                stays.discard(found["id"])
                of.move(key, f"PAY-{100 + next(added)}")

    of.before = edit
    assert stays <= set(swept(of, size))
