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
_POLL = (
    "{cpu} of it is CPU, {asking} waiting for the source. A poll signs in, asks for worklogs too, compares with what is held and writes "
    "payloads, rows, history, claims and marks of what is to be derived, table by table, in one transaction that is on disk at its end"
)
_GROWTH = (
    "Not by what Python holds: that is the same at the third batch's commit and the last one's (tracemalloc). What is left lies in heap "
    "pages that are partly free; the number of reading threads, which is higher where the larger site answers slower, makes a fifth of it."
)

BOUNDS: dict[str, str] = {
    "first.share": _INTERPRETER,
    "first.dlt": _INTERPRETER,
    "first.cpu": "Of {cpu} of CPU for all issues, the yardsticks' part (decoding and one row of 27 columns) is the smaller one: the hub "
    "also hashes and compresses each payload, notes its claims, and writes history-keeping tables.",
    "latency.share": _LATENCY,
    "latency.dlt": _LATENCY,
    "poll.dlt@sqlite": _POLL + ".",
    "poll.dlt@postgresql": _POLL + "; each of these tables costs a staging table, a copy and an insert, however few its rows.",
    "poll.large": "{asking} instead of {asking_small} waiting for the source, whose queries name ten times the projects and so are three; "
    "{cpu} of CPU instead of {cpu_small}. The rest is the database: what was touched lies among ten times as many pages, which a cache of "
    "a few megabytes does not hold.",
    "memory.growth": _GROWTH,
    "plans.dataverse.memory": "Tables of parts name no project, so the id of every task is held while they are read, and who works on each "
    "while the tasks are; pages have a thousand rows of sixty columns.",
}
