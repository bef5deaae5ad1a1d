"""What the name of a list or label suggests. Boards have no status: only names tell, until an admin has said what a list means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pmo_hub.domain.vocabulary import Kind, StatusCategory

_CATEGORIES: Mapping[StatusCategory, tuple[str, ...]] = {
    StatusCategory.TODO: (
        "to do", "todo", "to-do", "backlog", "icebox", "ideas", "idea", "inbox", "new", "next", "next up", "open", "planned", "planning",
        "queue", "queued", "ready", "requested", "requests", "scheduled", "someday", "up next", "upcoming", "not started", "later",
        "wishlist", "future features", "this week", "this sprint", "sprint backlog",
        "offen", "zu erledigen", "geplant", "ideen", "à faire", "a faire", "por hacer", "pendiente", "da fare", "a fazer", "å gjøre",
        "att göra", "te doen", "do zrobienia", "待办", "待处理", "未着手",
    ),
    StatusCategory.IN_PROGRESS: (
        "doing", "in progress", "wip", "work in progress", "in work", "active", "started", "current", "in development", "development",
        "developing", "coding", "review", "in review", "reviewing", "code review", "to review", "ready for", "waiting for", "waiting",
        "testing", "test", "qa", "in test", "verify", "verification", "validation", "blocked", "on hold", "hold", "pending", "stuck",
        "feedback", "approval", "staging", "ongoing", "design", "in arbeit", "in bearbeitung", "laufend", "prüfung", "blockiert",
        "en cours", "en curso", "en progreso", "in corso", "em andamento", "pågår", "bezig", "w toku", "进行中", "处理中", "测试", "作業中",
    ),
    StatusCategory.DONE: (
        "done", "complete", "completed", "finished", "closed", "released", "shipped", "deployed", "live", "resolved", "accepted",
        "delivered", "published", "erledigt", "fertig", "abgeschlossen", "terminé", "terminée", "fait", "hecho", "terminado", "fatto",
        "completato", "concluído", "feito", "ferdig", "klart", "klar", "gereed", "klaar", "zrobione", "gotowe", "完成", "已完成", "完了",
    ),
    StatusCategory.CANCELLED: (
        "cancelled", "canceled", "abandoned", "declined", "discarded", "dropped", "rejected", "won't do", "wont do", "won’t do",
        "won't fix", "wontfix", "not doing", "obsolete", "duplicate", "duplicates", "invalid", "abgebrochen", "abgelehnt", "verworfen",
        "annulé", "cancelado", "annullato", "已取消",
    ),
}  # fmt: skip

_KINDS: Mapping[str, Kind] = {
    "bug": Kind.BUG, "bugs": Kind.BUG, "defect": Kind.BUG, "fehler": Kind.BUG, "缺陷": Kind.BUG,
    "story": Kind.STORY, "user story": Kind.STORY,
    "milestone": Kind.MILESTONE, "meilenstein": Kind.MILESTONE, "里程碑": Kind.MILESTONE,
    "risk": Kind.RISK, "risiko": Kind.RISK, "风险": Kind.RISK,
}  # fmt: skip

_PRIORITIES: Mapping[str, int] = {
    "highest": 100, "highest priority": 100, "urgent": 100, "blocker": 100, "critical": 100, "p0": 100, "prio 1": 100,
    "high": 75, "high priority": 75, "priority: high": 75, "p1": 75, "hohe priorität": 75,
    "medium": 50, "medium priority": 50, "priority: medium": 50, "p2": 50,
    "low": 25, "low priority": 25, "priority: low": 25, "p3": 25,
    "lowest": 0, "lowest priority": 0, "p4": 0,
}  # fmt: skip

POINTS = frozenset({"story points", "story point estimate", "points", "estimate", "effort points", "sp"})
"""Names of number fields that hold points."""

_UNSPACED = 0x2E7F
"""From here on scripts part no words by blanks."""

_NOISE = re.compile(r"[^\w\s'’:-]+")


def plain(name: str) -> str:
    """In lower case, without emoji and brackets."""
    return " ".join(_NOISE.sub(" ", name.casefold()).split()).strip(" -:'’")


def suggested_category(name: str) -> StatusCategory | None:
    """What a list of that name usually means: the whole name, else the words that stand first in it, the longest of those."""
    return _suggested(plain(name))


@lru_cache(maxsize=4_096)
def _suggested(name: str) -> StatusCategory | None:
    whole = _WHOLE.get(name)
    if whole is not None:
        return whole
    found = _WORDS.search(name)
    if found is not None:
        return _WHOLE[found.group()]
    # Scripts without blanks between words.
    return next((category for word, category in _WHOLE.items() if ord(word[0]) > _UNSPACED and word in name), None)


def suggested_kind(label: str) -> Kind | None:
    return _KINDS.get(plain(label))


def suggested_priority(label: str) -> int | None:
    return _PRIORITIES.get(plain(label))


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """The longest word first, so that "not started" is not read as "started"."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)")


_WHOLE = {word: category for category, words in _CATEGORIES.items() for word in words}
_WORDS = _pattern(_WHOLE)
