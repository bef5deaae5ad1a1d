"""Plans that were never made, as Microsoft Project would write them: phases, packages, tasks with links, people, baselines, progress.

The same spec writes the same bytes, of a few tasks or of fifty thousand, in the memory of one task.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

from pmo_hub.sdk.simulated_people import colleagues
from pmo_hub_mspdi.streaming import NAMESPACE

PHASES = ("Initiation", "Requirements", "Design", "Build", "Integration", "Test", "Roll-out", "Closure")
PACKAGES = ("Interfaces", "Data", "Security", "Reports", "Infrastructure", "Training", "Migration", "Operations", "Contracts", "Site")
VERBS = ("Specify", "Draft", "Review", "Build", "Install", "Configure", "Verify", "Document", "Approve", "Hand over")
THINGS = ("ledger", "gateway", "catalogue", "archive", "cabinet", "access roles", "cut-over", "work instructions", "test cases", "supplier")
PEOPLE = (
    "Amara Quill", "Bodo Lindt", "Chiara Venn", "Dov Hale", "Esi Mensah", "Farid Koss", "Greta Olm", "Hugo Bask", "Ines Faro", "Jun Tarrow",
    "Kaja Brim", "Luca Stone", "Mina Orde", "Nils Akre", "Oona Pell", "Piet Verhaal",
)  # fmt: skip
SITES = ("North", "South", "Harbour")
PACKAGE_TASKS = 8
PACKAGES_A_PHASE = 5
GATE = 2 + PACKAGE_TASKS
"""The UID of a plan's first milestone: after its phase, its package and the tasks of that."""
RATE = 85
SITE_FIELD = "188743731"
REFERENCE_FIELD = "188743734"
FIRST_TASK = 2
"""The place of the first task among the rows: after its phase and its package."""
GHOST = 9_000_000
"""The UID of a row that stands for a task of another file."""


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """`tasks` are rows with work of their own. `renamed`, `removed` (by UID) and `added` are what somebody did to the plan since.

    `emails` are addresses by name, for people who don't have the usual one. `waits_for`: the first task follows one of another file, as
    that file's name and the task's UID. `by_day`: assignments have time-phased data.
    """

    name: str
    tasks: int = 60
    seed: int = 1
    start: date = date(2026, 3, 2)
    now: datetime = datetime(2026, 9, 15, 9, 0)  # noqa: DTZ001  wall clock, as in the file
    guid: str | None = None
    people: Sequence[str] = PEOPLE
    renamed: Mapping[int, str] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()
    added: Sequence[str] = ()
    has_guid: bool = True
    emails: Mapping[str, str] = field(default_factory=dict)
    waits_for: tuple[str, int] | None = None
    by_day: bool = False

    @property
    def id(self) -> str:
        """The plan's GUID, by its name and seed where none is given."""
        if self.guid is not None:
            return self.guid
        return str(UUID(int=random.Random(f"{self.name}/{self.seed}").getrandbits(128), version=4))


class _Row(NamedTuple):
    uid: int
    level: int
    number: str
    name: str
    start: datetime
    finish: datetime
    days: int
    is_summary: bool
    predecessor: int | None
    person: int | None
    percent: int


def workdays(start: date, days: int) -> date:
    """The day `days` working days after a working day."""
    weeks, rest = divmod(days, 5)
    found = start + timedelta(weeks=weeks)
    for _ in range(rest):
        found += timedelta(days=3 if found.weekday() == 4 else 1)
    return found


