"""Pages of the wire as payloads: cheap, because each issue is looked into for four fields only and kept as the bytes it came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from pmo_hub.sdk.contract import Gone, Payload, Reason, Ref, Rejected
from pmo_hub_jira import wire
from pmo_hub_jira.construction import constructor
from pmo_hub_jira.instants import epoch_ms, version_of
from pmo_hub_jira.nesting import decode

_payload = constructor(Payload)
_ref = constructor(Ref)
JSON = "application/json"


@dataclass(slots=True)
class Split:
    """What a page of issues holds. `truncated`: issues whose comments must be read apart; `whole`: those that embed all they have.

    `worklogs` are those that issues embed whole, each a payload of its own; those of `busy` issues must be read apart.
    """

    payloads: list[Payload] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    worklogs: list[Payload] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    created_ms: int | None = None

    def stale_comments(self) -> list[Gone]:
        """Payloads of comments that must not outlive the time when they had to be read apart."""
        return [Gone(Ref("comments", id), Reason.DELETED) for id in self.whole]


def split_issues(raws: Iterable[msgspec.Raw]) -> Split:
    """Each issue as a payload; what has no id, project or time of change is rejected with the reason."""
    found = Split()
    payloads, ids = found.payloads, found.ids
    head_of = wire.HEAD.decode
    created: str | None = None
    for raw in raws:
        body = bytes(raw)
        try:
            head = head_of(body)
        except RecursionError:
            head = decode(wire.HEAD, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            found.rejected.append(_rejected(body, error))
            continue
        fields, id = head.fields, head.id
        payloads.append(_payload(_ref("issue", id), fields.project.id, body, JSON, None, {}, version_of(fields.updated)))
        ids.append(id)
        comment = fields.comment
        if comment is not None and comment.total:
            whole = len(comment.comments or ()) >= comment.total
            (found.whole if whole else found.truncated).append(id)
        worklog = fields.worklog
        if worklog is not None and worklog.total:
            if len(worklog.worklogs or ()) < worklog.total:
                found.busy.append(id)
            else:
                logged, unread = split_worklogs(worklog.worklogs or (), fields.project.id)
                found.worklogs += logged
                found.rejected += unread
        created = fields.created or created
    found.created_ms = epoch_ms(created)
    return found


def split_histories(page: wire.ChangelogPage) -> tuple[list[Payload], list[Rejected]]:
    """Each entry of each issue's changelog as a payload of its own; its id names the issue too, so that it can be fetched again."""
    payloads: list[Payload] = []
    rejected: list[Rejected] = []
    for log in page.issue_change_logs or ():
        parent = Ref("issue", log.issue_id)
        for raw in log.change_histories or ():
            body = bytes(raw)
            try:
                entry = decode(wire.IDENTIFIED, body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                rejected.append(Rejected(None, None, body, f"an entry of issue {log.issue_id}'s changelog can't be read: {error}"))
            else:
                payloads.append(_payload(_ref("history", f"{log.issue_id}:{entry.id}"), None, body, part_of=parent))
    return payloads, rejected


def split_worklogs(raws: Iterable[msgspec.Raw], scope: str | None = None) -> tuple[list[Payload], list[Rejected]]:
    """Each worklog as a payload that is part of its issue; `scope` is told of those that can't be read."""
    payloads: list[Payload] = []
    rejected: list[Rejected] = []
    for raw in raws:
        body = bytes(raw)
        try:
            head = decode(wire.WORKLOG_HEAD, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            rejected.append(Rejected(_ref_in("worklog", body), scope, body, f"a worklog that can't be read: {error}"))
            continue
        version = version_of(head.updated) if head.updated else None
        payloads.append(_payload(_ref("worklog", head.id), None, body, JSON, Ref("issue", head.issue_id), {}, version))
    return payloads, rejected


def comments_payload(issue: str, body: bytes) -> Payload:
    return Payload(Ref("comments", issue), None, body, part_of=Ref("issue", issue))


def _rejected(body: bytes, error: Exception) -> Rejected:
    ref = _ref_in("issue", body)
    said, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").strip(".")
    why = f"an issue without a usable {field}: {said.replace('`', '')}" if field else f"an issue that can't be read: {said}"
    return Rejected(ref, None, body, why)


def _ref_in(kind: str, body: bytes) -> Ref | None:
    """What the body itself says that it is; None where not even its id can be read."""
    try:
        return Ref(kind, decode(wire.IDENTIFIED, body).id)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
