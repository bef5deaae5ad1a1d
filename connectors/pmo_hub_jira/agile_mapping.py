"""Boards and sprints as records."""

from __future__ import annotations

import msgspec

from pmo_hub.domain.records import Board, BoardColumn, Iteration, Record
from pmo_hub.domain.vocabulary import IterationState
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub_jira import wire
from pmo_hub_jira.instants import instant
from pmo_hub_jira.nesting import decode

_STATES = {"future": IterationState.FUTURE, "active": IterationState.ACTIVE, "closed": IterationState.CLOSED}


def iteration_of(sprint: wire.Sprint) -> Iteration:
    return Iteration(
        str(sprint.id),
        sprint.name or str(sprint.id),
        _STATES.get((sprint.state or "").casefold()),
        sprint.goal or None,
        instant(sprint.start_date),
        instant(sprint.end_date),
        instant(sprint.complete_date),
    )


def map_sprint(payload: Payload) -> Mapped:
    try:
        sprint = decode(wire.SPRINT, payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"sprint {payload.ref.external_id} can't be mapped: {error}") from None
    return Mapped([iteration_of(sprint)])


def map_board(payload: Payload) -> Mapped:
    """The board and its columns, in their order."""
    try:
        found = decode(wire.BOARD_PAYLOAD, payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"board {payload.ref.external_id} can't be mapped: {error}") from None
    id = str(found.board.id)
    configuration = found.configuration or wire.Configuration()
    estimation = configuration.estimation
    field = estimation.field.field_id if estimation and estimation.field else None
    columns = (configuration.column_config.columns if configuration.column_config else None) or ()
    owned: list[Record] = [Board(id, found.board.name or id, found.board.type, field)]
    owned += [
        BoardColumn(
            f"{id}:{position}",
            id,
            column.name or "",
            position,
            tuple(status.id for status in column.statuses or ()),
            column.min,
            column.max,
        )
        for position, column in enumerate(columns)
    ]
    return Mapped(owned)
