"""Serving a simulated source on loopback, and steering it while it runs.

Control that is not the source's: /_sim/faults (POST a rule, DELETE), /_sim/mutations, /_sim/clock, /_sim/settings, /_sim/reset (POST),
/_sim/stats (GET), and what a simulator adds.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from pmo_hub.sdk.simulating import JSON, Answer


class Served(Protocol):
    """What can be given an address and be steered there; `pmo_hub.sdk.simulating.Simulated` is one."""

    url: str
    latency_s: float
    stats: Counter[str]

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str] | None, body: bytes) -> Answer: ...
    def fault(self, kind: str, **rule: Any) -> Any: ...
    def clear_faults(self) -> None: ...
    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any: ...
    def advance(self, delta: timedelta) -> None: ...
    def reset_log(self) -> None: ...


CLIENT: ContextVar[tuple[str, int]] = ContextVar("client", default=("", 0))
"""Where the request comes from that is being answered: the same host and port as long as its connection stands."""

Control = Callable[[dict[str, Any]], Any]
"""The JSON object that was sent → what is answered; KeyError, TypeError, ValueError and the like say that it made no sense."""
Controls = Mapping[tuple[str, str], Control]
"""By method and name."""

_S = TypeVar("_S", bound=Served)


@contextmanager
def serve(simulator: _S, port: int = 0, base: str = "", controls: Controls | None = None) -> Iterator[_S]:
    """Serves the simulator on loopback from a daemon thread; its `url`, which ends with `base`, says where."""
    listener, server = _listening(simulator, port, base, controls)
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


def run(simulator: Served, port: int, told: Callable[[], str], base: str = "", controls: Controls | None = None) -> None:
    """Serves the simulator until it is stopped, after printing what is `told` once it has its address."""
    listener, server = _listening(simulator, port, base, controls)
    print(told(), flush=True)
    server.run(sockets=[listener])


def _listening(simulator: Served, port: int, base: str, controls: Controls | None) -> tuple[socket.socket, Any]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)  # from here on a client may connect; the server picks the connection up
    simulator.url = f"http://127.0.0.1:{listener.getsockname()[1]}{base}"
    return listener, _server(simulator, {**_usual(simulator), **(controls or {})})


def _server(simulator: Served, controls: Controls) -> Any:
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

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """At once: nobody waits for an answer any more."""
            for server in self.servers:
                server.close()
            for connection in list(self.server_state.connections):
                connection.shutdown()
            for listener in sockets or ():
                listener.close()

    # The Date header is the simulator's own, so that a client's clock can be tested against it.
    return Server(
        uvicorn.Config(
            _application(simulator, controls),
            http=Protocol,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )


def _application(simulator: Served, controls: Controls) -> Callable[..., Any]:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if path.startswith("/_sim/"):
            # In a thread: what a mutation makes the source send may lead to requests before it is answered.
            answer = await asyncio.to_thread(_controlled, controls.get((scope["method"], path.removeprefix("/_sim/"))), body)
        else:
            CLIENT.set(tuple(scope["client"]))
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


def _usual(simulator: Served) -> Controls:
    """What every simulator can be told while it runs."""

    def fault(wanted: dict[str, Any]) -> Any:
        simulator.fault(wanted.pop("kind"), **wanted)
        return {}

    def clear(_: dict[str, Any]) -> Any:
        simulator.clear_faults()
        return {}

    def mutate(wanted: dict[str, Any]) -> Any:
        done = simulator.mutate(wanted.pop("do"), *wanted.pop("arguments", ()), **wanted)
        return {"id": str(done)}

    def advance(wanted: dict[str, Any]) -> Any:
        simulator.advance(timedelta(seconds=wanted.get("advance_s", 0)))
        return {}

    def settle(wanted: dict[str, Any]) -> Any:
        simulator.latency_s = wanted.get("latency_ms", simulator.latency_s * 1000) / 1000
        return {"latency_ms": simulator.latency_s * 1000}

    def reset(_: dict[str, Any]) -> Any:
        simulator.reset_log()
        return {}

    def stats(_: dict[str, Any]) -> Any:
        return {"requests": sum(simulator.stats.values()), "by_operation": dict(simulator.stats)}

    return {
        ("POST", "faults"): fault, ("DELETE", "faults"): clear, ("POST", "mutations"): mutate, ("POST", "clock"): advance,
        ("POST", "settings"): settle, ("POST", "reset"): reset, ("GET", "stats"): stats,
    }  # fmt: skip


def _controlled(control: Control | None, body: bytes) -> Answer:
    """A control route, which is the simulator's and not its source's."""
    if control is None:
        return Answer(404, b"{}")
    try:
        return Answer(200, json.dumps(control(json.loads(body or b"{}"))).encode(), JSON)
    except (AttributeError, KeyError, TypeError, ValueError, StopIteration) as problem:
        return Answer(400, json.dumps({"error": str(problem)}).encode())


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
