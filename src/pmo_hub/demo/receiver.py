"""A receiver of webhooks as one writes it elsewhere: it looks at the signature before it believes a word."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

HOST = "127.0.0.1"
TOLERANCE_S = 300
MOST_BYTES = 64 * 1024


@dataclass(slots=True)
class Inbox:
    """`secret` is entered once the subscription has told it; `got` are verified messages by their id: what comes twice is there once."""

    url: str = ""
    secret: str = field(default="", repr=False)
    got: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: int = 0
    heard: Callable[[dict[str, Any]], None] = lambda _: None


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """Whether the hub that holds the secret sent this, within the last five minutes (Standard Webhooks 1.0)."""
    id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(now_s - int(stamp)) > TOLERANCE_S or not secret:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, f"{id}.{stamp}.".encode() + body, sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


@contextmanager
def listening() -> Iterator[Inbox]:
    """An inbox that takes messages on loopback until the block ends."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("content-length", "0")), MOST_BYTES))
            headers = {name.lower(): value for name, value in self.headers.items()}
            genuine = is_genuine(inbox.secret, headers, body, time.time())
            self.send_response(204 if genuine else 401)
            if not genuine:
                inbox.refused += 1
                self.send_header("Content-Length", "0")
            self.end_headers()
            if genuine and headers["webhook-id"] not in inbox.got:
                message = inbox.got[headers["webhook-id"]] = json.loads(body)
                inbox.heard(message)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    inbox.url = f"http://{HOST}:{server.server_address[1]}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="demo-receiver")
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2)


def line(message: Mapping[str, Any]) -> str:
    """A message for a reader; of what is confidential there is no more than its type and its link."""
    data = message["data"]
    if "details" not in data:
        return f"{message['type']}: confidential, {data['link']}"
    words = [data["severity"], data["check_id"], data["project_name"], data["message"] or data["subject"]]
    return f"{message['type']}: " + ", ".join(str(word) for word in words if word)
