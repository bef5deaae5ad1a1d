"""Jira Data Center's endpoints, where they differ from Cloud's: version 2, searches by offset with a total, plain lists.

What only Cloud has (tokens of pages, bulk reading by id) is given in Cloud's shape for whoever asks both alike; the source of Data Center
reads its issues by key instead (`keyset`). Histories come inside their issues.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from pmo_hub.sdk.http import URL
from pmo_hub_jira import wire
from pmo_hub_jira.client import API, JiraClient, Refused, _read

PATH = "/rest/api/2"
LONGEST_FIELDS = 5_000
"""Characters of a list of fields that an address bears beside the rest."""


class FoundPage(Struct, rename="camel", gc=False):
    """`max_results` is what the server made of the size asked for: it caps it without a word."""

    issues: list[Raw] | None = None
    max_results: int | None = None
    total: int | None = None


class _Priority(Struct):
    id: str


class _Keyed(Struct):
    key: str


class _Token(Struct, rename="camel"):
    expiring_at: str | None = None


_FOUND = msgspec.json.Decoder(FoundPage)
_PROJECTS = msgspec.json.Decoder(list[wire.Project])
_PRIORITIES = msgspec.json.Decoder(list[_Priority])
_KEYED = msgspec.json.Decoder(_Keyed)
_TOKENS = msgspec.json.Decoder(list[_Token])


class DataCenterClient(JiraClient):
    """A server as one account sees it; safe to call from several threads."""

    version: ClassVar[str] = "2"
    locates_boards: ClassVar[bool] = False
    stops_when_refused: ClassVar[bool] = True

    def found(
        self, query: str, fields: Sequence[str], size: int, *, start: int = 0, history: bool = False, strict: bool = True
    ) -> FoundPage:
        """One page of issues; not `strict`: ids and keys that do not exist are no error. Their changelogs are whole."""
        body: dict[str, Any] = {"jql": query, "startAt": start, "maxResults": size, "fields": list(fields), "validateQuery": strict}
        if history:
            body["expand"] = ["changelog"]
        return _read(_FOUND, self._send("POST", f"{PATH}/search", body=body))

    def search(self, query: str, fields: Sequence[str], size: int, token: str | None = None) -> wire.SearchPage:
        """One page of issues by offset, which the token stands for: for short listings only, since edits shift what is behind it."""
        start = int(token or 0)
        page = self.found(query, fields, size, start=start)
        end = start + len(page.issues or ())
        more = bool(page.issues) and end < (page.total or 0)
        return wire.SearchPage(page.issues, str(end) if more else None, not more)

    def issues(self, ids: Sequence[str], fields: Sequence[str]) -> wire.BulkIssues:
        """Issues by id or key, also by one that they had before they moved; those that are missing are not there or not to be seen."""
        bodies = [self.one(id, fields) for id in ids]
        return wire.BulkIssues([Raw(body) for body in bodies if body is not None], [])

    def count(self, where: str) -> int:
        """How many issues match."""
        return self.found(where, ["id"], 0).total or 0

    def one(self, id_or_key: str, fields: Sequence[str], *, history: bool = False) -> bytes | None:
        """An issue from the database, not the index; None where it is not there, or not to be seen."""
        named = ",".join(fields)
        query = [("fields", named if len(named) <= LONGEST_FIELDS else "*all")]
        if history:
            query.append(("expand", "changelog"))
        try:
            return self._send("GET", f"{PATH}/issue/{id_or_key}", query=query).content
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def key_of(self, key: str) -> str | None:
        """The key of today of the issue that had this one; None where it is gone."""
        body = self.one(key, ["issuetype"])
        return None if body is None else _KEYED.decode(body).key

    def projects(self, ids: Sequence[str] | None = None, expand: str | None = None) -> Iterator[wire.Project]:
        """The projects that the account may browse, archived ones apart, or those of `ids` among them; none tells its number of issues."""
        wanted = None if ids is None else frozenset(ids)
        for project in _read(_PROJECTS, self._send("GET", f"{PATH}/project")):
            if wanted is None or project.id in wanted:
                yield project

    def cloud_id(self) -> str | None:
        return None

    def priority_schemes(self) -> wire.PrioritySchemes:
        """The one list of priorities, which stands in its order, as a scheme."""
        listed = [wire.Priority(priority.id) for priority in _read(_PRIORITIES, self._send("GET", f"{PATH}/priority"))]
        return wire.PrioritySchemes([wire.PriorityScheme(default=True, priorities=wire.Priorities(listed))])

    def token_ends(self) -> list[str | None]:
        """When each personal access token of the account ends, None for one that does not."""
        return [token.expiring_at for token in _read(_TOKENS, self._send("GET", "/rest/pat/latest/tokens"))]

    def _address(self, path: str) -> URL:
        """What both have is named by Cloud's path wherever it is asked for."""
        return super()._address(PATH + path.removeprefix(API) if path.startswith(f"{API}/") else path)
