"""The simulated sign-in service: device codes, authorization codes, refresh tokens that are used up by their use."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec

ACCOUNT = "reader@meridian.example"


def _reply(value: Any, status: int = 200) -> tuple[int, bytes]:
    return status, msgspec.json.encode(value)


def _failure(error: str, text: str) -> tuple[int, bytes]:
    return _reply({"error": error, "error_description": text}, 400)


@dataclass(slots=True)
class SignIn:
    """Its addresses are under `/<tenant>/`; it believes that it is `host`."""

    host: str = "login.microsoftonline.com"
    lives_s: int = 3_600
    typed: set[str] = field(default_factory=set)
    codes: dict[str, str] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    refreshing: set[str] = field(default_factory=set)
    given: int = 0
    refreshed: int = 0

    def type_code(self, code: str) -> None:
        """The person types the code."""
        self.typed.add(code)

    def consent(self, url: str) -> dict[str, str]:
        """The person consents at that address; what the browser comes back with."""
        query = dict(parse_qsl(urlsplit(url).query))
        self.codes[code := f"code-{len(self.codes) + 1}"] = query.get("nonce", "")
        return {"code": code, "state": query["state"]}

    def withdraw(self) -> None:
        """Every token ends, those that refresh too."""
        self.live.clear()
        self.refreshing.clear()

    def end_access(self) -> None:
        """Tokens that give access end; they can be renewed."""
        self.live.clear()

    def accepts(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        return kind == "Bearer" and token in self.live

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        """None for a path that is not the service's."""
        tenant = path.strip("/").partition("/")[0]
        base = f"https://{self.host}/{tenant}"
        if path.endswith("/.well-known/openid-configuration"):
            return _reply({
                "issuer": f"{base}/v2.0", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token", "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            })  # fmt: skip
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if path.endswith("/oauth2/v2.0/devicecode"):
            self.given += 1
            return _reply({
                "user_code": f"SIM-{self.given:04d}", "device_code": f"device-{self.given}", "interval": 5, "expires_in": 900,
                "verification_uri": "https://microsoft.example/devicelogin", "message": "Type the code.",
            })  # fmt: skip
        return self._token(form) if path.endswith("/oauth2/v2.0/token") else None

    def _token(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        match form.get("grant_type"):
            case "refresh_token":
                if form["refresh_token"] not in self.refreshing:
                    return _failure("invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.")
                self.refreshing.discard(form["refresh_token"])
                self.refreshed += 1
            case "authorization_code":
                if form["code"] not in self.codes or "code_verifier" not in form:
                    return _failure("invalid_grant", "AADSTS70008: The code has expired.")
                return self._granted(form, self.codes.pop(form["code"]))
            case _:
                number = form.get("device_code", "").rpartition("-")[2]
                if f"SIM-{int(number or 0):04d}" not in self.typed:
                    return _failure("authorization_pending", "AADSTS70016: Pending end-user authorization.")
        return self._granted(form)

    def _granted(self, form: Mapping[str, str], nonce: str = "") -> tuple[int, bytes]:
        self.given += 1
        access, refresh = f"access-{self.given}", f"refresh-{self.given}"
        self.live.add(access)
        self.refreshing.add(refresh)
        claims = {
            "oid": "o1", "sub": "s1", "tid": "t1", "preferred_username": ACCOUNT, "exp": int(time.time()) + 3_600,
            "aud": form.get("client_id"),
            "iss": "simulated", "nonce": nonce,
        }  # fmt: skip
        return _reply({
            "token_type": "Bearer", "access_token": access, "refresh_token": refresh, "expires_in": self.lives_s,
            "scope": form.get("scope", ""),
            "client_info": _encoded({"uid": "u1", "utid": "t1"}), "id_token": f"{_encoded({'alg': 'none'})}.{_encoded(claims)}.",
        })  # fmt: skip


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
