"""Jira's endpoints as functions: what is asked, how it is paged, which answer means what. Those of Cloud; a Data Center server
has most of them under another version, and `data_center_client` what differs.

Bulk pages go straight through the hub's HTTP client as bytes. Sign-in and the site's dictionaries are read with the `jira` library, whose
session is bridged onto the same client: one throttle, one retry policy and one list of errors for both.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

import msgspec
from jira import JIRA
from requests import PreparedRequest
from requests import Response as LibraryResponse
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from pmo_hub.sdk.errors import AuthError, ConfigError, TransientError
from pmo_hub.sdk.http import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, URL, Client, Response, error_of, is_web_page
from pmo_hub_jira import wire
from pmo_hub_jira.nesting import decode

API = "/rest/api/3"
AGILE = "/rest/agile/1.0"

ISSUES_A_PAGE = 100
IDS_A_PAGE = 5_000
IDS_A_FETCH = 100
IDS_A_HISTORY = 1_000
HISTORIES_A_PAGE = 5_000
WORKLOGS_A_PAGE = 1_000
PROJECTS_A_PAGE = 50
AGILE_A_PAGE = 50
"""Boards and sprints: more may be asked for, but the answer is silently capped and the rest lost to whoever counts on it."""

_T = TypeVar("_T")
Query = Sequence[tuple[str, str]]


class Refused(ConfigError):
    """Jira understood nothing or found nothing (400, 404 and their kin); `status` tells which."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Forbidden(AuthError):
    """The credential is good and this is beyond it: 403, or 401 for a token that lacks the scope."""


