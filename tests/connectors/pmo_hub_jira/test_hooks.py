"""Jira's webhooks: the signature, and the ids that a body of any edition, age or shape names."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.hooks import Delivery
from pmo_hub_jira.hooks import FAMILIES, IDENTIFIER, SIGNATURE, JiraHooks

SECRET = "a secret that both sides know"
URL = "https://hub.example/hooks/1"
HOOKS = JiraHooks()


def deliver(body: object, **headers: str) -> Delivery:
    """What is read from the body, signed as the documentation says: HMAC-SHA256 of the raw body, in hex."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), raw, sha256).hexdigest()
    return HOOKS.verify({SIGNATURE: signature, **headers}, raw, URL, SECRET)


def issue(id: str) -> Ref:
    return Ref("issue", id)


SERVER = "https://jira.example:8443/jira/rest/api/2"
COMMENT = {"self": f"{SERVER}/issue/10013/comment/10084", "id": "10084", "body": "see PROJ-1"}


@pytest.mark.parametrize(
    ("body", "refs", "deleted", "stale"),
    [
        ({"webhookEvent": "jira:issue_created", "issue": {"id": "10001", "key": "A-1", "fields": {}}}, [issue("10001")], [], []),
        ({"webhookEvent": "jira:issue_updated", "issue": {"id": "10001"}}, [issue("10001")], [], []),
        ({"webhookEvent": "jira:issue_updated", "issue": {"id": 10001, "fields": None}}, [issue("10001")], [], []),
        ({"webhookEvent": "jira:issue_updated", "issue": {"self": f"{SERVER}/issue/10001"}}, [issue("10001")], [], []),
        ({"webhookEvent": "jira:issue_updated", "issue": {"key": "PROJ_2-17"}}, [issue("PROJ_2-17")], [], []),
        ({"webhookEvent": "jira:issue_deleted", "issue": {"id": "10001"}}, [issue("10001")], [issue("10001")], []),
        ({"webhookEvent": "comment_created", "comment": COMMENT, "issue": {"id": "10013"}}, [issue("10013")], [], []),
        ({"webhookEvent": "comment_deleted", "comment": COMMENT}, [issue("10013")], [], []),
        ({"webhookEvent": "worklog_updated", "worklog": {"id": "7", "issueId": "10013"}}, [issue("10013"), Ref("worklog", "7")], [], []),
        (
            {"webhookEvent": "worklog_deleted", "worklog": {"id": "7", "issueId": "10013"}},
            [issue("10013"), Ref("worklog", "7")], [Ref("worklog", "7")], [],
        ),
        ({"webhookEvent": "jira:worklog_updated", "issue": {"id": "10013"}}, [issue("10013")], [], []),
        (
            {"webhookEvent": "issuelink_created", "issueLink": {"id": 1, "sourceIssueId": 10001, "destinationIssueId": 10002}},
            [issue("10001"), issue("10002")], [], [],
        ),
        ({"webhookEvent": "attachment_created", "attachment": {"id": "5", "self": f"{SERVER}/attachment/5"}}, [], [], []),
        ({"webhookEvent": "attachment_deleted", "attachment": {"id": "5"}, "issue": {"id": "10001"}}, [issue("10001")], [], []),
        ({"webhookEvent": "sprint_started", "sprint": {"id": 3, "originBoardId": 1}}, [Ref("sprint", "3")], [], []),
        ({"webhookEvent": "sprint_deleted", "sprint": {"id": 3}}, [Ref("sprint", "3")], [Ref("sprint", "3")], []),
        ({"webhookEvent": "board_configuration_changed", "board": {"id": 1}}, [Ref("board", "1")], [], []),
        ({"webhookEvent": "board_deleted", "board": {"id": 1}}, [Ref("board", "1")], [Ref("board", "1")], []),
        ({"webhookEvent": "jira:version_released", "version": {"id": "8", "projectId": 10000}}, [Ref("releases", "10000")], [], ["10000"]),
        ({"webhookEvent": "project_updated", "project": {"id": 10000, "key": "A"}}, [], [], ["10000"]),
        # Nobody's type, but an issue by its place: bodies that have lost their head.
        ({"issue": {"id": "10001"}}, [issue("10001")], [], []),
        ({"webhookEvent": None, "issue": {"id": "10001"}}, [issue("10001")], [], []),
    ],
    ids=lambda value: value.get("webhookEvent") if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_body_names_its_objects(body: dict[str, Any], refs: list[Ref], deleted: list[Ref], stale: list[str]) -> None:
    found = deliver(body)
    assert found.is_known
    assert (list(found.refs), list(found.deleted), list(found.stale)) == (refs, deleted, stale)


@pytest.mark.parametrize("type", ["user_updated", "option_voting_changed", "jira:invented", "", "jira:", 7, ["issue_"], "ISSUE_UPDATED"])
def test_an_unknown_type_names_nothing_and_is_no_error(type: object) -> None:
    found = deliver({"webhookEvent": type, "user": {"accountId": "5b"}, "id": 1})
    assert (found.is_known, list(found.refs), list(found.stale)) == (False, [], [])


def test_a_known_family_has_members_that_nobody_has_seen_yet() -> None:
    for family in sorted(FAMILIES):
        assert deliver({"webhookEvent": f"{family}_rearranged", "issue": {"id": "1"}}).refs == [issue("1")]


NO_IDS = ("", "1 OR 2", "../../myself", "1" * 20, "१२३", "10001\n", True, -1, 1.0, 10**30, None, {"id": "1"}, "A-1; drop", "a-1",
          "A" * 300 + "-1")  # fmt: skip


@pytest.mark.parametrize("id", NO_IDS, ids=str)
def test_what_is_no_id_is_never_asked_for(id: object) -> None:
    found = deliver({
        "webhookEvent": "jira:issue_deleted", "issue": {"id": id, "key": id, "self": id}, "sprint": {"id": id},
        "version": {"projectId": id}, "issueLink": {"sourceIssueId": id}, "comment": {"self": f"https://x/issue/{id}x/comment/1"},
        "project": {"id": id},
    })  # fmt: skip
    assert (list(found.refs), list(found.deleted), list(found.stale)) == ([], [], [])


def test_a_delivery_that_comes_again_has_jiras_own_name() -> None:
    body = {"webhookEvent": "jira:issue_updated", "issue": {"id": "1"}, "timestamp": 1}
    assert deliver(body, **{IDENTIFIER: "abc"}).id == "abc"
    assert deliver(body).id == deliver(body).id
    assert deliver(body).id not in (None, deliver({**body, "timestamp": 2}).id)
    # Without a time, a second change would look like the first one sent again.
    assert deliver({"webhookEvent": "jira:issue_updated", "issue": {"id": "1"}}).id is None


@pytest.mark.parametrize(
    "forge",
    [
        lambda right: {},
        lambda right: {SIGNATURE: ""},
        lambda right: {SIGNATURE: right.removeprefix("sha256=")},
        lambda right: {SIGNATURE: right.replace("sha256=", "sha1=")},
        lambda right: {SIGNATURE: right.upper()},
        lambda right: {SIGNATURE: right[:-1] + ("0" if right[-1] != "0" else "1")},
        lambda right: {SIGNATURE: "sha256=" + hmac.new(b"another", b"{}", sha256).hexdigest()},
        lambda right: {SIGNATURE: "sha256=\udcff"},
    ],
)
def test_a_wrong_signature_is_refused_without_a_word_of_it(forge: Callable[[str], dict[str, str]]) -> None:
    right = "sha256=" + hmac.new(SECRET.encode(), b"{}", sha256).hexdigest()
    HOOKS.verify({SIGNATURE: right}, b"{}", URL, SECRET)
    with pytest.raises(HookError) as refused:
        HOOKS.verify(forge(right), b"{}", URL, SECRET)
    assert SECRET not in str(refused.value)
    assert right not in str(refused.value)


def test_a_delivery_whose_token_was_right_is_read_without_a_signature() -> None:
    found = HOOKS.verify({}, b'{"webhookEvent": "jira:issue_updated", "issue": {"id": "1"}}', URL, None)
    assert found.refs == [issue("1")]


def test_the_signature_is_of_the_raw_body() -> None:
    right = "sha256=" + hmac.new(SECRET.encode(), b'{"a": 1}', sha256).hexdigest()
    HOOKS.verify({SIGNATURE: right}, b'{"a": 1}', URL, SECRET)
    with pytest.raises(HookError):
        HOOKS.verify({SIGNATURE: right}, b'{"a":1}', URL, SECRET)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PARTS = ("issue", "comment", "worklog", "issueLink", "attachment", "sprint", "board", "version", "project", "timestamp", "webhookEvent")
NAMES = ("id", "self", "key", "issueId", "projectId", "sourceIssueId", "destinationIssueId")
BODIES = st.dictionaries(st.sampled_from(PARTS), JSON | st.dictionaries(st.sampled_from(NAMES), JSON))


@given(BODIES | JSON)
def test_no_shape_of_a_body_is_an_error_and_only_ids_come_out(body: object) -> None:
    found = deliver(json.dumps(body).encode())
    for ref in (*found.refs, *found.deleted):
        assert ref.kind in ("issue", "sprint", "board", "worklog", "releases")
        assert ref.external_id.isascii()
        assert ref.external_id.replace("-", "").replace("_", "").isalnum()
    assert set(found.deleted) <= set(found.refs)
    assert all(scope.isdecimal() for scope in found.stale)


@given(st.binary(max_size=200))
def test_no_bytes_are_an_error(body: bytes) -> None:
    deliver(body)
