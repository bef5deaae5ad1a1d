"""Queries: bounded, quoted, and never wider than the projects that they are for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.sdk.errors import ConfigError
from pmo_hub_jira import jql


@pytest.mark.parametrize(
    ("projects", "query"),
    [
        (["10001"], "project = 10001"),
        (["10001", "10002"], "project in (10001, 10002)"),
        (['A" OR key > "B'], 'project = "A\\" OR key > \\"B"'),
        (["\\"], 'project = "\\\\"'),
        (["²"], 'project = "²"'),
    ],
)
def test_projects_are_named_by_id_and_anything_else_is_quoted(projects: list[str], query: str) -> None:
    assert jql.of_projects(projects) == query


def test_a_lower_bound_is_floored_to_its_minute_and_never_before_1970() -> None:
    assert jql.updated_since("project = 1", 1_732_877_091_999) == "project = 1 AND updated >= 1732877040000"
    assert jql.created_since("project = 1", -5) == "project = 1 AND created >= 0"


def test_windows_share_out_the_time_and_leave_both_ends_open() -> None:
    assert jql.windows("project = 1", 0, 600_000, 3) == [
        "project = 1 AND created < 180000",
        "project = 1 AND created >= 180000 AND created < 360000",
        "project = 1 AND created >= 360000",
    ]


@pytest.mark.parametrize(("first", "last", "count"), [(None, 600_000, 3), (0, 600_000, 1), (0, 30_000, 5), (600_000, 0, 4)])
def test_without_anything_to_share_out_there_is_one_window(first: int | None, last: int, count: int) -> None:
    assert jql.windows("project = 1", first, last, count) == ["project = 1"]


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(1, 20), st.integers(0, 10**13))
def test_every_moment_lies_in_exactly_one_window(first: int, last: int, count: int, moment: int) -> None:
    found = 0
    for window in jql.windows("p", first, last, count):
        bounds = dict(part.rsplit(" ", 1) for part in window.split(" AND ")[1:])
        found += int(bounds.get("created >=", 0)) <= moment < int(bounds.get("created <", 10**15))
    assert found == 1


@given(st.lists(st.integers(1, 10**9).map(str), unique=True))
def test_chunks_hold_every_id_once_whatever_the_order(ids: list[str]) -> None:
    chunks = list(jql.chunks(ids, 7))
    assert sorted(id for chunk in chunks for id in chunk) == sorted(ids)
    assert all(len(chunk) <= 7 for chunk in chunks)
    assert chunks == list(jql.chunks(reversed(ids), 7))


@pytest.mark.parametrize(
    "query",
    [
        "labels = alpha",
        " a = 1 OR b = 2 ",
        "(a = 1) AND (b in (1, 2))",
        'summary ~ "order by me (" AND a = 1',
        r'a = "\\" OR a = "\")"',
        "a = ')'",
    ],
)
def test_a_query_narrows_what_it_is_put_into(query: str) -> None:
    assert jql.narrowed("project = 1", query) == f"project = 1 AND ({query.strip()})"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("labels = a ORDER BY created", "ORDER BY"),
        ("labels = a) order\nby (created", "ORDER BY"),
        ("labels = a) OR (project = 2", "parenthesis"),
        ("(labels = a", "parenthesis"),
        ("labels = a)", "parenthesis"),
        ('labels = "a', "quotation mark"),
        ("labels = 'a", "quotation mark"),
        (r'labels = "a\") OR (project = 2', "quotation mark"),
    ],
)
def test_a_query_that_would_leave_its_place_is_refused(query: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        jql.narrowed("project = 1", query)
