"""`pmo-hub demo`: a simulated organisation is connected, synced, judged and shown, and then the API serves it."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from pmo_hub.demo import estate, house, overview, receiver, spanning, table
from pmo_hub.demo.house import HOST, House
from pmo_hub.demo.lifetime import bounded
from pmo_hub.demo.receiver import Inbox
from pmo_hub.domain.governance import Severity
from pmo_hub.services import access, delivering, dispatching, people, runs, subscriptions, sync, verdict
from pmo_hub.services.connections import Created
from pmo_hub.services.drafting import Draft as Subscription
from pmo_hub.services.errors import ServiceError
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import SyncProgress

SEED = 5
TOLD = ("violation.*",)
SHOWN = 5
MOST_PEOPLE = 1_000
SEVERITIES = {word.value: rank for rank, word in enumerate(Severity)}
SIZE = "small"
FAILED = 1
NARROWEST = 80
USUAL = 120


class CannotShow(Exception):
    """The demo can't go on; the text is one sentence that says why."""


def main(arguments: Sequence[str]) -> int:
    """The demo has run as the arguments say; the exit status."""
    what = "Show the hub on a simulated organisation: sync, judge, print, serve."
    parser = argparse.ArgumentParser(prog="pmo-hub demo", description=what)
    parser.add_argument("--once", action="store_true", help="end after the table")
    parser.add_argument("--port", type=_port, default=0, help="the API's port on loopback; left out: a free one")
    parser.add_argument("--size", type=_size, default=SIZE, help="small, medium, or a number of issues (10 or more)")
    parser.add_argument("--seed", type=int, default=SEED, help="another number makes another organisation")
    wanted = parser.parse_args(arguments)
    return run(wanted.once, wanted.port, wanted.size, wanted.seed)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def _size(text: str) -> str:
    if text not in ("small", "medium") and not (text.isascii() and text.isdigit() and int(text) >= 10):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: give small, medium, or a number of issues from 10 on")
    return text


def run(once: bool, port: int = 0, size: str = SIZE, seed: int = SEED) -> int:
    """The table is printed and, unless `once`, the API served until it is stopped; 0, or 1 after one sentence that says what failed."""
    console = _console()
    try:
        with bounded():
            return _shown(console, once, port, size, seed)
    except (CannotShow, ServiceError) as error:
        print(f"pmo-hub demo: {error}", file=sys.stderr)
    except BrokenPipeError:
        raise  # whoever read the output had enough: the command line's own affair
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        print(f"pmo-hub demo: {what}.", file=sys.stderr)
    return FAILED