class JiraClient:
    """A site as one account sees it; safe to call from several threads."""

    version: ClassVar[str] = "3"
    """Of the platform's API."""

    locates_boards: ClassVar[bool] = True
    """Whether a board says which project it belongs to."""

    stops_when_refused: ClassVar[bool] = False
    """Whether nothing more is sent once the credential was refused: failed log-ins are counted, and lock the account."""

    def __init__(self, http: Client, concurrency: int) -> None:
        self._http = http
        self._denied: str | None = None
        self._slots = threading.BoundedSemaphore(concurrency)
        self._date: str | None = None
        self._url = lru_cache(maxsize=64)(self._address)  # parsed once, not for each page

    # Searching

    def search(self, query: str, fields: Sequence[str], size: int, token: str | None = None) -> wire.SearchPage:
        """One page of issues; no `next_page_token` in it means the last page."""
        body: dict[str, Any] = {"jql": query, "fields": list(fields), "maxResults": size}
        if token:
            body["nextPageToken"] = token
        page = _read(wire.SEARCH_PAGE, self._send("POST", f"{API}/search/jql", body=body))
        if page.is_last or not page.next_page_token:
            page.next_page_token = None
        return page

    def count(self, where: str) -> int:
        """How many issues match, as the search index believes."""
        return _read(wire.COUNT, self._send("POST", f"{API}/search/approximate-count", body={"jql": where})).count

    def issues(self, ids: Sequence[str], fields: Sequence[str]) -> wire.BulkIssues:
        """Up to 100 issues by id; what is missing from both lists of the answer is not there or not to be seen."""
        body = {"issueIdsOrKeys": list(ids), "fields": list(fields)}
        return _read(wire.BULK_ISSUES, self._send("POST", f"{API}/issue/bulkfetch", body=body))

    def histories(self, ids: Sequence[str], token: str | None = None) -> wire.ChangelogPage:
        """One page of the changelogs of up to 1,000 issues, oldest first: those of one issue may go on on the next page."""
        body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "maxResults": HISTORIES_A_PAGE}
        if token:
            body["nextPageToken"] = token
        return _read(wire.CHANGELOG_PAGE, self._send("POST", f"{API}/changelog/bulkfetch", body=body))

    def comments(self, issue: str) -> bytes:
        """All comments of an issue as one JSON array of what the pages held."""
        found: list[msgspec.Raw] = []
        while True:
            query = (("startAt", str(len(found))), ("maxResults", "100"))
            page = _read(wire.COMMENT_PAGE, self._send("GET", f"{API}/issue/{issue}/comment", query=query))
            found += page.comments or ()
            if not page.comments or len(found) >= (page.total or 0):
                return b"[" + b",".join(map(bytes, found)) + b"]"

    # Worklogs

    def changed_worklogs(self, what: str, since_ms: int) -> wire.ChangedWorklogs:
        """One page of the ids that were `updated` or `deleted` since then, the last minute left out."""
        query = (("since", str(since_ms)),)
        return _read(wire.CHANGED_WORKLOGS, self._send("GET", f"{API}/worklog/{what}", query=query))

    def worklogs(self, ids: Sequence[int]) -> list[msgspec.Raw]:
        """Up to 1,000 worklogs by id; those that are not there, or not to be seen, are missing."""
        return _read(wire.RAWS, self._send("POST", f"{API}/worklog/list", body={"ids": list(ids)}))

    def issue_worklogs(self, issue: str) -> Iterator[msgspec.Raw]:
        """All worklogs of an issue."""
        start = 0
        while True:
            query = (("startAt", str(start)), ("maxResults", str(WORKLOGS_A_PAGE)))
            page = _read(wire.WORKLOGS, self._send("GET", f"{API}/issue/{issue}/worklog", query=query))
            yield from page.worklogs or ()
            start += len(page.worklogs or ())
            if not page.worklogs or start >= (page.total or 0):
                return

    # The site

    def projects(self, ids: Sequence[str] | None = None, expand: str | None = None) -> Iterator[wire.Project]:
        """The live projects that the account may browse, or those of `ids` among them."""
        base = (("expand", expand),) if expand else ()
        groups = [()] if ids is None else [ids[n : n + PROJECTS_A_PAGE] for n in range(0, len(ids), PROJECTS_A_PAGE)]
        for group in groups:
            query = (*base, *(("id", project) for project in group))
            for raw in self._offset_pages(f"{API}/project/search", query, PROJECTS_A_PAGE):
                yield _parsed(wire.PROJECT, raw, "project")

    def project(self, project: str) -> wire.WholeProject:
        """A project with its versions; its components without who leads them."""
        return _read(wire.WHOLE_PROJECT, self._send("GET", f"{API}/project/{project}"))

    def components(self, project: str) -> bytes:
        return self._send("GET", f"{API}/project/{project}/components").content

    def cloud_id(self) -> str | None:
        """The site's id from the one path outside the vendor's specification; None where the site has no such path."""
        try:
            return _read(wire.TENANT, self._send("GET", "/_edge/tenant_info")).cloud_id
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def priority_schemes(self) -> wire.PrioritySchemes:
        """The lists of priorities in their order; the plain list of priorities is deprecated."""
        query = (("maxResults", "50"), ("expand", "priorities"))
        return _read(wire.PRIORITY_SCHEMES, self._send("GET", f"{API}/priorityscheme", query=query))

    def library(self) -> JIRA:
        """A client of the `jira` library over this one; for one thread."""
        library = JIRA(
            options={"server": self.base, "rest_api_version": self.version, "check_update": False},
            max_retries=0,
            get_server_info=False,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )
        session = library._session
        session.trust_env = False  # no ~/.netrc: whatever it names would shadow the connection's own credential
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Bridge(self))
        return library

    # Boards and sprints

    def boards(self, project: str | None = None) -> Iterator[tuple[wire.Board, msgspec.Raw]]:
        query = (("projectKeyOrId", project),) if project else ()
        for raw in self._offset_pages(f"{AGILE}/board", query, AGILE_A_PAGE):
            yield _parsed(wire.BOARD, raw, "board"), raw

    def board_configuration(self, board: int) -> bytes:
        return self._send("GET", f"{AGILE}/board/{board}/configuration").content

    def sprints(self, board: int) -> Iterator[msgspec.Raw]:
        """The sprints of a board; none for a board without sprints, which Jira answers with a 400."""
        try:
            yield from self._offset_pages(f"{AGILE}/board/{board}/sprint", (), AGILE_A_PAGE)
        except Refused as refusal:
            if refusal.status != 400:
                raise

    def sprint(self, sprint: str) -> bytes:
        return self._send("GET", f"{AGILE}/sprint/{sprint}").content

    # Below the endpoints

    def clock_ms(self) -> int:
        """The server's clock when it last answered, in epoch ms; asked for where a proxy has dropped the Date header."""
        if self._date:
            try:
                return int(parsedate_to_datetime(self._date).timestamp() * 1000)
            except ValueError:
                pass
        try:
            return int(datetime.fromisoformat(self.library().server_info()["serverTime"]).timestamp() * 1000)
        except (KeyError, TypeError, ValueError):
            raise TransientError("Jira told the time neither in its answer's Date header nor in its server information") from None

    def forward(self, method: str, path: str, query: Query) -> Response:
        """A request that the library wants sent."""
        return self._send(method, path, query=query)

    @property
    def base(self) -> str:
        return str(self._http.base_url).rstrip("/")

    def _address(self, path: str) -> URL:
        return URL(self.base + path)

    def _offset_pages(self, path: str, query: Query, size: int) -> Iterator[msgspec.Raw]:
        start = 0
        while True:
            paging = (*query, ("startAt", str(start)), ("maxResults", str(size)))
            page = _read(wire.VALUES, self._send("GET", path, query=paging))
            yield from page.values or ()
            start += len(page.values or ())
            if page.is_last or not page.values or (page.is_last is None and page.total is not None and start >= page.total):
                return

    def _send(self, method: str, path: str, *, query: Query = (), body: object = None) -> Response:
        if self._denied:
            raise AuthError(self._denied)  # each further try would count as one more failed log-in
        content = None if body is None else msgspec.json.encode(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        with self._slots:
            response = self._http.request(method, self._url(path), params=list(query) or None, content=content, headers=headers)
        self._date = response.headers.get("date")
        status = response.status_code
        if locked := _lock_of(response):
            self._denied = locked
            raise AuthError(locked)
        if error := error_of(response, "Jira"):
            if 400 <= status < 500 and isinstance(error, ConfigError) and status != 410:
                raise Refused(status, str(error) if is_web_page(response) else _sentence(response))
            if status == 401 and self.stops_when_refused:
                self._denied = str(error)
            # Cloud answers a scoped token that lacks a scope with 401, as it does a token that has ended.
            if status == 403 or (status == 401 and b"scope does not match" in response.content.lower()):
                raise Forbidden(str(error))
            raise error
        if any(word in response.headers.get("x-seraph-loginreason", "") for word in ("FAILED", "DENIED")):
            # Jira answers a bad credential as anonymous where a site is open to the public.
            raise AuthError(
                f"Jira at {response.request.url.host} does not accept the credential of the connection; "
                "create a new token and save it in the connection"
            )
        return response


def _lock_of(response: Response) -> str | None:
    """What to do where Jira wants a human to solve a riddle before it lets the account in again; None where it does not."""
    said = response.headers.get("x-authentication-denied-reason", "")
    if "CAPTCHA" not in said.upper() and "AUTHENTICATION_DENIED" not in response.headers.get("x-seraph-loginreason", ""):
        return None
    page = next((part.partition("=")[2].strip() for part in said.split(";") if part.strip().startswith("login-url=")), "")
    where = page if page.startswith(("https://", "http://")) else "its log-in page"
    return (
        f"Jira at {response.request.url.host} has locked the account after failed log-ins and wants a CAPTCHA solved: log in once as this "
        f"account in a browser, at {where}, then check the credential of the connection and resume it"
    )


class _Bridge(BaseAdapter):
    """Sends what `requests` would send through the hub's client, which adds the credential, throttles, retries and sorts the errors."""

    def __init__(self, client: JiraClient) -> None:
        super().__init__()
        self._client = client

    def send(self, request: PreparedRequest, *_args: object, **_options: object) -> LibraryResponse:
        path = (request.path_url or "").removeprefix(self._prefix)
        answer = self._client.forward(request.method or "GET", path, ())
        response = LibraryResponse()
        response.status_code = answer.status_code
        response.headers = CaseInsensitiveDict(answer.headers)
        response.encoding = "utf-8"
        response.url = request.url or ""
        response.request = request
        response._content = answer.content
        return response

    @property
    def _prefix(self) -> str:
        """The path of the site's address, which the client adds by itself."""
        parts = self._client.base.split("/", 3)
        return "/" + parts[3] if len(parts) == 4 else ""

    def close(self) -> None:
        """The client is not this adapter's to close."""


def _read(decoder: msgspec.json.Decoder[_T], response: Response) -> _T:
    return _parsed(decoder, response.content, f"answer to {response.request.url.path}")


def _parsed(decoder: msgspec.json.Decoder[_T], body: bytes | msgspec.Raw, what: str) -> _T:
    try:
        return decode(decoder, body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransientError(f"Jira sent an unreadable {what}: {error}") from None


def _sentence(response: Response) -> str:
    """Jira's own words about a refusal, in one line."""
    said: list[str] = []
    try:
        body = wire.ERROR_BODY.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    else:
        said = [*(body.error_messages or ()), *map(str, (body.errors or {}).values())]
        said += [text for text in (body.message, body.error_message) if text]
    words = " ".join(" ".join(said).split())[:300]
    asked = f"{response.request.method} {response.request.url.path}"
    return f"Jira refused {asked} ({response.status_code}){': ' + words if words else ''}"
