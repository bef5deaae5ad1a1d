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
    """The answer to one request of a batch. Twenty plans hold thousands of tasks, so that what was answered stays as bytes."""

    status: int
    content: bytes | msgspec.Raw = b"{}"

    @property
    def body(self) -> Json:
        """Decoded each time that it is asked for; empty where it is no object."""
        return msgspec.json.decode(self.content, type=dict[str, Any]) if self.is_object else {}

    @property
    def is_object(self) -> bool:
        return bytes(memoryview(self.content)[:1]) == b"{"


class _Answered(msgspec.Struct):
    id: str | int = ""
    status: int | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Batch(msgspec.Struct):
    responses: list[_Answered] = msgspec.field(default_factory=list)


_BATCH = msgspec.json.Decoder(_Batch)


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
        told = {str(one.id): one for one in self._answered(self._http.post(f"{V1}/$batch", json={"requests": requests}))}
        found = []
        for n, address in enumerate(addresses):
            one = told.get(str(n), _Answered())
            part = Part(one.status or 0, one.body)
            if one.status is not None and one.status not in _AGAIN and (one.status >= 400 or part.is_object):
                found.append(part)
                continue
            try:
                found.append(Part(200, msgspec.json.encode(self.get(address))))
            except Refused as refusal:
                found.append(Part(refusal.status))
            except Forbidden:
                found.append(Part(403))
        return found

    def _answered(self, response: Response) -> list[_Answered]:
        if response.status_code >= 300 or is_web_page(response):
            raise self._failure(response)
        try:
            return _BATCH.decode(response.content).responses
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TransientError(f"Graph sent an unreadable answer to {V1}/$batch: {error}") from None

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
