"""Windows sign-in: NTLM and Kerberos over HTTP, with the optional library pyspnego. NTLM signs in a connection, not a request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Generator
from typing import Any

from pmo_hub.sdk.errors import AuthError, ConfigError
from pmo_hub.sdk.http import Auth, Request, Response

MOST_LEGS = 4
MISSING = (
    "NTLM and Kerberos need a library that is not installed: install pmo-hub with the extra `onprem` (pip install 'pmo-hub[onprem]'; for "
    "Kerberos also the system's Kerberos 5 library and 'pyspnego[kerberos]'), and restart"
)


class Negotiated(Auth):
    """The answer to a 401 that offers NTLM or Negotiate; `protocol` is ntlm or kerberos. Without a user, the ticket of the process."""

    def __init__(self, protocol: str, user: str | None = None, password: str | None = None) -> None:
        self._spnego = _library()
        self._protocol = protocol
        self._user = user
        self._password = password

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        # A ticket goes with each request; NTLM only where the connection is not signed in yet.
        response = None if self._protocol == "kerberos" else (yield request)
        if response is not None and response.status_code != 401:
            return
        scheme = "Negotiate" if response is None else _offered(response, self._protocol)
        if scheme is None:
            return
        context = self._context(request.url.host, scheme)
        challenge: bytes | None = None
        for _ in range(MOST_LEGS):
            token = self._step(context, challenge)
            if token is None:
                return
            request.headers["Authorization"] = f"{scheme} {base64.b64encode(token).decode()}"
            response = yield request
            challenge = _challenge(response, scheme) if response.status_code == 401 else None
            if challenge is None:
                return

    def _context(self, host: str, scheme: str) -> Any:
        protocol = self._protocol if self._protocol == "kerberos" or scheme == "NTLM" else "negotiate"
        try:
            return self._spnego.client(self._user, self._password, hostname=host, service="HTTP", protocol=protocol)
        except ImportError:
            raise ConfigError(MISSING) from None
        except Exception as error:  # noqa: BLE001  the library's own tree, which is imported only where it is there
            raise self._error(error) from None

    def _step(self, context: Any, challenge: bytes | None) -> bytes | None:
        try:
            token: bytes | None = context.step(challenge)
        except Exception as error:  # noqa: BLE001  as above
            raise self._error(error) from None
        return token

    def _error(self, error: Exception) -> Exception:
        name = type(error).__name__
        if "FeatureMissing" in name or "NotSupported" in name or "BadMechanism" in name:
            return ConfigError(MISSING)
        what = "a Kerberos ticket for the site" if self._protocol == "kerberos" else "an answer to the site's NTLM challenge"
        return AuthError(f"{what} could not be made ({name}); check the user, the password and the clock of this machine")


def _library() -> Any:
    try:
        import spnego
    except ImportError:
        raise ConfigError(MISSING) from None
    return spnego


def _offered(response: Response, protocol: str) -> str | None:
    """The scheme to answer with; None where the site offers none of ours."""
    offered = {value.split()[0].lower() for value in _schemes(response) if value.split()}
    if protocol == "ntlm" and "ntlm" in offered:
        return "NTLM"
    return "Negotiate" if "negotiate" in offered else None


def _challenge(response: Response, scheme: str) -> bytes | None:
    for value in _schemes(response):
        found = re.fullmatch(rf"{scheme}\s+([A-Za-z0-9+/=]+)", value.strip(), re.IGNORECASE)
        if found:
            try:
                return base64.b64decode(found[1])
            except binascii.Error:
                return None
    return None


def _schemes(response: Response) -> list[str]:
    return [part for value in response.headers.get_list("www-authenticate") for part in value.split(",")]
