"""Which issues there are: their ids only, five thousand a page, of whole projects or of what a query selects in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from pmo_hub.sdk.contract import Listing
from pmo_hub.sdk.errors import TransientError
from pmo_hub_jira import jql, wire
from pmo_hub_jira.client import IDS_A_PAGE, JiraClient
from pmo_hub_jira.nesting import decode

MOST_PAGES = 100_000


def list_issues(client: JiraClient, where: str, scopes: Sequence[str]) -> Iterator[Listing]:
    """The ids of the issues that a bounded query finds, streamed; TransientError where the listing contradicts itself."""
    token: str | None = None
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        page = client.search(where + jql.OLDEST_FIRST, ["id"], IDS_A_PAGE, token)
        token = page.next_page_token
        if token in seen:
            raise TransientError("Jira repeated a page token, so its listing of ids never ends; it is given up")
        try:
            ids = [decode(wire.IDENTIFIED, raw).id for raw in page.issues or ()]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TransientError(f"Jira's listing of ids can't be read: {error}") from None
        yield Listing("issue", tuple(scopes), ids, last=token is None)
        if token is None:
            return
        seen.add(token)
    raise TransientError(f"Jira handed out more than {MOST_PAGES} pages of ids; the listing is given up")
