"""Atlassian's own services beside a simulated site, on loopback: consent, tokens that rotate, and the gateway `/ex/jira/{cloudId}`.

A refresh token works once, and for `leeway` longer: the answer to it may be lost. Whoever shows an older one has the whole sign-in ended,
as Atlassian does.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pmo_hub_jira.oauth import Atlassian
from pmo_hub_jira.simulated_service import Simulator

ACCESS_LIFE = timedelta(hours=1)


@dataclass(slots=True)
class SimulatedAtlassian:
    """One app, and the consents given to it. `sites`: cloud ids that a consent is for; `asked` counts what was asked for."""

    simulator: Simulator
    client_id: str = "simulated-app"
    client_secret: str = "simulated-app-secret"
    scoped_token: str = "simulated-scoped-token"
    leeway: timedelta = timedelta(minutes=10)
    sites: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _codes: dict[str, str] = field(default_factory=dict)
    _refresh: dict[str, datetime | None] = field(default_factory=dict)
    _access: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        site = self.simulator.world.site
        self.sites = self.sites or {site.cloud_id: site.base_url}

    @property
    def cloud_id(self) -> str:
        return self.simulator.world.site.cloud_id

    def addresses(self) -> Atlassian:
        return Atlassian(f"{self.url}/authorize", f"{self.url}/oauth/token", self.url)

    def config(self) -> dict[str, str]:
        """The values of a connection that signs in by OAuth."""
        return {"url": self.simulator.url, "sign_in": "oauth", "client_id": self.client_id, "client_secret": self.client_secret}

    def consent(self, url: str) -> dict[str, str]:
        """A person opens the address and agrees: the query that the browser is sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_hex(8)
        self._codes[code] = query["redirect_uri"]
        return {"state": query["state"], "code": code}

    def revoke(self) -> None:
        """The person withdraws the consent."""
        with self._lock:
            self._refresh.clear()
            self._access.clear()

    def end_access(self) -> None:
        """Every access token stops working before its time."""
        with self._lock:
            self._access.clear()

    def exchange(self, shown: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.asked[str(shown.get("grant_type"))] += 1
            if (shown.get("client_id"), shown.get("client_secret")) != (self.client_id, self.client_secret):
                return 401, {"error": "access_denied", "error_description": "Unauthorized"}
            now = self.simulator.now()
            if shown.get("grant_type") == "authorization_code":
                if self._codes.pop(str(shown.get("code")), None) != shown.get("redirect_uri"):
                    return 403, {"error": "invalid_grant", "error_description": "Invalid authorization code"}
            elif not self._use(str(shown.get("refresh_token")), now):
                return 403, {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
            access, refresh = f"access-{secrets.token_hex(8)}", f"refresh-{secrets.token_hex(8)}"
            self._access[access] = now + ACCESS_LIFE
            self._refresh[refresh] = None
            return 200, {"access_token": access, "refresh_token": refresh, "expires_in": int(ACCESS_LIFE.total_seconds()), "scope": "read"}

    def _use(self, refresh: str, now: datetime) -> bool:
        if refresh not in self._refresh:
            return False
        used_at = self._refresh[refresh]
        if used_at is not None and now - used_at > self.leeway:
            self._refresh.clear()
            self._access.clear()
            return False
        self._refresh[refresh] = used_at or now
        return True

    def knows(self, authorization: str) -> bool:
        """Whether the gateway lets this in: an access token that lives, or the token with scopes."""
        kind, _, value = authorization.partition(" ")
        if kind == "Bearer":
            until = self._access.get(value)
            return until is not None and until > self.simulator.now()
        return kind == "Basic" and value == _basic(self.simulator.email, self.scoped_token)


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def application(atlassian: SimulatedAtlassian) -> Starlette:
    """Atlassian's services as an ASGI application."""

    async def token(request: Request) -> Response:
        status, body = atlassian.exchange(json.loads(await request.body()))
        return JSONResponse(body, status)

    async def resources(request: Request) -> Response:
        atlassian.asked["resources"] += 1
        if not atlassian.knows(request.headers.get("authorization", "")):
            return JSONResponse({"code": 401, "message": "Unauthorized"}, 401)
        return JSONResponse([{"id": id, "url": url, "name": url, "scopes": ["read:jira-work"]} for id, url in atlassian.sites.items()])

    async def gateway(request: Request) -> Response:
        atlassian.asked["gateway"] += 1
        authorization = request.headers.get("authorization", "")
        if request.path_params["cloud"] != atlassian.cloud_id:
            return JSONResponse({"code": 404, "message": "No site"}, 404)
        if not atlassian.knows(authorization):
            return JSONResponse({"code": 401, "message": "Unauthorized; scope does not match"}, 401)
        simulator = atlassian.simulator
        headers = {"authorization": f"Basic {_basic(simulator.email, simulator.token)}"}
        headers["content-type"] = request.headers.get("content-type", "")
        query = request.url.query or urlencode({})
        answer = simulator.answer(request.method, f"/{request.path_params['path']}", query, headers, await request.body())
        return Response(answer.body, answer.status, dict(answer.headers))

    return Starlette(
        routes=[
            Route("/oauth/token", token, methods=["POST"]),
            Route("/oauth/token/accessible-resources", resources),
            Route("/ex/jira/{cloud}/{path:path}", gateway, methods=["GET", "POST"]),
        ]
    )


@contextmanager
def serve_atlassian(simulator: Simulator, **options: Any) -> Iterator[SimulatedAtlassian]:
    """Atlassian's services for a site that is served already; options are SimulatedAtlassian's."""
    atlassian = SimulatedAtlassian(simulator, **options)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        atlassian.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(application(atlassian), log_config=None, access_log=False, date_header=False, lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="simulated-atlassian")
        thread.start()
        try:
            yield atlassian
        finally:
            server.should_exit = True
            thread.join(timeout=10)
