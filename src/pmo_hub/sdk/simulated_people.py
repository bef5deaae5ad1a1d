"""The people of the generated organisation, the same in every simulator of one seed: one person has accounts in several tools."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random

FIRST = (
    "Amara", "Bjørn", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Inés", "Jonas", "Kavya", "Lucía", "Mateus", "Nadia", "Oskar",
    "Priya", "Quentin", "Rosa", "Sanna", "Tomás", "Ulrike", "Vikram", "Wanda", "Xin", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Adeyemi", "Bergström", "Castelli", "Dvořák", "Eriksen", "Fontaine", "García", "Hoffmann", "Ivanova", "Jansen", "Kowalski", "Lindqvist",
    "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rossi", "Schäfer", "Tanaka", "Usman", "Villanueva", "Weiss", "Yılmaz", "Zhang",
)  # fmt: skip
USUAL = 24


@dataclass(frozen=True, slots=True)
class Colleague:
    name: str
    email: str
    is_active: bool


def colleagues(seed: int, count: int = USUAL) -> tuple[Colleague, ...]:
    """That many people; an organisation of another size has others."""
    random = Random(f"{seed}")
    for _ in range(2):
        random.getrandbits(128)  # the two accounts that are nobody's, in every tool
    names = [(first, last) for first in FIRST for last in LAST]
    found = []
    for number, (first, last) in enumerate(random.sample(names, min(count, len(names)))):
        latin = unicodedata.normalize("NFKD", f"{first}.{last}".replace("ı", "i").replace("ø", "o"))
        plain = latin.encode("ascii", "ignore").decode().lower()
        found.append(Colleague(f"{first} {last}", f"{plain}@meridian.example", number % 9 != 5))
    return tuple(found)