def write(spec: PlanSpec) -> Iterator[bytes]:
    """The file in pieces."""
    rows = list(_rows(spec))
    yield _header(spec, rows).encode()
    yield b"<Tasks>\n"
    yield _whole(spec, rows).encode()
    for position, row in enumerate(rows):
        yield _task(spec, row, position).encode()
    yield b"</Tasks>\n<Resources>\n"
    for number, name in enumerate(spec.people, 1):
        mail = spec.emails.get(name) or f"{name.lower().replace(' ', '.')}@corp.example"
        yield (
            f"<Resource><UID>{number}</UID><ID>{number}</ID><Name>{escape(name)}</Name><Type>1</Type><IsNull>0</IsNull>"
            f"<EmailAddress>{escape(mail)}</EmailAddress><MaxUnits>1.00</MaxUnits><CalendarUID>{number + 1}</CalendarUID>"
            "<IsGeneric>0</IsGeneric><IsInactive>0</IsInactive></Resource>\n"
        ).encode()
    yield b"</Resources>\n<Assignments>\n"
    for row in rows:
        if not row.is_summary:
            yield _assignment(row, spec.by_day).encode()
    yield b"</Assignments>\n</Project>\n"


def plan_xml(spec: PlanSpec) -> bytes:
    return b"".join(write(spec))


def plan_files(seed: int, size: str, now: datetime) -> dict[str, bytes]:
    """The waterfall plans of an organisation as files, by name; as many and as long as the size says. Each waits for the one before it.

    Their people are those who work in the organisation's other tools.
    """
    count, tasks = {"small": (3, 80), "medium": (6, 120), "large": (12, 400)}.get(size, (3, 80))
    names = ("Regulatory Reporting plan", "Payroll Change", "Laboratory Extension", "Head Office Move", "Network Renewal",
             "Archive Digitisation", "Call Centre", "Fleet", "Canteen", "Cooling System", "Training Centre", "Gatehouse")  # fmt: skip
    wall = now.replace(tzinfo=None, microsecond=0)
    team = [one for one in colleagues(seed) if one.is_active]
    plans = {}
    for number, name in enumerate(names[:count]):
        own = [*team[number:], *team[:number]][:9]
        spec = PlanSpec(
            name, tasks, seed + number, _monday(wall.date() - timedelta(days=70 + 15 * number)), wall, people=[one.name for one in own],
            emails={one.name: one.email for one in own}, waits_for=(f"{names[number - 1]}.mpp", GATE) if number else None,
        )  # fmt: skip
        plans[f"{name}.xml"] = plan_xml(spec)
    return plans


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _rows(spec: PlanSpec) -> Iterator[_Row]:
    """Phases follow each other, packages of a phase go side by side, their tasks one after the other up to a milestone."""
    rng = random.Random(f"plan/{spec.seed}")
    made = [row for row in _everything(spec, rng) if row.uid not in spec.removed]
    for row in made:
        name = spec.renamed.get(row.uid, row.name)
        before = row.predecessor if row.predecessor not in spec.removed else None
        yield row._replace(name=name, predecessor=before)


def _everything(spec: PlanSpec, rng: random.Random) -> Iterator[_Row]:
    uid, left, phase, begins = 0, spec.tasks, 0, spec.start
    last_milestone: int | None = None
    while left > 0:
        phase += 1
        phase_name = PHASES[(phase - 1) % len(PHASES)] + (f" {(phase - 1) // len(PHASES) + 1}" if phase > len(PHASES) else "")
        rows: list[_Row] = []
        uid += 1
        phase_uid, ends, gate = uid, begins, last_milestone
        for package in range(1, PACKAGES_A_PHASE + 1):
            if left <= 0:
                break
            uid += 1
            package_uid, day, before = uid, begins, gate
            inner: list[_Row] = []
            for task in range(1, min(PACKAGE_TASKS, left) + 1):
                uid += 1
                left -= 1
                is_gate = task == PACKAGE_TASKS
                days = 0 if is_gate else rng.randint(1, 10)
                start = datetime.combine(day, time(8))
                last = workdays(day, max(0, days - 1))
                finish = datetime.combine(last, time(17)) if days else start
                name = f"{PACKAGES[(package - 1) % len(PACKAGES)]} accepted" if is_gate else f"{rng.choice(VERBS)} {rng.choice(THINGS)}"
                percent = _percent(start, finish, spec.now, rng)
                person = None if is_gate else rng.randrange(len(spec.people)) + 1
                inner.append(_Row(uid, 3, f"{phase}.{package}.{task}", name, start, finish, days, False, before, person, percent))
                before, day = uid, workdays(last, 1) if days else day
            last_milestone = uid
            ends = max(ends, inner[-1].finish.date())
            rows.append(_summary(package_uid, 2, f"{phase}.{package}", PACKAGES[(package - 1) % len(PACKAGES)], inner))
            rows += inner
        yield _summary(phase_uid, 1, str(phase), phase_name, [row for row in rows if not row.is_summary])
        yield from rows
        begins = workdays(ends, 1)
    for number, name in enumerate(spec.added, 1):
        start = datetime.combine(begins, time(8))
        yield _Row(1_000_000 + number, 1, str(phase + number), name, start, start.replace(hour=17), 1, False, None, None, 0)


