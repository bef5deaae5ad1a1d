"""A PWA site's endpoints as functions: what is asked, how it is paged, which answer means what."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw

from pmo_hub.sdk.errors import AddressError, ConfigError, RetiredError, TransientError
from pmo_hub.sdk.http import URL, Client, Response, error_of, is_web_page
from pmo_hub_msproject import odata, wire
from pmo_hub_msproject.selects import LIST, Query

HEADERS = {
    "Accept": "application/json",
    # A site that also lets people in by a form answers 401 then, in place of the form.
    "X-FORMS_BASED_AUTH_ACCEPTED": "f",
    "User-Agent": "NONISV|pmo-hub|pmo-hub/1.0",
}
MOST_PAGES = 20_000
LOG_IN = ("login", "signin", "sign-in", "authenticate", "wsfed", "adfs", "accessdenied")
"""Words in the address that a site sends browsers to which have to log in."""

_T = TypeVar("_T")


class Refused(ConfigError):
    """The site understood nothing, found nothing or lets us see nothing (400, 403, 404 and their kin); `status` tells which."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Lending(Protocol):
    """HTTP clients that are signed in."""

    def lent(self) -> AbstractContextManager[Client]:
        """One to send a request with."""
        ...


class ProjectServer:
    """A PWA site as one account sees it; safe to call from several threads."""

    def __init__(self, clients: Lending, url: str, concurrency: int) -> None:
        self._clients = clients
        self._base = URL(url.rstrip("/"))
        self._slots = threading.BoundedSemaphore(concurrency)

    @property
    def host(self) -> str:
        return self._base.host

    # The site

    def account(self) -> None:
        """The account may ask; raises what is the matter otherwise."""
        self._judged(self._ask(self._api("ProjectServer/Projects", "$select=Id&$top=1")), is_root=True)

    def projects(self) -> Iterator[wire.Listed]:
        """Every published project that the account may see, of whatever type."""
        for raws in self.pages("ProjectServer/Projects", LIST, is_root=True):
            for raw in raws:
                yield self.read(wire.Listed, raw, "project in the list")

    def project(self, project: str, query: Query) -> Raw | None:
        """The project; None where there is none, or none that the account may see."""
        try:
            return self.one(f"ProjectServer/Projects('{project}')", query)
        except Refused as refusal:
            if refusal.status in (403, 404):
                return None
            raise

    # Asking

    def one(self, path: str, query: Query) -> Raw:
        response = self._judged(self._ask(self._api(path, query)))
        found: Raw = self._decoded(lambda: odata.entity(response.content), path)
        return found

    def pages(self, path: str, query: Query, is_root: bool = False) -> Iterator[list[Raw]]:
        """Page by page, by the links that the site gives: how many entities a page holds tells nothing."""
        address: URL | None = self._api(path, query)
        seen: set[str] = set()
        while address is not None:
            if str(address) in seen or len(seen) >= MOST_PAGES:
                raise TransientError(f"Project Server at {self.host} sends us in circles while its list {path} is read")
            seen.add(str(address))
            body = self._judged(self._ask(address), is_root).content
            found, link = self._decoded(lambda body=body: odata.page(body), path)
            yield found
            address = None if not link else self._followed(address, link)

    def rest(self, link: str | None) -> Iterator[Raw]:
        """What comes after the first page of a collection inside an entity."""
        address = None if not link else self._followed(self._base, link)
        seen: set[str] = set()
        while address is not None and str(address) not in seen:
            seen.add(str(address))
            body = self._judged(self._ask(address)).content
            found, link = self._decoded(lambda body=body: odata.page(body), "a collection")
            yield from found
            address = None if not link else self._followed(address, link)

    def read(self, kind: type[_T], raw: bytes | Raw, what: str) -> _T:
        found: _T = self._decoded(lambda: wire.decoder(kind).decode(raw), what)
        return found

    def _api(self, path: str, query: str) -> URL:
        return URL(f"{self._base}/_api/{path}" + (f"?{query}" if query else ""))

    def _ask(self, address: URL) -> Response:
        with self._slots, self._clients.lent() as client:
            try:
                return client.get(address, headers=HEADERS)
            except AddressError as error:
                raise RetiredError(
                    f"{error}: the site has moved, or was retired as Project Online was on 2026-09-30; what was read stays",
                    is_certain=False,
                ) from None

    def _judged(self, response: Response, is_root: bool = False) -> Response:
        """The answer, if it is one; `is_root`: without it there is nothing else to read either."""
        status = response.status_code
        if ending := self._ending(response, is_root):
            raise RetiredError(
                f"Project Server at {self.host} {ending}: Project Online was retired on 2026-09-30, and a site of your own may have moved; "
                "what was read stays, so connect its successor, or correct the URL and resume"
            )
        if status in (400, 404) or (status == 403 and not is_root):
            said = odata.fault(response.content)
            raise Refused(status, f"Project Server at {self.host} refused the request with status {status}{f': {said}' if said else ''}")
        if error := error_of(response, "Project Server"):
            raise error
        return response

    def _ending(self, response: Response, is_root: bool) -> str | None:
        """How this answer says that the site is no more."""
        status = response.status_code
        if status == 410:
            return "says that it is gone (410)"
        if status == 404 and is_root:
            return "has no such site (404)"
        if 300 <= status < 400:
            target = response.headers.get("location", "").lower()
            return "sends us to a log-in page" if any(word in target for word in LOG_IN) else None
        if status < 300 and is_web_page(response):
            return "answers with a web page in place of data"
        return None

    def _followed(self, asked: URL, link: str) -> URL:
        """Where the list goes on. A link to anywhere else is not followed: our credential would go with it."""
        address = asked.join(link)
        here, there = self._base, address
        inside = there.path.lower().startswith(f"{here.path.rstrip('/').lower()}/_api/")
        if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port) or not inside:
            raise ConfigError(
                f"Project Server at {self.host} continues a list at {there.scheme}://{there.netloc.decode('ascii', 'replace')}, which is "
                "not the address of the connection, and nothing was sent there; correct its alternate access mappings, or the URL"
            )
        return address

    def _decoded(self, decode: Any, what: str) -> Any:
        try:
            return decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TransientError(f"Project Server at {self.host} sent an unreadable answer ({what}): {error}"[:390]) from None
