"""Changelog entries as transitions: fields, times, authors, and the categories of statuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pmo_hub.domain.records import Identity, Transition
from pmo_hub.domain.vocabulary import Field, StatusCategory
from pmo_hub.sdk.contract import Mapped, Payload, Ref
from pmo_hub.sdk.errors import RecordError
from pmo_hub_jira.history import LONGEST_TEXT
from pmo_hub_jira.mapping import mapper
from tests.connectors.pmo_hub_jira.issues import payload, scope, site, user

TODO, IN_PROGRESS, DONE, CANCELLED = StatusCategory


def entry(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": "57278", "author": user("Jane"), "created": 1_795_424_400_123, "items": list(items)} | changes


def change(field: str, id: str | None = None, **values: Any) -> dict[str, Any]:
    found = {"field": field, "fieldtype": "jira", "from": None, "fromString": None, "to": None, "toString": None} | values
    return found | ({"fieldId": id} if id else {})


def history(body: dict[str, Any]) -> Mapped:
    return mapper([site(), scope("customfield_10026")], {})(payload(body, "history", "20001:57278"))


def test_an_entry_is_one_transition_for_each_field_with_the_sources_own_values() -> None:
    body = entry(
        change("status", "status", **{"from": "1", "fromString": "To Do", "to": "3", "toString": "进行中"}),
        change("Sprint", "customfield_10020", **{"from": "", "fromString": "", "to": "7, 9", "toString": "A, id=9, name=B], C"}),
    )
    result = history(body)
    at = datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC)
    assert result.owned == [
        Transition("57278:0", "20001", Field.STATUS, "status", "1", "To Do", "3", "进行中", at, "id-jane", TODO, IN_PROGRESS),
        Transition("57278:1", "20001", Field.ITERATION, "Sprint", "", "", "7, 9", "A, id=9, name=B], C", at, "id-jane"),
    ]
    assert result.mentioned == [Identity("id-jane", "Jane", "jane@acme.example", True, "atlassian")]


@pytest.mark.parametrize(
    ("field", "id", "canonical"),
    [
        ("status", "status", Field.STATUS),
        ("assignee", "assignee", Field.ASSIGNEE),
        ("Sprint", None, Field.ITERATION),
        ("Story Points", "customfield_10026", Field.POINTS),
        ("Story point estimate", "customfield_10016", Field.POINTS),
        ("Parent", "parent", Field.PARENT),
        ("IssueParentAssociation", None, Field.PARENT),
        ("Epic Link", "customfield_10014", Field.PARENT),
        ("duedate", "duedate", Field.DUE),
        ("Start date", "customfield_10015", Field.PLANNED_START),
        ("Target start", "customfield_10022", Field.PLANNED_START),
        ("priority", "priority", Field.PRIORITY),
        ("summary", "summary", Field.TITLE),
        ("description", "description", Field.DESCRIPTION),
        ("issuetype", "issuetype", Field.TYPE),
        ("Key", None, Field.KEY),
        ("project", "project", Field.SCOPE),
        ("resolution", "resolution", Field.RESOLUTION),
        ("Flagged", "customfield_10021", Field.FLAGGED),
        ("labels", "labels", Field.LABELS),
        ("Component", "components", Field.COMPONENTS),
        ("Component", None, Field.COMPONENTS),
        ("Fix Version", "fixVersions", Field.VERSIONS),
        ("Fix Version", None, Field.VERSIONS),
        ("timeoriginalestimate", "timeoriginalestimate", Field.WORK),
        ("timeestimate", "timeestimate", Field.REMAINING),
        ("Link", "issuelinks", Field.DEPENDENCY),
        ("Rank", "customfield_10019", Field.OTHER),
        ("Приоритет", "priority", Field.PRIORITY),
    ],
)
def test_a_field_is_known_by_its_id_and_else_by_its_name(field: str, id: str | None, canonical: Field) -> None:
    (transition,) = history(entry(change(field, id))).owned
    assert isinstance(transition, Transition)
    assert (transition.field, transition.original_field) == (canonical, field)


def categories(rules: dict[str, str] | None = None, **values: Any) -> tuple[StatusCategory | None, StatusCategory | None]:
    """Of the change from status 1 (to do) to what `values` say."""
    body = entry(change("status", "status", **{"from": "1", "fromString": "To Do"} | values))
    (transition,) = mapper([site(), scope()], rules or {})(payload(body, "history", "20001:57278")).owned
    assert isinstance(transition, Transition)
    return transition.from_category, transition.to_category


def test_a_change_of_status_knows_the_categories_of_its_ends() -> None:
    assert categories(to="3", toString="In Progress") == (TODO, IN_PROGRESS)
    assert categories(to="6", toString="Done") == (TODO, DONE)
    assert categories(to="6", toString="Won't Do") == (TODO, CANCELLED)
    assert categories({"cancelled": '["6"]'}, to="6", toString="Done") == (TODO, CANCELLED)
    assert categories({"status_category": '{"1": "in_progress", "999": "done"}'}, to="999") == (IN_PROGRESS, DONE)


@pytest.mark.parametrize("values", [{"to": "999", "toString": "Done"}, {"to": None}, {"to": ""}, {"to": None, "toString": "Cancelled"}])
def test_a_status_that_the_site_no_longer_knows_has_no_category(values: Any) -> None:
    assert categories(**values) == (TODO, None)


def test_no_other_change_has_categories() -> None:
    (transition,) = history(entry(change("priority", "priority", **{"from": "1", "to": "3"}))).owned
    assert isinstance(transition, Transition)
    assert (transition.from_category, transition.to_category) == (None, None)


@pytest.mark.parametrize(
    ("created", "at"),
    [
        (1_795_424_400_123, datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC)),
        ("2021-01-25T11:09:27.985+0800", datetime(2021, 1, 25, 3, 9, 27, 985000, tzinfo=UTC)),
        ("2021-01-25T03:09:27.985Z", datetime(2021, 1, 25, 3, 9, 27, 985000, tzinfo=UTC)),
        # The vendor's own example of the bulk answer is in seconds.
        (1_492_070_429, datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)),
    ],
)
def test_the_time_is_read_in_each_of_its_spellings(created: int | str, at: datetime) -> None:
    (transition,) = history(entry(change("status", "status"), created=created)).owned
    assert isinstance(transition, Transition)
    assert transition.at == at


@pytest.mark.parametrize("created", [None, "", "yesterday", "51502-01-01T00:00:00.000+0000", 10**17])
def test_an_entry_without_a_usable_time_is_refused_by_name(created: Any) -> None:
    with pytest.raises(RecordError, match="57278 has no usable time in its field created"):
        history(entry(change("status", "status"), created=created))


def test_long_texts_are_cut_and_values_of_other_types_written_out() -> None:
    (transition,) = history(entry(change("description", "description", toString="x" * 5_000, to={"id": 1}))).owned
    assert isinstance(transition, Transition)
    assert transition.to_text == "x" * LONGEST_TEXT
    assert transition.to_id == '{"id":1}'


@pytest.mark.parametrize("author", [None, {}, user("Runjuu", accountId="")])
def test_an_entry_may_have_no_author(author: Any) -> None:
    result = history(entry(change("status", "status"), author=author))
    assert isinstance(result.owned[0], Transition)
    assert result.owned[0].actor is None
    assert result.mentioned == []


def test_an_entry_without_changes_is_no_transition() -> None:
    assert history(entry()).owned == []
    assert history(entry(items=None)).owned == []


def test_an_entry_that_names_no_issue_or_has_no_id_is_refused() -> None:
    alone = Payload(Ref("history", "1"), None, json.dumps(entry()).encode())
    with pytest.raises(RecordError, match="which issue"):
        mapper([site()], {})(alone)
    with pytest.raises(RecordError, match="can't be read"):
        history({"created": 1})
