"""Microsoft Graph as far as Planner needs it: single requests, batches of twenty, pages; which answer means what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, TransientError
from pmo_hub.sdk.http import RETRIED_STATUSES, Client, Response, error_of, is_web_page

V1 = "/v1.0"
BETA = "/beta"
A_BATCH = 20
MOST_PAGES = 10_000
_AGAIN = RETRIED_STATUSES | {401}
"""Answers inside a batch after which the request is sent by itself, by the client that waits and retries."""

Json = dict[str, Any]


class Refused(ConfigError):
    """Graph found nothing, or understood nothing (400, 404 and their kin); `status` tells which."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Forbidden(AuthError):
    """The application may not read this."""


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one request of a batch."""

    status: int
    body: Json


class GraphClient:
    """One tenant as one application sees it; safe to call from several threads."""

    def __init__(self, http: Client) -> None:
        self._http = http
        self._host = str(http.base_url.host)

    def get(self, address: str) -> Json:
        """What an address answers with; Refused and Forbidden where Graph says no."""
        return self._read(self._http.get(address), address)

    def pages(self, address: str) -> Iterator[list[Json]]:
        """The values of every page from an address on."""
        yield from self.rest(self.get(address))

    def rest(self, page: Json) -> Iterator[list[Json]]:
        """The values of a page that is at hand, and of every page after it."""
        seen: set[str] = set()
        while True:
            yield [value for value in page.get("value") or () if isinstance(value, dict)]
            link = self.own(page.get("@odata.nextLink"))
            if link is None:
                return
            if link in seen or len(seen) > MOST_PAGES:
                raise TransientError("Graph repeated a page link, so its listing never ends; the run is given up")
            seen.add(link)
            page = self.get(link)

    def batch(self, addresses: Sequence[str]) -> list[Part]:
        """The answers to these requests, in their order; those that Graph was too busy for are asked again by themselves."""
        found: list[Part] = []
        for start in range(0, len(addresses), A_BATCH):
            found += self._batch(addresses[start : start + A_BATCH])
        return found

    def _batch(self, addresses: Sequence[str]) -> list[Part]:
        requests = [{"id": str(n), "method": "GET", "url": address.removeprefix(V1)} for n, address in enumerate(addresses)]
        answer = self._read(self._http.post(f"{V1}/$batch", json={"requests": requests}), f"{V1}/$batch")
        told = {str(one.get("id")): one for one in answer.get("responses") or () if isinstance(one, dict)}
        found = []
        for n, address in enumerate(addresses):
            one = told.get(str(n), {})
            status, body = one.get("status"), one.get("body")
            if isinstance(status, int) and status not in _AGAIN and (status >= 400 or isinstance(body, dict)):
                found.append(Part(status, body if isinstance(body, dict) else {}))
                continue
            try:
                found.append(Part(200, self.get(address)))
            except Refused as refusal:
                found.append(Part(refusal.status, {}))
            except Forbidden:
                found.append(Part(403, {}))
        return found

    def own(self, link: object) -> str | None:
        """The link without its host, which has to be Graph's own: nothing that it answers sends the token elsewhere."""
        if not isinstance(link, str) or not link:
            return None
        parts = urlsplit(link)
        if (parts.hostname and parts.hostname.lower() != self._host) or not parts.path.startswith((f"{V1}/", f"{BETA}/")):
            raise ConfigError(f"Graph at {self._host} sent a next link that leads elsewhere, to {parts.hostname}; it is not followed")
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def _read(self, response: Response, address: str) -> Json:
        if response.status_code >= 300 or is_web_page(response):
            raise self._failure(response)
        try:
            value = msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TransientError(f"Graph sent an unreadable answer to {address.partition('?')[0]}: {error}") from None
        if not isinstance(value, dict):
            raise TransientError(f"Graph sent an unreadable answer to {address.partition('?')[0]}")
        return value

    def _failure(self, response: Response) -> ConnectorError:
        status, path = response.status_code, response.request.url.path
        if status == 403 and not is_web_page(response):
            return Forbidden(
                f"the application may not read {path} (403): grant it Tasks.Read.All, GroupMember.Read.All and User.ReadBasic.All with an "
                "admin's consent"
            )
        error = error_of(response, "Microsoft Graph")
        if error is None:
            return TransientError(f"Graph at {self._host} sent an answer that can't be read")
        if isinstance(error, ConfigError) and 400 <= status < 500 and not is_web_page(response):
            return Refused(status, f"Graph refused {path} ({status}): {_words(response)}")
        return error


def _words(response: Response) -> str:
    try:
        said: Mapping[str, Any] = json.loads(response.content)
        return " ".join(str(said["error"]["message"]).split())[:200]
    except (KeyError, TypeError, ValueError):
        return "no reason was given"
