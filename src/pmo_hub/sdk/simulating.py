"""What a connector's simulator stands on: answers, faults on request, a log of requests, and serving all of it on loopback.

An author subclasses `Simulated` and answers requests; `serve` gives it an address. Control while it runs: /_sim/faults (POST a rule,
DELETE), /_sim/mutations, /_sim/clock, /_sim/settings (POST), /_sim/stats (GET).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl

JSON = (("Content-Type", "application/json; odata.metadata=minimal; charset=utf-8"),)
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action='/login'>Sign in to continue</form></body></html>"
MOST_LOGGED = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it goes on the wire; `cut` sends half the body under the whole length, `reset` nothing at all."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON
    cut: bool = False
    reset: bool = False
    delay_s: float = 0.0


def odata_error(status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer in OData's error shape."""
    return Answer(status, json.dumps({"error": {"code": code, "message": message}}).encode(), (*JSON, *headers))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """A request without its credentials, and the status it got; 0 when the connection was reset."""

    method: str
    path: str
    query: Mapping[str, str]
    prefer: str
    status: int


@dataclass(slots=True)
class Fault:
    """One rule: strikes the requests of its method and path prefix from the nth on, `times` times (None: always).

    kind: status (with `status`, `retry_after`, `code`, `message`), html, redirect, truncated, reset, delay, unreadable.
    """

    kind: str
    method: str = "*"
    path: str = "/"
    holds: str = ""
    nth: int = 1
    times: int | None = 1
    status: int = 500
    retry_after: str | int | None = None
    code: str = "0x0"
    message: str = "The simulator was told to fail."
    delay_s: float = 0.0
    seen: int = 0
    struck: int = 0

    KINDS = frozenset({"status", "html", "redirect", "truncated", "reset", "delay", "unreadable"})

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def strikes(self, asked: Asked) -> bool:
        """Whether this request is struck; counts it."""
        if self.method not in ("*", asked.method) or not asked.path.startswith(self.path):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        if self.holds and self.holds not in " ".join((asked.path, *(f"{n}={v}" for n, v in asked.query.items()))):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck += 1
        return True

    def answer(self) -> Answer | None:
        """The answer instead of the real one; None for faults of the wire."""
        match self.kind:
            case "html":
                return Answer(200, LOGIN_PAGE, (("Content-Type", "text/html; charset=utf-8"),))
            case "redirect":
                return Answer(302, b"", (("Location", "https://login.example/signin"),))
            case "reset":
                return Answer(500, b"", reset=True)
            case "unreadable":
                return Answer(200, b'{"value": [{]}')
            case "status":
                asked = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
                return odata_error(self.status, self.code, self.message, asked)
        return None


