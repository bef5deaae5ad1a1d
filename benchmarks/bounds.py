"""What bounds a figure that misses its aim, in its author's words: figure id (an engine may follow after @) → text.

A text holds no figure of its own: {names} stand for the numbers that the figure was measured with.
"""

from __future__ import annotations

_INTERPRETER = (
    "The sync used {cpu} of CPU in one process, whose threads share one interpreter lock: mapping, hashing, compressing and writing "
    "follow each other. Its {requests} requests can't take less than {floor} under the connector's budget of {rate} a second; without "
    "the budget it took {unbudgeted}."
)
_LATENCY = (
    "{listing} passed before the first issue was asked for (signing in, dictionaries and boards, one after the other), where the "
    "yardsticks ask for nothing but issues and, the pipe, the list of projects. " + _INTERPRETER
)

BOUNDS: dict[str, str] = {
    "first.share": _INTERPRETER,
    "first.dlt": _INTERPRETER,
    "first.cpu": "Of {cpu} of CPU for all issues, the yardsticks' part (decoding and one row of 27 columns) is the smaller one: the hub "
    "also hashes and compresses each payload, notes its claims, and writes history-keeping tables.",
    "latency.share": _LATENCY,
    "latency.dlt": _LATENCY,
}
