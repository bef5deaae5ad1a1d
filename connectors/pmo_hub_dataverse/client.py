"""The Dataverse Web API as functions: pages of rows, deltas, metadata; which answer means what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, TransientError
from pmo_hub.sdk.http import Client, Response, error_of, is_web_page

API = "/api/data/v9.2/"
ROWS_A_PAGE = 1_000
"""Of a row there are some sixty columns: what a page becomes takes several times its bytes, for a moment."""
IDS_A_PAGE = 5_000
IDS_A_QUERY = 40
"""Ids that one filter names: the address stays below 4 kB."""
MOST_PAGES = 100_000

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DELETED = "$deletedEntity"
NOT_A_MEMBER = "0x80072560"
DISABLED = "0x80040225"

Row = dict[str, Any]


class Refused(ConfigError):
    """Dataverse found nothing, or understood nothing (400, 404 and their kin); `status` and `code` tell which."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.code = code


class Forbidden(AuthError):
    """The application user's role lacks a privilege; `code` is Dataverse's own."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class _Wire(msgspec.Struct, rename={"next": "@odata.nextLink", "delta": "@odata.deltaLink"}):
    value: list[Row]
    next: str | None = None
    delta: str | None = None


class _Said(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Error(msgspec.Struct):
    error: _Said = msgspec.field(default_factory=_Said)


_PAGE = msgspec.json.Decoder(_Wire)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ERROR = msgspec.json.Decoder(_Error)


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. `next` goes on, `delta` is where changes are told from now on; both without the host. `deleted` are ids."""

    rows: Sequence[Row]
    deleted: Sequence[str]
    next: str | None
    delta: str | None
    at: datetime | None = None
    """The server's clock, from its answer."""


def is_guid(text: object) -> bool:
    return isinstance(text, str) and _GUID.fullmatch(text) is not None


class DataverseClient:
    """One environment as one application user sees it; safe to call from several threads."""

    def __init__(self, http: Client) -> None:
        self._http = http
        self._host = str(http.base_url.host)

    @property
    def base(self) -> str:
        return str(self._http.base_url).rstrip("/")

    def whole(self, set: str, select: Sequence[str]) -> str:
        """The address of a whole table's first page. Change tracking refuses every option but $select."""
        return f"{API}{set}?$select={','.join(select)}"

    def filtered(self, set: str, select: Sequence[str], where: str) -> str:
        """The address of the first page of the rows that a filter finds."""
        return f"{API}{set}?$select={','.join(select)}&$filter={quote(where, safe=' ')}".replace(" ", "%20")

    def page(self, address: str, *, tracked: bool = False, size: int = ROWS_A_PAGE) -> Rows:
        """The page at an address that this client made, or that an earlier page gave."""
        # The preferences go with every page: without them the next one is of another size, and without its delta link.
        prefer = f"odata.maxpagesize={size}" + (",odata.track-changes" if tracked else "")
        response = self._send(address, prefer)
        try:
            page = _PAGE.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TransientError(f"Dataverse sent an unreadable page of {urlsplit(address).path.removeprefix(API)}: {error}") from None
        rows, deleted = [], []
        for row in page.value:
            if str(row.get("@odata.context", "")).endswith(_DELETED):
                deleted.append(str(row.get("id", "")).lower())
            else:
                rows.append(row)
        return Rows(rows, deleted, self._own(page.next), self._own(page.delta), _clock(response))

    def pages(self, address: str, *, size: int = ROWS_A_PAGE) -> Iterator[Rows]:
        """Every page from an address on; TransientError where the listing never ends."""
        at: str | None = address
        seen: set[str] = set()
        while at is not None:
            if at in seen or len(seen) > MOST_PAGES:
                raise TransientError("Dataverse repeated a page link, so its listing never ends; the run is given up")
            seen.add(at)
            page = self.page(at, size=size)
            yield page
            at = page.next

    def by_values(self, set: str, select: Sequence[str], column: str, values: Sequence[str]) -> Iterator[Row]:
        """The rows whose column has one of these ids."""
        for start in range(0, len(values), IDS_A_QUERY):
            where = " or ".join(f"{column} eq {value}" for value in values[start : start + IDS_A_QUERY])
            for page in self.pages(self.filtered(set, select, where)):
                yield from page.rows

    def object(self, path: str) -> Mapping[str, Any]:
        """What one address answers with, as it is."""
        response = self._send(f"{API}{path}", "")
        try:
            return _OBJECT.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TransientError(f"Dataverse sent an unreadable answer to {path.partition('?')[0]}: {error}") from None

    def _send(self, address: str, prefer: str) -> Response:
        headers = {"OData-MaxVersion": "4.0", "OData-Version": "4.0"}
        if prefer:
            headers["Prefer"] = prefer
        response = self._http.get(address, headers=headers)
        status = response.status_code
        if status < 300 and not is_web_page(response):
            return response
        raise self._failure(response)

    def _failure(self, response: Response) -> ConnectorError:
        status = response.status_code
        said = _said(response)
        words = " ".join(said.message.split())[:200]
        if status == 403 and said.code == NOT_A_MEMBER:
            return AuthError(
                f"the application is no application user of the environment at {self._host}, or no longer ({said.code}); add it as one in "
                "the Power Platform admin centre, with a security role"
            )
        if status == 403 and said.code == DISABLED:
            return AuthError(
                f"the application user at {self._host} is disabled ({said.code}); enable it in the Power Platform admin centre"
            )
        if status == 403 and not is_web_page(response):
            return Forbidden(said.code, f"the application user at {self._host} may not read this ({said.code or 403}): {words}")
        error = error_of(response, "Dataverse")
        if error is None:
            return TransientError(f"Dataverse at {self._host} sent an answer that can't be read")
        if isinstance(error, ConfigError) and 400 <= status < 500 and not is_web_page(response):
            path = response.request.url.path.removeprefix(API)
            return Refused(status, said.code, f"Dataverse refused {path} ({status}{f', {said.code}' if said.code else ''}): {words}")
        return error

    def _own(self, link: str | None) -> str | None:
        """The link without its host, which has to be the environment's own: nothing that it answers sends the token elsewhere."""
        if not link:
            return None
        parts = urlsplit(link)
        if parts.hostname and not _same_environment(parts.hostname.lower(), self._host):
            raise ConfigError(f"Dataverse at {self._host} sent a next link to another host, {parts.hostname}; it is not followed")
        if not parts.path.startswith("/api/data/"):
            raise ConfigError(f"Dataverse at {self._host} sent a next link outside its API; it is not followed")
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _same_environment(one: str, other: str) -> bool:
    """contoso.crm4.dynamics.com and contoso.api.crm4.dynamics.com are two names of one."""
    return one.replace(".api.", ".", 1) == other.replace(".api.", ".", 1)


def _clock(response: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _said(response: Response) -> _Said:
    try:
        return _ERROR.decode(response.content).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Said()