def _console() -> Console:
    """Standard output as wide as its terminal; without one as COLUMNS says, or wide enough for the whole table."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names come in any script, terminals do not
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = USUAL
    console.width = max(console.width, NARROWEST)
    return console


def _shown(console: Console, once: bool, port: int, size: str, seed: int) -> int:
    begun = perf_counter()
    points = estate.simulators()
    if not points:
        raise CannotShow(f"No simulator is installed (entry point group {estate.GROUP}).")
    with ExitStack() as stack:
        listener = None if once else stack.enter_context(_listening(port))
        built = stack.enter_context(house.built())
        hub = built.hub
        served = stack.enter_context(estate.simulated(points, seed, size, hub.now()))
        inbox = stack.enter_context(receiver.listening())
        told = subscriptions.create(hub, Subscription("Demo receiver", inbox.url, types=TOLD), estate.ACTOR)
        inbox.secret = told.secret
        for name, source in served.items():
            _connect(console, hub, name, source)
        joined = spanning.join(hub, {project.name: project for project in estate.everyone(hub)}, hub.now().date(), estate.ACTOR)
        several = people.page(hub, None, MOST_PEOPLE)
        console.print(
            f"{', '.join(joined.names)} span several sources, with {joined.gates} milestones that are one in both; "
            f"{len(several)} people were recognised by their address in several tools."
        )
        settled = estate.settle(hub, hub.now().date())
        portfolio_id = estate.place(hub, joined.taken)
        judged = verdict.judge(hub, (), Severity.INFO)
        console.print(
            f"{settled} projects got their settings, some with gaps on purpose; the checks judged "
            f"{judged.projects - len(joined.taken)} and {len(judged.violations)} violations stand.\n"
        )
        console.print(table.drawn(overview.lines(hub, portfolio_id), console.width))
        _deliver(console, hub, told.info.stored.id, inbox)
        console.print(f"\nFrom an empty database to this table in {perf_counter() - begun:.0f} s.")
        if listener is None:
            return 0
        inbox.heard = lambda message: print(f"Delivered, signature verified: {receiver.line(message)}", flush=True)
        key = access.create_key(hub, "demo", ["admin"], estate.ACTOR).text
        base = f"http://{HOST}:{listener.getsockname()[1]}"
        if not house.serve(built.application, listener, lambda: _announce(built, served, base, portfolio_id, key)):
            raise CannotShow("The API could not start; the lines above say why.")
        print("Stopped; the demo's database is gone.")
    return 0


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    try:
        listener = house.listening(port)
    except OSError as error:
        raise CannotShow(f"Port {port} on {HOST} can't be used ({error.strerror}): give another one, or none for a free one.") from error
    with listener:
        yield listener


def _connect(console: Console, hub: Hub, name: str, source: estate.Simulated) -> None:
    """The source is connected and read once."""
    is_served = not isinstance(source, estate.Uploaded)
    console.print(f"A simulated source ({name}) answers on {source.url}." if is_served else f"Simulated files ({name}): {source.url}.")
    made = estate.connect(hub, name, source)
    told = made.connection.account if is_served else "Uploaded."
    scopes = made.connection.counts.scopes
    console.print(f"{told} Connected; {scopes} {'scope' if scopes == 1 else 'scopes'} will be read.")
    _sync(console, hub, made)


def _sync(console: Console, hub: Hub, made: Created) -> None:
    """The connection's first run has ended well, with its progress shown."""
    with _progress(console) as show:
        sync.run(hub, made.run.id, show)
    run = runs.get(hub, made.run.id)
    if run.state != "finished":
        raise CannotShow(f"The first sync of {made.connection.name} ended as {run.state}: {run.error or 'no reason was given'}")
    told = ", ".join(f"{kind} {count:,}" for kind, count in run.fetched.items())
    took_s = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
    console.print(f"Read in {took_s:.1f} s with {run.requests} requests: {told}; {run.quarantined} could not be read.")


def _deliver(console: Console, hub: Hub, subscription_id: str, inbox: Inbox) -> None:
    """What happened so far is delivered to the receiver, and the gravest of it shown."""
    while dispatching.dispatch(hub):
        continue
    asyncio.run(delivering.drive(hub, subscription_id, lambda: False))
    waiting = subscriptions.get(hub, subscription_id).faring.waiting
    if waiting or inbox.refused:
        raise CannotShow(f"{waiting} webhooks were not delivered, and of {inbox.refused} the receiver did not believe the signature.")
    heard = sorted(inbox.got.values(), key=lambda message: SEVERITIES.get(message["data"].get("severity"), len(SEVERITIES)))
    console.print(f"\n{len(heard)} webhooks were delivered to {inbox.url}, and the receiver verified the signature of each; among them:")
    for message in heard[:SHOWN]:
        console.print(f"  {receiver.line(message)}", markup=False, soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[SyncProgress], None]]:
    """A callable that draws how much of what the source told was fetched, and the time left."""
    columns = (TextColumn("Reading"), BarColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None, told="")
        begun = perf_counter()

        def show(progress: SyncProgress) -> None:
            expected = sum(progress.expected.values())
            if not expected:  # a source that tells no count
                bar.update(task, told=f"{sum(progress.fetched.values()):,} records")
                return
            fetched = sum(progress.fetched.get(kind, 0) for kind in progress.expected)
            left = f"{(expected - fetched) * (perf_counter() - begun) / fetched:.0f} s left" if fetched else "counting"
            bar.update(task, completed=fetched, total=expected, told=f"{fetched}/{expected} {' and '.join(progress.expected)}s, {left}")

        yield show
        bar.update(task, total=1, completed=1)


def _announce(built: House, served: dict[str, estate.Simulated], base: str, portfolio_id: str, key: str) -> None:
    """Where everything is. Plain text: a line that is pasted into a shell must not be wrapped."""
    sources = ", ".join(f"{name} {source.url}" for name, source in served.items())
    print(
        f"""
The API answers on    {base}/api/v1
Its documentation     {base}/docs
The key (an admin's)  {key}
Try it:
  curl -H 'Authorization: Bearer {key}' {base}/api/v1/portfolios/{portfolio_id}/health

The database is       {built.database_url}
The simulators are    {sources}
Ctrl-C ends it all and removes the database.
""",
        flush=True,
    )
