"""A simulated Trello on loopback: the ASGI application, serving it in a thread, and `python -m pmo_hub_trello.simulator`.

Control while it runs, not Trello's: /_sim/faults (POST a rule, DELETE), /_sim/mutations, /_sim/clock (POST), /_sim/stats (GET),
/_sim/reset (POST).
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

from pmo_hub_trello.simulated_faults import Answer
from pmo_hub_trello.simulated_organisation import generate
from pmo_hub_trello.simulated_service import Simulator
from pmo_hub_trello.simulated_world import World

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
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        if answer.reset or answer.cut:
            await _break(answer, scope, receive, send)
        else:
            await Response(answer.body, answer.status, dict(answer.headers))(scope, receive, send)


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

    async def mutations(request: Request) -> Response:
        wanted = await read(request)
        try:
            done = simulator.mutate(wanted.pop("do"), *wanted.pop("arguments", ()), **wanted)
        except (KeyError, TypeError, ValueError, StopIteration) as problem:
            return reply({"error": str(problem)}, 400)
        return reply({"id": done["id"] if isinstance(done, dict) else done})

    async def clock(request: Request) -> Response:
        simulator.advance(timedelta(seconds=(await read(request)).get("advance_s", 0)))
        return reply({"now": simulator.now()})

    async def stats(request: Request) -> Response:
        return reply({"requests": sum(simulator.stats.values()), "by_operation": dict(simulator.stats), "most": simulator.limits.most})

    async def reset(request: Request) -> Response:
        simulator.reset_log()
        return reply({})

    return [Route("/faults", faults, methods=["POST", "DELETE"]), Route("/mutations", mutations, methods=["POST"]),
            Route("/clock", clock, methods=["POST"]), Route("/stats", stats), Route("/reset", reset, methods=["POST"])]


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
    listener.listen(128)
    simulator.url = f"http://127.0.0.1:{listener.getsockname()[1]}/1"
    return listener


@contextmanager
def serve(simulator: Simulator, port: int = 0) -> Iterator[Simulator]:
    """Serves it on loopback from a daemon thread; `url` of what it yields says where."""
    listener = _listen(simulator, port)
    server = _server(simulator)
    name = f"simulated-trello-{listener.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name=name)
    thread.start()
    try:
        if not server.listening.wait(timeout=30):
            raise RuntimeError("the simulated Trello did not start")
        yield simulator
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[Simulator]:
    """The demo's way in (entry point `trello` of group pmo_hub.simulators): a generated organisation, served while the context is open."""
    with serve(Simulator(generate(seed, size, now), now)) as simulator:
        yield simulator


def main(arguments: list[str] | None = None) -> None:
    """Serves a generated organisation, or one huge board, until it is stopped."""
    parser = argparse.ArgumentParser(prog="pmo_hub_trello.simulator", description="A simulated Trello on loopback.")
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium or a number of cards; CARDSxACTIONS for one huge board")
    parser.add_argument("--boards", type=int, default=0, help="so many quiet boards instead")
    parser.add_argument("--limit", type=int, default=100, help="requests that the token may send in ten seconds; 0: as many as it likes")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the instant that the history ends at (default: the present)")
    wanted = parser.parse_args(arguments)
    now = wanted.now or datetime.now(UTC)
    now = now if now.tzinfo else now.replace(tzinfo=UTC)
    simulator = Simulator(_world(wanted.seed, wanted.size, wanted.boards, now), now)
    simulator.limits.requests = wanted.limit
    listener = _listen(simulator, wanted.port)
    told = f"{len(simulator.world.cards)} cards on {len(simulator.world.boards)} boards, key {simulator.key}, token {simulator.token}"
    print(f"simulated Trello at {simulator.url}: {told}", flush=True)
    _server(simulator).run(sockets=[listener])


def _world(seed: int, size: str, boards: int, now: datetime) -> World:
    from pmo_hub_trello.simulated_masses import huge_board, quiet_boards

    if boards:
        return quiet_boards(seed, boards, now)
    cards, _, actions = size.partition("x")
    return huge_board(seed, int(cards), int(actions), now) if actions else generate(seed, size, now)


if __name__ == "__main__":
    main()
