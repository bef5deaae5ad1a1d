"""Faults on request: what they do to Trello's answers."""
from __future__ import annotations

from dataclasses import dataclass

import msgspec

from pmo_hub.sdk.simulating import Answer, Asked, Rule

JSON = (("Content-Type", "application/json; charset=utf-8"),)
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
WORDS = {401: "invalid token", 404: "The requested resource was not found.", 403: "forbidden", 400: "invalid id"}


def text(status: int, words: str) -> Answer:
    """Refusals come in plain text."""
    return Answer(status, words.encode(), TEXT)


def too_often(words: str = "API_TOKEN_LIMIT_EXCEEDED") -> Answer:
    return Answer(429, msgspec.json.encode({"error": words, "message": "Rate limit exceeded"}), JSON)


@dataclass
class Fault(Rule):
    """One rule. A status may have `words` of its own; `too_many` refuses pages of more than `rows`, `repeated_page` forgets `before`,
    `odd_card` takes the board's id from the first card of a page."""
    words: str | None = None
    rows: int = 100

    KINDS = Rule.KINDS | {"too_many", "repeated_page", "odd_card"}

    def refusal(self, asked: Asked) -> Answer | None:
        if self.kind != "status":
            return None
        if self.status == 429 and self.words is None:
            return too_often()
        return text(self.status, self.words or WORDS.get(self.status, "error"))