def _summary(uid: int, level: int, number: str, name: str, inner: Sequence[_Row]) -> _Row:
    start, finish = min(row.start for row in inner), max(row.finish for row in inner)
    days = sum(1 for n in range((finish.date() - start.date()).days + 1) if (start.date() + timedelta(days=n)).weekday() < 5)
    whole = sum(row.days for row in inner) or 1
    percent = round(sum(row.percent * row.days for row in inner) / whole)
    return _Row(uid, level, number, name, start, finish, days, True, None, None, percent)


def _percent(start: datetime, finish: datetime, now: datetime, rng: random.Random) -> int:
    if finish < now - timedelta(days=5):
        return 100 if rng.random() < 0.96 else 80
    if start > now:
        return 0
    return rng.choice((10, 25, 40, 50, 60, 75, 90, 100)) if finish > start else 100


def _header(spec: PlanSpec, rows: Sequence[_Row]) -> str:
    start = min((row.start for row in rows), default=datetime.combine(spec.start, time(8)))
    finish = max((row.finish for row in rows), default=start)
    guid = f"<GUID>{spec.id.upper()}</GUID>" if spec.has_guid else ""
    values = "".join(
        f"<Value><ValueID>{n}</ValueID><FieldGUID>00000000-0000-4000-8000-00000000000{n}</FieldGUID><Value>{site}</Value></Value>"
        for n, site in enumerate(SITES, 1)
    )
    calendars = "".join(
        f"<Calendar><UID>{n}</UID><Name>{escape(name)}</Name><IsBaseCalendar>0</IsBaseCalendar><BaseCalendarUID>1</BaseCalendarUID></Calendar>"
        for n, name in enumerate(spec.people, 2)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Project xmlns="{NAMESPACE}"><SaveVersion>14</SaveVersion>{guid}'
        f"<Name>{escape(spec.name)}.xml</Name><Title>{escape(spec.name)}</Title><Manager>{escape(spec.people[0])}</Manager>"
        f"<StartDate>{start.isoformat()}</StartDate><FinishDate>{finish.isoformat()}</FinishDate><CurrencyDigits>2</CurrencyDigits>"
        f"<CurrencyCode>EUR</CurrencyCode><CalendarUID>1</CalendarUID><MinutesPerDay>480</MinutesPerDay><MinutesPerWeek>2400</MinutesPerWeek>"
        f"<DaysPerMonth>20</DaysPerMonth><StatusDate>{spec.now.isoformat()}</StatusDate><CurrentDate>{spec.now.isoformat()}</CurrentDate>\n"
        f"<OutlineCodes><OutlineCode><FieldID>{SITE_FIELD}</FieldID><FieldName>Text1</FieldName><Values>{values}</Values></OutlineCode>"
        f"</OutlineCodes><ExtendedAttributes><ExtendedAttribute><FieldID>{SITE_FIELD}</FieldID><FieldName>Text1</FieldName>"
        f"<Alias>Location</Alias></ExtendedAttribute><ExtendedAttribute><FieldID>{REFERENCE_FIELD}</FieldID><FieldName>Number1</FieldName>"
        f"<Alias>Purchase order</Alias></ExtendedAttribute></ExtendedAttributes>\n<Calendars>{_STANDARD}{calendars}</Calendars>\n"
    )


