"""Payloads as records: pure, and built once a batch from the file's head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pmo_hub.domain.records import EarnedValue, Identity, Plan, PlanValue, Record, Resource
from pmo_hub.domain.vocabulary import ResourceKind
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub_mspdi import archived_mapping
from pmo_hub_mspdi.calendars import map_calendar
from pmo_hub_mspdi.custom_fields import values_of
from pmo_hub_mspdi.document import is_person, kind_of
from pmo_hub_mspdi.pages import CALENDAR, PLAN, RESOURCE, TASK, decode, has_earned_value, status_at
from pmo_hub_mspdi.reference import PlanReference, known
from pmo_hub_mspdi.task_mapping import TaskMapping, baseline_cost
from pmo_hub_mspdi.values import Element, flag, moment_of, money, number_of, real, text

MANAGER = "manager"


def mapper(references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The mapper of one plan's payloads; RecordError for a payload that is no element of a file."""
    site, plan = known(references)
    zone = zone_of(site.time_zone)
    by_kind: dict[str, Callable[[Any, Payload], Mapped]] = {
        PLAN: lambda body, payload: _plan(body, payload, site.time_zone, plan),
        CALENDAR: lambda body, payload: Mapped(map_calendar(body, payload.context["plan"])),
        RESOURCE: _resource,
        TASK: TaskMapping(plan, zone),
        **archived_mapping.by_kind(zone, site.time_zone),
    }

    def map_payload(payload: Payload) -> Mapped:
        found = by_kind.get(payload.ref.kind)
        if found is None:
            raise RecordError(f"'{payload.ref.kind}' is no kind of payload of a file's")
        try:
            return found(decode(payload.body), payload)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"the {payload.ref.kind} {payload.ref.external_id} is no element of a plan ({error})") from None

    return map_payload


def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def instant(at: datetime | None, zone: tzinfo) -> datetime | None:
    """A wall-clock time of the plan's zone as an instant."""
    return None if at is None else at.replace(tzinfo=zone).astimezone(UTC)


def _plan(body: Any, payload: Payload, time_zone: str, known: PlanReference) -> Mapped:
    fields: Mapping[str, str] = body["Project"]
    scope = payload.ref.external_id
    mentioned: list[Record] = []
    manager = fields.get("Manager")
    owner = f"{scope}/{payload.context[MANAGER]}" if MANAGER in payload.context else None
    if owner is None and manager:
        owner = f"{scope}/{MANAGER}"
        mentioned.append(Identity(owner, manager))
    calendar = fields.get("CalendarUID")
    plan = Plan(
        scope,
        plan_name(fields) or scope,
        owner=owner,
        starts_at=moment_of(fields.get("StartDate")),
        finishes_at=moment_of(fields.get("FinishDate")),
        status_at=moment_of(fields.get("StatusDate")),
        time_zone=time_zone,
        currency=currency_of(fields.get("CurrencyCode")),
        calendar=f"{scope}/{calendar}" if calendar and calendar != "-1" else None,
        hours_per_day=known.minutes_per_day / 60,
        hours_per_week=known.minutes_per_week / 60,
        days_per_month=number_of(fields.get("DaysPerMonth")),
    )
    owned: list[Record] = [plan]
    summary = body.get("Summary")
    if summary and has_earned_value(summary, fields):
        owned.append(_earned_value(summary, scope, moment_of(status_at(fields))))
    # The fields that people gave the project stand on the row that sums it up.
    for one in values_of(summary or {}, scope, known.fields):
        owned.append(PlanValue(one.external_id, scope, one.field, one.name, one.text, one.number, one.day))
    return Mapped(owned, mentioned)


def plan_name(fields: Mapping[str, str]) -> str | None:
    """What people call the plan: its title, else the file's name without its ending."""
    title = (fields.get("Title") or "").strip()
    name = (fields.get("Name") or "").strip()
    return title or name.removesuffix(".xml").removesuffix(".mpp") or None


def currency_of(code: str | None) -> str | None:
    code = (code or "").strip().upper()
    return code if len(code) == 3 and code.isascii() and code.isalpha() else None


def _earned_value(summary: Element, scope: str, at: datetime | None) -> EarnedValue:
    return EarnedValue(
        scope, scope, None, at, planned_value=money(summary, "BCWS"), earned_value=money(summary, "BCWP"),
        actual_cost=money(summary, "ACWP"), budget_at_completion=baseline_cost(summary),
    )  # fmt: skip


def _resource(body: Any, payload: Payload) -> Mapped:
    id = payload.ref.external_id
    plan = payload.context["plan"]
    person = is_person(body)
    inactive = flag(body, "IsInactive")
    calendar = text(body, "CalendarUID")
    kind = ResourceKind(kind_of(body))
    record = Resource(
        id,
        kind,
        None if person else text(body, "Name"),
        id if person else None,
        flag(body, "IsGeneric"),
        None if inactive is None else not inactive,
        real(body, "MaxUnits") if kind is ResourceKind.WORK else None,
        f"{plan}/{calendar}" if calendar is not None and calendar != "-1" else None,
    )
    identity = Identity(id, text(body, "Name"), text(body, "EmailAddress"), record.is_active)
    return Mapped([record], [identity] if person else [])
