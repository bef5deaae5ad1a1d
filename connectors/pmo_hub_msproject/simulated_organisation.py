"""Generates a believable organisation on a simulated PWA site: pure, seeded, relative to the `now` it is given.

People are drawn as the other simulators draw them, so that with one seed the same people work in all of them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from pmo_hub_msproject.simulated_plans import BUDGET, DEPARTMENT, DEPARTMENTS, STAGES, STANDARD, Person, Plan, guid_of, key_of, text

FIRST = ("Amara", "Bjørn", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Inés", "Jonas", "Kavya", "Lucía", "Mateus", "Nadia",
         "Oskar", "Priya", "Quentin", "Rosa", "Sanna", "Tomás", "Ulrike", "Vikram", "Wanda", "Xin", "Yusuf", "Zoë")  # fmt: skip
LAST = ("Adeyemi", "Bergström", "Castelli", "Dvořák", "Eriksen", "Fontaine", "García", "Hoffmann", "Ivanova", "Jansen", "Kowalski",
        "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rossi", "Schäfer", "Tanaka", "Usman", "Villanueva", "Weiss",
        "Yılmaz", "Zhang")  # fmt: skip
PLANS = ("ERP Rollout schedule", "Plant Upgrade schedule", "Headquarters Relocation", "Core Network Renewal", "Factory Hall North")
_MORE = ("Substation", "Warehouse", "Data Centre", "Line", "Depot", "Terminal", "Laboratory")
SIZES = {"small": (5, 45), "medium": (12, 250)}


@dataclass(slots=True)
class Site:
    """A PWA site as it was made; a simulator changes it."""

    seed: int
    now: datetime
    people: tuple[Person, ...]
    plans: dict[str, Plan]
    others: list[Plan] = field(default_factory=list)


def generate(seed: int, size: str | int, now: datetime, tasks: int | None = None) -> Site:
    """`size`: small, medium, or a number of issues as for the other simulators; with `tasks`, a number of plans of so many tasks each."""
    wall = now.replace(tzinfo=None, microsecond=0)
    count, each = _counts(size, tasks)
    people = tuple(_people(Random(f"{seed}"), max(24, 1400 // 60)))
    random = Random(f"{seed}/msproject")
    plans = {}
    for number in range(count):
        name = PLANS[number] if number < len(PLANS) else f"{_MORE[number % len(_MORE)]} {number - len(PLANS) + 1}"
        plan = _plan(random, seed, number, name, people, wall, each, 0)
        plans[plan.id] = plan
    others = [
        _plan(random, seed, 9001, "Template for small projects", people, wall, 8, 1),
        _plan(random, seed, 9002, "Timesheet Administrative Work Items", people, wall, 3, 7),
    ]
    return Site(seed, wall, people, plans, others)


def _counts(size: str | int, tasks: int | None) -> tuple[int, int]:
    if isinstance(size, str) and size in SIZES:
        return SIZES[size]
    number = int(size)
    return (number, tasks) if tasks is not None else (max(2, min(5, number // 50)), max(6, min(60, number // 20)))


def _plan(random: Random, seed: int, number: int, name: str, people: tuple[Person, ...], now: datetime, size: int, type: int) -> Plan:
    id, top = guid_of(random), guid_of(random)
    begun = now - timedelta(days=random.randrange(40, 200))
    first = (begun - timedelta(days=begun.weekday())).replace(hour=8, minute=0, second=0)
    owner, stage = people[number % len(people)], STAGES[1 + number % 4]
    header = {
        "Id": id, "Name": name, "ProjectType": type,
        "LastPublishedDate": text(now - timedelta(minutes=random.randrange(60, 90_000), milliseconds=877)),
        "LastSavedDate": text(now - timedelta(minutes=30)), "CreatedDate": text(first), "StartDate": text(first),
        "FinishDate": text(first + timedelta(days=size * 2)),
        "StatusDate": text(now.replace(hour=17, minute=0, second=0) - timedelta(days=1)),
        "CurrencyCode": "EUR", "MinutesPerDay": 480, "MinutesPerWeek": 2400, "DaysPerMonth": 20, "SummaryTaskId": top,
        "PercentComplete": 40, "Calendar": {"Id": STANDARD, "Name": "Standard"}, "Stage": {"Id": guid_of(Random(stage)), "Name": stage},
        "Phase": {"Id": guid_of(Random("phase")), "Name": "Delivery"}, "ScheduledFromStart": True,
        "Owner": {"LoginName": f"i:0#.f|membership|{owner.email}", "Title": owner.name, "Email": owner.email},
        key_of(DEPARTMENT): [tuple(DEPARTMENTS)[number % 2]], key_of(BUDGET): 1_000_000 * (size + 1),
    }  # fmt: skip
    late = (0.4, 0.05, 0.2, 0.1, 0.3)[number % 5]
    return Plan(id, f"{seed}/msproject/{number}", header, size, people[2:] or people, first, now, late)


def _people(random: Random, count: int) -> list[Person]:
    random.getrandbits(128)  # the other simulators' own account, and their robot
    random.getrandbits(128)
    found = []
    for n, (first, last) in enumerate(random.sample([(f, s) for f in FIRST for s in LAST], count)):
        latin = unicodedata.normalize("NFKD", f"{first}.{last}".replace("ı", "i").replace("ø", "o"))
        address = f"{latin.encode('ascii', 'ignore').decode().lower()}@meridian.example"
        id = str(UUID(int=Random(address).getrandbits(128), version=4))
        found.append(Person(id, f"{first} {last}", address, n % 9 != 5))
        random.getrandbits(96)
    return found
