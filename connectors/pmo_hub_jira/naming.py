"""What people call an issue: its key, which changes when it moves, or its id."""

from __future__ import annotations

import re

import msgspec

from pmo_hub.sdk.contract import Named, Ref
from pmo_hub_jira import wire
from pmo_hub_jira.client import JiraClient
from pmo_hub_jira.nesting import decode

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]+|[0-9]+")


class _Fields(msgspec.Struct):
    project: wire.Identified


class _Issue(msgspec.Struct):
    id: str
    key: str
    fields: _Fields


_ISSUE = msgspec.json.Decoder(_Issue)


def named_issue(client: JiraClient, text: str) -> Named | None:
    """The issue, with the key that it has now; None where Jira shows none of that name to the account."""
    if not NAME.fullmatch(text):
        return None
    for raw in client.issues([text.upper()], ["project"]).issues or ():
        try:
            issue = decode(_ISSUE, raw)
        except msgspec.DecodeError:
            continue  # without an id or a project it is as good as not there
        return Named(Ref("issue", issue.id), issue.fields.project.id, issue.key)
    return None
