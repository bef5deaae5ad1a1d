"""Generates the organisation's plans in Planner: groups, plans with buckets and categories, tasks with checklists. Pure and seeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from pmo_hub.sdk.simulated_people import colleagues

GROUPS = (
    ("Facilities", ("Office Relocation Moves", "Site Safety")), ("Marketing", ("Brand Refresh Campaign", "Trade Fair")),
    ("Human Resources", ("Onboarding", "Training Year")), ("Finance", ("Year End Close",)), ("Board", ("Confidential",)),
)  # fmt: skip
BUCKETS = ("To do", "Doing", "Waiting", "Done")
CATEGORIES = ("Urgent", "Supplier", "Works council", "Budget")
WORK = (
    "Book the venue", "Ask for three offers", "Draft the announcement", "Check the lease", "Order badges", "Update the handbook",
    "Invite the speakers", "Reconcile accounts", "Plan the moving day", "Collect feedback", "Prepare the induction", "Close the month",
)  # fmt: skip
CHECKS = ("Ask the owner", "Get the approval", "Tell everybody")
LATE = (0.1, 0.02, 0.3, 0.05, 0.15)
"""The share of a plan's tasks past their day that are not done."""
SIZES = {"small": (8, 18), "medium": (40, 60)}
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(slots=True)
class Plan:
    """`tasks` are JSON as an answer holds it, details included, by id."""

    id: str
    group: str
    title: str
    buckets: list[dict[str, Any]] = field(default_factory=list)
    categories: dict[str, str | None] = field(default_factory=dict)
    tasks: dict[str, bytes] = field(default_factory=dict)
    owner: str = ""
    created: str = ""


@dataclass(slots=True)
class Tenant:
    groups: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id(random: Random) -> str:
    return "".join(random.choices(_ID, k=28))


def guid(random: Random) -> str:
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def shape_of(size: str | int) -> tuple[int, int]:
    """Plans, and tasks a plan: small, medium, a number of tasks, or plans and tasks a plan such as 500x400."""
    if isinstance(size, str) and size in SIZES:
        return SIZES[size]
    if isinstance(size, str) and "x" in size:
        first, _, second = size.partition("x")
        return int(first), int(second)
    plans = max(3, min(8, int(size) // 18))
    return plans, max(2, int(size) // plans)


def generate(seed: int, size: str | int, now: datetime, etag: Any) -> Tenant:
    """The same seed, size and instant make the same tenant; `etag` numbers what is written."""
    random = Random(f"{seed}/planner")
    tenant = Tenant()
    for person in colleagues(seed):
        id = guid(random)
        tenant.users[id] = {
            "id": id, "displayName": person.name, "mail": person.email, "userPrincipalName": person.email,
            "accountEnabled": person.is_active,
        }  # fmt: skip
    titles = [(group, title) for group, own in GROUPS for title in own]
    groups = {name: guid(random) for name, _ in GROUPS}
    tenant.groups = {id: name for name, id in groups.items()}
    plans, tasks = shape_of(size)
    for number in range(plans):
        group, title = titles[number % len(titles)]
        again = number // len(titles)
        own = Random(f"{seed}/planner/{number}")
        plan = Plan(new_id(own), groups[group], title if not again else f"{title} {again + 1}", created=stamp(now - timedelta(days=90)))
        plan.owner = own.choice(list(tenant.users))
        plan.buckets = [
            {
                "@odata.etag": etag("Bucket"),
                "name": name,
                "planId": plan.id,
                "orderHint": f"{8585 + n}{'' if n else '+'}",
                "id": new_id(own),
            }
            for n, name in enumerate(BUCKETS)
        ]
        plan.categories = {f"category{n + 1}": CATEGORIES[n] if n < len(CATEGORIES) else None for n in range(25)}
        team = own.sample(list(tenant.users), 5)
        for n in range(tasks):
            task = _task(own, plan, n, team, now, LATE[number % len(LATE)], etag)
            plan.tasks[task["id"]] = msgspec.json.encode(task)
        tenant.plans[plan.id] = plan
    return tenant


def _task(random: Random, plan: Plan, n: int, team: list[str], now: datetime, late: float, etag: Any) -> dict[str, Any]:
    created = now - timedelta(days=random.randrange(20, 80), hours=n % 7)
    due = (created + timedelta(days=random.randrange(10, 90))).replace(hour=10, minute=0, second=0)
    is_late = random.random() < late
    percent = random.choice((0, 50)) if due > now or is_late else 100
    who = random.sample(team, random.choice((0, 1, 1, 1, 2)))
    checks = random.sample(CHECKS, 2) if random.random() < 0.3 else []
    bucket = plan.buckets[{0: 0, 50: 1, 100: 3}[percent]]["id"]
    return {
        "@odata.etag": etag("Task"), "planId": plan.id, "bucketId": bucket, "title": f"{WORK[n % len(WORK)]} {n + 1}",
        "orderHint": f"85852{n:09d}P", "assigneePriority": "", "percentComplete": percent,
        "startDateTime": stamp(created.replace(hour=10)) if n % 3 else None, "createdDateTime": stamp(created),
        "dueDateTime": stamp(due) if n % 5 else None, "hasDescription": n % 4 == 0, "previewType": "automatic",
        "completedDateTime": stamp(min(now, due)) if percent == 100 else None,
        "completedBy": {"user": {"displayName": None, "id": team[0]}} if percent == 100 else None,
        "referenceCount": 1 if n % 9 == 1 else 0, "checklistItemCount": len(checks), "activeChecklistItemCount": len(checks),
        "conversationThreadId": None, "priority": random.choice((1, 3, 5, 9)), "id": new_id(random),
        "createdBy": {"user": {"displayName": None, "id": plan.owner}},
        "appliedCategories": {f"category{1 + n % 4}": True} if n % 6 == 0 else {},
        "assignments": {
            user: {
                "@odata.type": "#microsoft.graph.plannerAssignment", "assignedDateTime": stamp(created), "orderHint": "RWk1",
                "assignedBy": {"user": {"displayName": None, "id": plan.owner}},
            }
            for user in who
        },
        "details": {
            "@odata.etag": etag("TaskDetails"), "description": "What has to be done." if n % 4 == 0 else "", "previewType": "automatic",
            "references": {"https%3A//intranet%2Eexample/notes": {
                "@odata.type": "#microsoft.graph.plannerExternalReference", "alias": "Notes", "type": "Other", "previewPriority": "8599",
                "lastModifiedDateTime": stamp(created),
            }} if n % 9 == 1 else {},
            "checklist": {
                guid(random): {
                    "@odata.type": "#microsoft.graph.plannerChecklistItem", "isChecked": k == 1, "title": text, "orderHint": f"8585{k}",
                    "lastModifiedDateTime": stamp(created),
                }
                for k, text in enumerate(checks)
            },
        },
    }  # fmt: skip