@dataclass
class Simulated:
    """A simulated source: `answered` is its whole wire; the rest is what tests and the demo ask for.

    Without a `clock` its time starts at `starts` and runs on; `advance` moves it.
    """

    starts: datetime
    clock: Callable[[], datetime] | None = None
    url: str = "http://simulated.invalid"
    latency_s: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    stats: Counter[str] = field(default_factory=Counter)
    log: deque[Logged] = field(default_factory=lambda: deque(maxlen=MOST_LOGGED))

    def __post_init__(self) -> None:
        self._offset = timedelta()
        self._started = time.monotonic()
        self.lock = threading.RLock()

    def answered(self, asked: Asked) -> Answer:
        """The answer to one request that no fault replaces."""
        raise NotImplementedError

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """What people do to the source between two requests."""
        raise NotImplementedError

    def now(self) -> datetime:
        told = self.clock() if self.clock else self.starts + timedelta(seconds=time.monotonic() - self._started)
        return told + self._offset

    def advance(self, delta: timedelta) -> None:
        """Moves the source's clock; negative goes back."""
        self._offset += delta

    def fault(self, kind: str, **rule: Any) -> Fault:
        """Puts a rule in force and gives it back, so that a test can ask how often it struck."""
        with self.lock:
            made = Fault(kind, **rule)
            self.faults.append(made)
            return made

    def clear_faults(self) -> None:
        with self.lock:
            self.faults.clear()

    def reset_log(self) -> None:
        with self.lock:
            self.stats.clear()
            self.log.clear()

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The answer to one request, struck by whatever faults are in force."""
        asked = Asked(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers or {}, body)
        with self.lock:
            struck = [fault for fault in self.faults if fault.strikes(asked)]
            answer = next((made for fault in struck if (made := fault.answer()) is not None), None)
            if answer is None:
                answer = self.answered(asked)
            self.stats[f"{method} {path}"] += 1
            self.log.append(Logged(method, path, asked.query, asked.headers.get("prefer", ""), 0 if answer.reset else answer.status))
            date = format_datetime(self.now().replace(microsecond=0), usegmt=True)
            cut = answer.cut or any(fault.kind == "truncated" for fault in struck)
            delay = answer.delay_s + self.latency_s + sum(fault.delay_s for fault in struck if fault.kind == "delay")
            return replace(answer, headers=(*answer.headers, ("Date", date)), cut=cut, delay_s=delay)


_S = TypeVar("_S", bound=Simulated)


@contextmanager
def serve(simulator: _S, port: int = 0) -> Iterator[_S]:
    """Serves the simulator on loopback from a daemon thread; its `url` says where."""
    listener, server = _listening(simulator, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name=f"simulator-{listener.getsockname()[1]}")
    thread.start()
    try:
        if not server.listening.wait(timeout=30):
            raise RuntimeError("the simulator did not start")
        yield simulator
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=10)
        listener.close()


def run(simulator: Simulated, port: int, told: str) -> None:
    """Serves the simulator until it is stopped, after printing `told` with its address."""
    listener, server = _listening(simulator, port)
    print(f"{told} on {simulator.url}", flush=True)
    server.run(sockets=[listener])


def _listening(simulator: Simulated, port: int) -> tuple[socket.socket, Any]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)  # from here on a client may connect; the server picks the connection up
    simulator.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return listener, _server(simulator)


def _server(simulator: Simulated) -> Any:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """Lends the application its transport: cutting a connection needs it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, "transport": transport}

    class Server(uvicorn.Server):
        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            self.listening = threading.Event()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.listening.set()

        async def main_loop(self) -> None:
            """As uvicorn's own, but for its tick of a tenth of a second: a test ends when it is over."""
            await self.on_tick(0)
            while not self.should_exit:
                await asyncio.sleep(0.01)

    # The Date header is the simulator's own, so that a client's clock can be tested against it.
    return Server(
        uvicorn.Config(
            _application(simulator),
            http=Protocol,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )


def _application(simulator: Simulated) -> Callable[..., Any]:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if path.startswith("/_sim/"):
            answer = await asyncio.to_thread(_controlled, simulator, scope["method"], path.removeprefix("/_sim/"), body)
        else:
            answer = simulator.answer(scope["method"], path, query, headers, body)
        if answer.delay_s and not await _waited(answer.delay_s, receive):
            return
        if answer.reset or answer.cut:
            await _break(answer, scope, receive, send)
            return
        told = [(name.lower().encode(), value.encode()) for name, value in (*answer.headers, ("content-length", str(len(answer.body))))]
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": answer.body})

    return application


def _controlled(simulator: Simulated, method: str, what: str, body: bytes) -> Answer:
    """The control routes, which are the simulator's and not its source's."""
    try:
        wanted = json.loads(body or b"{}")
        match method, what:
            case "POST", "faults":
                simulator.fault(wanted.pop("kind"), **wanted)
            case "DELETE", "faults":
                simulator.clear_faults()
            case "POST", "mutations":
                done = simulator.mutate(wanted.pop("do"), *wanted.pop("arguments", ()), **wanted)
                return Answer(200, json.dumps({"id": str(done)}).encode())
            case "POST", "clock":
                simulator.advance(timedelta(seconds=wanted.get("advance_s", 0)))
            case "POST", "settings":
                simulator.latency_s = wanted.get("latency_ms", simulator.latency_s * 1000) / 1000
            case "GET", "stats":
                counted = {"requests": sum(simulator.stats.values()), "by_operation": dict(simulator.stats)}
                return Answer(200, json.dumps(counted).encode())
            case _:
                return Answer(404, b"{}")
    except (AttributeError, KeyError, TypeError, ValueError, StopIteration) as problem:
        return Answer(400, json.dumps({"error": str(problem)}).encode())
    return Answer(200, b"{}")


async def _waited(delay_s: float, receive: Any) -> bool:
    """True after the delay; False as soon as the client has given up, so that no request outlives its client."""
    left = asyncio.ensure_future(receive())  # the body is read: the next message is the disconnect
    done, _ = await asyncio.wait({left}, timeout=delay_s)
    left.cancel()
    return not done


async def _break(answer: Answer, scope: Any, receive: Any, send: Any) -> None:
    """Resets the connection, or sends half the body under a content-length for the whole and closes it."""
    transport: asyncio.Transport | None = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionResetError("the simulator was asked to break this connection")
    if answer.cut:
        length = max(len(answer.body), 2)
        headers = [(name.lower().encode(), value.encode()) for name, value in (*answer.headers, ("content-length", str(length)))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body[: length // 2], "more_body": True})
        transport.close()
    else:
        # Closing with a zero linger sends RST, which clients see as a reset rather than as an early end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
