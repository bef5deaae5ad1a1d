"""Boards and sprints asked for by their ids, as webhooks name them; what Jira no longer shows is absent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from pmo_hub.sdk.contract import Gone, Page, Payload, Reason, Ref, Rejected
from pmo_hub.sdk.errors import AuthError
from pmo_hub_jira import wire
from pmo_hub_jira.agile import Boards, FoundBoard, board_payload
from pmo_hub_jira.client import JiraClient, Refused
from pmo_hub_jira.nesting import decode


def fetch_agile(client: JiraClient, boards: Boards, refs: Sequence[Ref]) -> Iterator[Page]:
    """Those of the refs that are boards and sprints; nothing where the account may not read these."""
    try:
        yield from _boards(client, boards, {ref.external_id: ref for ref in refs if ref.kind == "board"})
        yield from _sprints(client, {ref.external_id: ref for ref in refs if ref.kind == "sprint"})
    except AuthError:
        return  # sprints are then taken from the issues


def _boards(client: JiraClient, boards: Boards, wanted: dict[str, Ref]) -> Iterator[Page]:
    """From the site's whole list: what Jira tells of a board by its id has other bytes."""
    if not wanted:
        return
    payloads = []
    for board, raw in client.boards():
        if wanted.pop(str(board.id), None):
            at = board.location.project_id if board.location else None
            found = FoundBoard(board, bytes(raw), None if at is None else str(at))
            payloads.append(board_payload(found, boards.configuration(board.id)))
    yield Page(payloads, gone=[Gone(ref, Reason.ABSENT) for ref in wanted.values()])


def _sprints(client: JiraClient, wanted: dict[str, Ref]) -> Iterator[Page]:
    payloads: list[Payload] = []
    gone: list[Gone] = []
    rejected: list[Rejected] = []
    places = {board.id: board.location.project_id for board, _ in client.boards() if board.location} if wanted else {}
    for id, ref in wanted.items():
        try:
            body = client.sprint(id)
        except Refused as refusal:
            if refusal.status == 404:
                gone.append(Gone(ref, Reason.ABSENT))
            continue
        try:
            sprint = decode(wire.SPRINT, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            rejected.append(Rejected(ref, None, body, f"a sprint that can't be read: {error}"))
        else:
            at = places.get(sprint.origin_board_id or 0)
            payloads.append(Payload(ref, None if at is None else str(at), body))
    if wanted:
        yield Page(payloads, gone=gone, rejected=rejected)
