"""A simulated Microsoft Entra ID for simulators of Microsoft's services: one tenant, one application, tokens that end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pmo_hub.sdk.simulating import Answer, Asked

TENANT = "5f1c2a3e-0000-4000-8000-000000000001"
CLIENT_ID = "5f1c2a3e-0000-4000-8000-00000000000a"
TOKEN_LIFE = timedelta(hours=1)

_SAID = {
    "7000222": ("invalid_client", "The provided client secret keys for app are expired."),
    "7000215": ("invalid_client", "Invalid client secret provided."),
    "700016": ("unauthorized_client", "Application with identifier was not found in the directory."),
    "500011": ("invalid_resource", "The resource principal was not found in the tenant."),
    "53003": ("access_denied", "Access has been blocked by Conditional Access policies."),
}


@dataclass
class SimulatedEntra:
    """`refuses` is the AADSTS code of the refusal that every request for a token gets; None: none."""

    secret: str
    resource: str = ""
    refuses: str | None = None
    issued: dict[str, datetime] = field(default_factory=dict)
    asked: int = 0

    def answer(self, asked: Asked, base: str, now: datetime) -> Answer | None:
        """The answer, where the request is for the sign-in service."""
        tenant, _, rest = asked.path.strip("/").partition("/")
        if rest == "v2.0/.well-known/openid-configuration":
            if tenant != TENANT:
                told = f"AADSTS90002: Tenant '{tenant}' not found."
                return Answer(400, json.dumps({"error": "invalid_tenant", "error_description": told}).encode())
            https = f"https://{urlsplit(base).netloc}/{tenant}"  # as behind whatever ends TLS: Entra never says http
            return _said({
                "issuer": f"{https}/v2.0", "token_endpoint": f"{https}/oauth2/v2.0/token",
                "authorization_endpoint": f"{https}/oauth2/v2.0/authorize",
            })  # fmt: skip
        if rest == "oauth2/v2.0/token" and asked.method == "POST":
            return self._token(dict(parse_qsl(asked.body.decode())), now)
        return None

    def knows(self, asked: Asked, now: datetime) -> bool:
        """Whether the request carries a token that was issued here and lives."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        until = self.issued.get(token)
        return kind == "Bearer" and until is not None and now < until

    def revoke(self) -> None:
        """No token that was issued so far is accepted any more."""
        self.issued.clear()

    def _token(self, form: dict[str, str], now: datetime) -> Answer:
        self.asked += 1
        code = self.refuses
        if form.get("client_id") != CLIENT_ID:
            code = "700016"
        elif form.get("client_secret") != self.secret:
            code = "7000215"
        elif self.resource and form.get("scope") != f"{self.resource}/.default":
            code = "500011"
        if code is not None:
            error, told = _SAID[code]
            said = {"error": error, "error_description": f"AADSTS{code}: {told} Trace ID: 0", "error_codes": [int(code)]}
            return Answer(401 if error == "invalid_client" else 400, json.dumps(said).encode())
        token = f"simulated-access-{self.asked}-{len(self.issued)}"
        self.issued[token] = now + TOKEN_LIFE
        return _said({"token_type": "Bearer", "expires_in": int(TOKEN_LIFE.total_seconds()), "access_token": token})


def _said(value: Any) -> Answer:
    return Answer(200, json.dumps(value).encode())
