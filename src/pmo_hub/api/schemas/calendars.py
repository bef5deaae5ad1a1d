"""Calendars on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from pmo_hub.api.schemas.work_items import AS_OF
from pmo_hub.domain.calendars import DAYS, Shifts, clock, in_words
from pmo_hub.services.plans import CalendarInfo

DayName = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class CalendarRef(BaseModel):
    id: str
    name: str | None


class ShiftView(BaseModel):
    start: str = Field(examples=["08:00"])
    end: str = Field(description="24:00 is the day's end", examples=["12:00"])


class DayView(BaseModel):
    day: DayName
    shifts: list[ShiftView] = Field(description="none: a day off")
    is_inherited: bool = Field(description="a calendar beneath this one says so")


class ExceptionView(BaseModel):
    """Days on which these shifts count instead of the week's; where two meet, that of the nearer calendar counts."""

    calendar_id: str = Field(description="the calendar itself, or one that it inherits from")
    name: str | None
    first: date
    last: date
    shifts: list[ShiftView] = Field(description="none: days off")


class CalendarView(BaseModel):
    """A calendar with what it inherits; `week` is null where none of them says what a working day is."""

    id: str
    name: str | None
    bases: list[CalendarRef] = Field(description="what it inherits from, nearest first")
    week: list[DayView] | None
    in_words: str | None = Field(examples=["Monday to Friday 08:00–12:00, 13:00–17:00; Saturday and Sunday off"])
    exceptions: list[ExceptionView] = Field(description="in the order of their days")
    recorded_from: datetime
    as_of: datetime | None = Field(None, description=AS_OF)


def calendar_view(found: CalendarInfo, as_of: datetime | None) -> CalendarView:
    own, week = found.calendar, found.week
    return CalendarView(
        id=own.id,
        name=own.name,
        bases=[CalendarRef(id=one.id, name=one.name) for one in found.bases],
        week=None
        if week is None
        else [DayView(day=name, shifts=_shifts(week[n]), is_inherited=own.week[n] is None) for n, name in enumerate(DAYS)],
        in_words=None if week is None else in_words(week),
        exceptions=[
            ExceptionView(calendar_id=one.calendar_id, name=one.name, first=one.first, last=one.last, shifts=_shifts(one.shifts))
            for one in found.exceptions
        ],
        recorded_from=own.recorded_from,
        as_of=as_of,
    )


def _shifts(shifts: Shifts) -> list[ShiftView]:
    return [ShiftView(start=clock(start), end=clock(end)) for start, end in shifts]
