"""An endpoint on loopback that takes webhooks, writes down what it got, and misbehaves as a test wants."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """`hold` is waited for before anything is answered; with `breaks` the connection ends in the middle of the body."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hold: threading.Event | None = None
    breaks: bool = False


Behave = Callable[[Received], Reply]


class Receiver:
    """`behave` may be replaced at any time; `got` is what came, in order."""

    def __init__(self, behave: Behave) -> None:
        self.behave = behave
        self.got: list[Received] = []
        self.url = ""

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]


def fine(_: Received) -> Reply:
    return Reply()


@contextmanager
def receiving(behave: Behave = fine) -> Iterator[Receiver]:
    """A receiver that answers until the block ends."""
    receiver = Receiver(behave)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            received = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.got.append(received)
            reply = receiver.behave(received)
            if reply.hold is not None:
                reply.hold.wait(20)
            length = len(reply.body) + (100 if reply.breaks else 0)
            head = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {length}", *(f"{name}: {text}" for name, text in reply.headers.items())]
            if reply.status == 204:
                head.pop(1)
            self.wfile.write("\r\n".join([*head, "", ""]).encode() + reply.body)
            if reply.breaks:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            return  # a client that went is none of the test's business

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
