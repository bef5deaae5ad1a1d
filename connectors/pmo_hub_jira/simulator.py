"""A simulated Jira Cloud on loopback: the ASGI application, serving it in a thread, and `python -m pmo_hub_jira.simulator`.

Control while it runs, not Jira's: /_sim/faults (POST a rule, DELETE), /_sim/settings, /_sim/mutations, /_sim/webhooks, /_sim/clock (POST),
/_sim/stats, /_sim/log (GET), /_sim/reset (POST).
"""
from __future__ import annotations

import argparse
import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from pmo_hub_jira.simulated_faults import Answer
from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_service import Simulator
from pmo_hub_jira.simulated_site import Site

__all__ = ["Simulator", "application", "generate", "serve", "simulate"]


class _Protocol(H11Protocol):
    """Lends the application its transport: cutting a connection needs it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class _Wire:
    """The ASGI end of a simulator: everything outside /_sim."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name in ("authorization", "content-type")}
        answer = self._simulator.answer(request.method, scope["path"], scope["query_string"].decode("latin-1"), headers, body)
        if answer.delay_s and not await _waited(answer.delay_s, receive):
            return
        if answer.reset or answer.cut:
            await _break(answer, scope, receive, send)
        else:
            await Response(answer.body, answer.status, dict(answer.headers))(scope, receive, send)


async def _waited(delay_s: float, receive: Receive) -> bool:
    """True after the delay; False as soon as the client has given up, so that no request outlives its client."""
    left = asyncio.ensure_future(receive())         # the body is read: the next message is the disconnect
    done, _ = await asyncio.wait({left}, timeout=delay_s)
    left.cancel()
    return not done


async def _break(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Resets the connection, or sends half the body under a content-length for the whole and closes it."""
    transport: asyncio.Transport | None = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionResetError("the simulator was asked to break this connection")
    if answer.cut:
        length = max(len(answer.body), 2)
        headers = [(name.lower().encode(), value.encode()) for name, value in (*answer.headers, ("Content-Length", str(length)))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body[:length // 2], "more_body": True})
        transport.close()
    else:
        # Closing with a zero linger sends RST, which clients see as a reset rather than as an early end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _control(simulator: Simulator) -> list[Route]:
    def reply(value: Any, status: int = 200) -> Response:
        return Response(msgspec.json.encode(value), status, media_type="application/json")

    async def read(request: Request) -> dict[str, Any]:
        value = msgspec.json.decode(await request.body() or b"{}")
        if not isinstance(value, dict):
            raise ValueError("a JSON object is expected")
        return value

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            simulator.clear_faults()
            return reply({})
        rule = await read(request)
        try:
            simulator.fault(rule.pop("kind"), **rule)
        except (KeyError, TypeError, ValueError) as problem:
            return reply({"error": str(problem)}, 400)
        return reply({"rules": len(simulator.faults.rules)})

    async def settings(request: Request) -> Response:
        wanted = await read(request)
        simulator.latency_s = wanted.get("latency_ms", simulator.latency_s * 1000) / 1000
        if "fault_rate" in wanted:
            simulator.fault_at_random(wanted["fault_rate"], wanted.get("fault_seed", 1))
        for name, value in wanted.get("limits", {}).items():
            setattr(simulator.limits, name, int(value))
        return reply({"latency_ms": simulator.latency_s * 1000, "fault_rate": simulator.faults.rate})

    async def mutations(request: Request) -> Response:
        wanted = await read(request)
        try:
            # In a thread: what the mutation makes Jira send may lead to requests before it is answered.
            done = await asyncio.to_thread(simulator.mutate, wanted.pop("do"), *wanted.pop("arguments", ()), **wanted)
        except (KeyError, TypeError, ValueError, StopIteration) as problem:
            return reply({"error": str(problem)}, 400)
        return reply({"id": getattr(done, "id", None), "key": getattr(done, "key", None)})

    async def webhooks(request: Request) -> Response:
        wanted = await read(request)
        simulator.hooks.subscribe(wanted["url"], wanted.get("secret"), at_once=True)
        return reply({})

    async def clock(request: Request) -> Response:
        simulator.advance(timedelta(seconds=(await read(request)).get("advance_s", 0)))
        return reply({"now": simulator.now()})

    async def stats(request: Request) -> Response:
        return reply({"requests": sum(simulator.stats.values()), "by_operation": dict(simulator.stats)})

    async def log(request: Request) -> Response:
        return reply([{"method": entry.method, "path": entry.path, "query": entry.query, "body_names": entry.body_names,
                       "status": entry.status} for entry in simulator.log])

    async def reset(request: Request) -> Response:
        simulator.reset_log()
        return reply({})

    return [Route("/faults", faults, methods=["POST", "DELETE"]), Route("/settings", settings, methods=["POST"]),
            Route("/mutations", mutations, methods=["POST"]), Route("/webhooks", webhooks, methods=["POST"]),
            Route("/clock", clock, methods=["POST"]), Route("/stats", stats),
            Route("/log", log), Route("/reset", reset, methods=["POST"])]


def application(simulator: Simulator) -> Starlette:
    """The ASGI application: the simulator's control routes and, for every other path, its wire."""
    return Starlette(routes=[Mount("/_sim", routes=_control(simulator)), Mount("/", app=_Wire(simulator))])


def _server(simulator: Simulator) -> _Server:
    # The Date header is the simulator's own, so that a client's clock can be tested against it.
    return _Server(uvicorn.Config(application(simulator), http=_Protocol, log_config=None, access_log=False, date_header=False,
                                  server_header=False, lifespan="off", timeout_graceful_shutdown=1))


def _listen(simulator: Simulator, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)                    # from here on a client may connect; the server picks the connection up
    simulator.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return listener


@contextmanager
def serve(site: Site | Simulator, port: int = 0, **options: Any) -> Iterator[Simulator]:
    """Serves the site on loopback from a daemon thread; `url` of what it yields says where. Options are Simulator's."""
    simulator = site if isinstance(site, Simulator) else Simulator(site, **options)
    listener = _listen(simulator, port)
    server = _server(simulator)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True,
                              name=f"simulated-jira-{listener.getsockname()[1]}")
    thread.start()
    try:
        if not server.listening.wait(timeout=30):
            raise RuntimeError("the simulated Jira did not start")
        yield simulator
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[Simulator]:
    """The demo's way in (entry point `jira` of group pmo_hub.simulators): a generated organisation, served while the context is open."""
    with serve(generate(seed, size, now)) as simulator:
        yield simulator


def main(arguments: list[str] | None = None) -> None:
    """Serves a generated organisation until it is stopped."""
    parser = argparse.ArgumentParser(prog="pmo_hub_jira.simulator", description="A simulated Jira Cloud on loopback.")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium or a number of issues")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the instant that the history ends at (default: the present)")
    parser.add_argument("--awkward", action="store_true", help="add a project full of odd data")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    wanted = parser.parse_args(arguments)
    now = wanted.now or datetime.now(UTC)
    simulator = Simulator(generate(wanted.seed, wanted.size, now if now.tzinfo else now.replace(tzinfo=UTC), wanted.awkward))
    simulator.latency_s = wanted.latency_ms / 1000
    simulator.fault_at_random(wanted.fault_rate, wanted.seed)
    listener = _listen(simulator, wanted.port)
    print(f"simulated Jira: {len(simulator.world.issues)} issues in {len(simulator.projects)} projects on {simulator.url}, "
          f"user {simulator.email}, token {simulator.token}", flush=True)
    _server(simulator).run(sockets=[listener])


if __name__ == "__main__":
    main()
