"""What every request passes: it gets an id, its body has an end, below /api it shows a key, and if the hub fails no more than that is told.

Written against ASGI itself: the check costs a hash and a look-up, which a read at thousands a second notices.
"""

from __future__ import annotations

import logging
import re
import secrets
from functools import partial

import anyio.to_thread
import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pmo_hub.api import errors
from pmo_hub.api.deps import CALLER
from pmo_hub.api.errors import REQUEST_ID, HttpProblem
from pmo_hub.services import access
from pmo_hub.services.access import Caller, Recognised
from pmo_hub.services.hub import Hub

GUARDED = "/api/"
MOST_BODY_BYTES = 1024 * 1024
DELIVERED = "/hooks/"
MOST_DELIVERED_BYTES = 5 * 1024 * 1024
UPLOADED = re.compile(r"/api/v\d+/connections/[^/]+/files")
ENVELOPE_BYTES = 64 * 1024
"""What a form puts around the file that it carries."""
GIVEN_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
READS = frozenset({"GET", "HEAD", "OPTIONS"})

log = structlog.stdlib.get_logger(__name__)
_plain_log = logging.getLogger(__name__)


class Gate:
    """ASGI middleware; the hub is in `app.state` of the application that it stands before."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._recognised = Recognised()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _header(scope, b"x-request-id")
        request_id = given.decode() if given and GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        scope[REQUEST_ID] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            if scope["path"].startswith(GUARDED):
                scope[CALLER] = await self._caller(scope["app"].state.hub, scope)
            await self._app(scope, _bounded(scope, receive), answer)
        except HttpProblem as problem:
            await errors.response(problem, scope["path"], request_id)(scope, receive, answer)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:
                raise  # the answer has begun: all that is left is to break it off
            failed = HttpProblem(500, "failed", "The hub failed; its log tells why, under this trace_id.")
            await errors.response(failed, scope["path"], request_id)(scope, receive, answer)
        finally:
            # Whoever posts to a webhook's address without proof fills no log: services/receiving.py counts them.
            quiet = (scope["method"] in READS and status < 400) or (status == 401 and scope["path"].startswith(DELIVERED))
            level = logging.DEBUG if quiet else logging.INFO
            if _plain_log.isEnabledFor(level):
                caller: Caller | None = scope.get(CALLER)
                who = None if caller is None else caller.actor
                log.log(level, "request", method=scope["method"], path=scope["path"], status=status, caller=who)
            structlog.contextvars.unbind_contextvars("request_id")

    async def _caller(self, hub: Hub, scope: Scope) -> Caller:
        presented = _presented(scope)
        if presented is None:
            raise _unauthorised("Send an API key as `Authorization: Bearer pmo_…`.", 'Bearer realm="pmo-hub"')
        caller = self._recognised.get(presented, hub.now())
        if caller is None and access.prefix_of(presented) is not None:
            caller = await anyio.to_thread.run_sync(partial(access.recognise, hub, presented))
            if caller is not None:
                self._recognised.keep(presented, caller, hub.now())
        if caller is None:
            why = "The API key is unknown, expired or revoked."
            raise _unauthorised(why, 'Bearer realm="pmo-hub", error="invalid_token"')
        return caller


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive` up to the most that a body may have; raises at once where a longer one is announced, else when it comes."""
    most = MOST_DELIVERED_BYTES if scope["path"].startswith(DELIVERED) else MOST_BODY_BYTES
    if scope["method"] == "POST" and UPLOADED.fullmatch(scope["path"]):
        hub: Hub = scope["app"].state.hub
        most = hub.most_upload_bytes + ENVELOPE_BYTES
    too_large = f"A body has at most {most} bytes."
    announced = _header(scope, b"content-length") or b"0"
    if not announced.isdigit() or int(announced) > most:
        raise HttpProblem(413, "too-large", too_large)
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, too_large)  # the one error that the framework lets pass while it reads a body
        return message

    return counted


def _header(scope: Scope, name: bytes) -> bytes | None:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def _presented(scope: Scope) -> str | None:
    """The key that the request carries; never one of the address, which logs and browsers keep."""
    authorization = _header(scope, b"authorization")
    if authorization is not None:
        kind, _, value = authorization.partition(b" ")
        if kind.lower() == b"bearer" and value.strip():
            return value.strip().decode("latin-1")
    value = _header(scope, b"x-api-key") or b""
    return value.decode("latin-1").strip() or None


def _unauthorised(why: str, challenge: str) -> HttpProblem:
    return HttpProblem(401, "key-required", why, headers={"WWW-Authenticate": challenge})