def _week() -> str:
    times = (
        "<WorkingTimes><WorkingTime><FromTime>08:00:00</FromTime><ToTime>12:00:00</ToTime></WorkingTime>"
        "<WorkingTime><FromTime>13:00:00</FromTime><ToTime>17:00:00</ToTime></WorkingTime></WorkingTimes>"
    )
    return "".join(
        f"<WeekDay><DayType>{day}</DayType><DayWorking>{int(1 < day < 7)}</DayWorking>{times if 1 < day < 7 else ''}</WeekDay>"
        for day in range(1, 8)
    )


_STANDARD = (
    "<Calendar><UID>1</UID><Name>Standard</Name><IsBaseCalendar>1</IsBaseCalendar><BaseCalendarUID>-1</BaseCalendarUID>"
    f"<WeekDays>{_week()}</WeekDays><Exceptions><Exception><EnteredByOccurrences>1</EnteredByOccurrences><TimePeriod>"
    "<FromDate>2026-12-25T00:00:00</FromDate><ToDate>2030-12-25T23:59:00</ToDate></TimePeriod><Occurrences>5</Occurrences>"
    "<Name>Christmas Day</Name><Type>2</Type><Month>11</Month><MonthDay>25</MonthDay><DayWorking>0</DayWorking></Exception></Exceptions>"
    "</Calendar>"
)


def _whole(spec: PlanSpec, rows: Sequence[_Row]) -> str:
    """The row that Microsoft Project writes for the plan itself."""
    leaves = [row for row in rows if not row.is_summary]
    cost = sum(row.days for row in leaves) * 8 * RATE * 100
    earned = sum(row.days * 8 * row.percent // 100 for row in leaves) * RATE * 100
    planned = sum(row.days for row in leaves if row.finish <= spec.now) * 8 * RATE * 100
    return (
        f"<Task><UID>0</UID><ID>0</ID><Name>{escape(spec.name)}</Name><IsNull>0</IsNull><WBS>0</WBS><OutlineNumber>0</OutlineNumber>"
        f"<OutlineLevel>0</OutlineLevel><Summary>1</Summary><Cost>{cost}</Cost><BCWS>{planned}</BCWS><BCWP>{earned}</BCWP>"
        f"<ACWP>{earned * 104 // 100}</ACWP><Baseline><Number>0</Number><Cost>{cost}</Cost></Baseline></Task>\n"
    )


def _task(spec: PlanSpec, row: _Row, position: int) -> str:
    hours, done = row.days * 8, row.days * 8 * row.percent // 100
    cost, spent = hours * RATE * 100, done * RATE * 100
    late = random.Random(f"{spec.seed}/{row.uid}").random()
    agreed = row.start - timedelta(days=7 if late < 0.3 else 0)
    began = f"<ActualStart>{row.start.isoformat()}</ActualStart>" if row.percent else ""
    ended = f"<ActualFinish>{row.finish.isoformat()}</ActualFinish>" if row.percent == 100 and not row.is_summary else ""
    deadline = f"<Deadline>{(row.finish + timedelta(days=5)).isoformat()}</Deadline>" if late < 0.05 else ""
    planned = cost if row.finish <= spec.now else 0
    link = ""
    if spec.waits_for is not None and position == FIRST_TASK:
        name, uid = spec.waits_for
        link = (
            f"<PredecessorLink><PredecessorUID>{GHOST}</PredecessorUID><Type>1</Type><CrossProject>1</CrossProject>"
            f"<CrossProjectName>{escape(name)}\\{uid}</CrossProjectName><LinkLag>0</LinkLag><LagFormat>7</LagFormat></PredecessorLink>"
        )
    if row.predecessor is not None:
        type, lag = (3, 4800) if late > 0.9 else (1, 9600 if late < 0.1 else 0)
        link = (
            f"<PredecessorLink><PredecessorUID>{row.predecessor}</PredecessorUID><Type>{type}</Type><CrossProject>0</CrossProject>"
            f"<LinkLag>{lag}</LinkLag><LagFormat>7</LagFormat></PredecessorLink>"
        )
    fields = "" if row.is_summary else (
        f"<ExtendedAttribute><FieldID>{SITE_FIELD}</FieldID><Value>x</Value><ValueGUID>00000000-0000-4000-8000-00000000000"
        f"{row.uid % 3 + 1}</ValueGUID></ExtendedAttribute>"
    )  # fmt: skip
    return (
        f"<Task><UID>{row.uid}</UID><ID>{position + 1}</ID><Name>{escape(row.name)}</Name><Active>1</Active><Manual>0</Manual>"
        f"<IsNull>0</IsNull><CreateDate>2026-01-05T09:00:00</CreateDate><WBS>{row.number}</WBS><OutlineNumber>{row.number}</OutlineNumber>"
        f"<OutlineLevel>{row.level}</OutlineLevel><Priority>500</Priority><Start>{row.start.isoformat()}</Start>"
        f"<Finish>{row.finish.isoformat()}</Finish><Duration>PT{hours}H0M0S</Duration><DurationFormat>7</DurationFormat>"
        f"<Work>PT{hours}H0M0S</Work><Estimated>0</Estimated><Milestone>{int(row.days == 0)}</Milestone><Summary>{int(row.is_summary)}"
        f"</Summary><Critical>{int(late > 0.8)}</Critical><FreeSlack>0</FreeSlack><TotalSlack>{0 if late > 0.8 else 4800}</TotalSlack>"
        f"<PercentComplete>{row.percent}</PercentComplete><Cost>{cost}</Cost>{began}{ended}{deadline}<ActualCost>{spent}</ActualCost>"
        f"<ActualWork>PT{done}H0M0S</ActualWork><RemainingCost>{cost - spent}</RemainingCost><RemainingWork>PT{hours - done}H0M0S"
        f"</RemainingWork><ConstraintType>0</ConstraintType><CalendarUID>-1</CalendarUID><BCWS>{planned}</BCWS><BCWP>{spent}</BCWP>"
        f"<ACWP>{spent * 104 // 100}</ACWP>{link}<Baseline><Number>0</Number><Start>{agreed.isoformat()}</Start>"
        f"<Finish>{(agreed + (row.finish - row.start)).isoformat()}</Finish><Duration>PT{hours}H0M0S</Duration><Work>PT{hours}H0M0S</Work>"
        f"<Cost>{cost}</Cost></Baseline>{fields}</Task>\n"
    )


def _assignment(row: _Row, by_day: bool) -> str:
    hours, done = row.days * 8, row.days * 8 * row.percent // 100
    resource = -65535 if row.person is None else row.person
    return (
        f"<Assignment><UID>{row.uid + 2_000_000}</UID><TaskUID>{row.uid}</TaskUID><ResourceUID>{resource}</ResourceUID><Units>1</Units>"
        f"<Work>PT{hours}H0M0S</Work><ActualWork>PT{done}H0M0S</ActualWork><RemainingWork>PT{hours - done}H0M0S</RemainingWork>"
        f"<Start>{row.start.isoformat()}</Start><Finish>{row.finish.isoformat()}</Finish><Cost>{hours * RATE * 100}</Cost>"
        f"{''.join(_periods(row, done)) if by_day else ''}</Assignment>\n"
    )


def _periods(row: _Row, done: int) -> Iterator[str]:
    """Eight hours a day, first what was done (2), then what remains (1)."""
    for number in range(row.days):
        day = workdays(row.start.date(), number).isoformat()
        worked = min(8, done)
        done -= worked
        for kind, hours, begins, ends in ((2, worked, 8, 8 + worked), (1, 8 - worked, 8 + worked, 17)):
            if hours:
                yield (
                    f"<TimephasedData><Type>{kind}</Type><UID>{row.uid + 2_000_000}</UID><Start>{day}T{begins:02}:00:00</Start>"
                    f"<Finish>{day}T{ends:02}:00:00</Finish><Unit>2</Unit><Value>PT{hours}H0M0S</Value></TimephasedData>"
                )
