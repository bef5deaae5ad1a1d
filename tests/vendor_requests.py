"""Every request that any test's connector sends to Jira or Trello is one that the vendor specifies: known, not deprecated, its names known.

The requests are taken where all of a connector's HTTP passes, whoever answers it: the simulator, a recorded site, or respx. What a test
sent is judged when it ends, so that the test that sent it is the one that fails. Paths of Jira Data Center, which has no such
description, and of sign-in are left alone; so is everything where ../shared is absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pmo_hub.sdk import http
from tests.third_party import find_shared

_GATEWAY = re.compile(r"^/ex/jira/[^/]+")
_SPECIFIED = ("/rest/api/3/", "/rest/agile/1.0/", "/_edge/")
_TRELLO = "/1/"
_NUMBERS = re.compile(r"\d+")
_IDS = re.compile(r"[0-9a-f]{24}")


class Sent:
    """Requests of one session; each shape is judged once."""

    def __init__(self) -> None:
        self.problems: set[str] = set()
        self.shapes: set[tuple[object, ...]] = set()

    def note(self, request: httpx.Request) -> None:
        """Judge a request that is about to be sent."""
        path = _GATEWAY.sub("", request.url.path)
        if path.startswith(_TRELLO):
            self._note_trello(request, path.removeprefix(_TRELLO.rstrip("/")))
            return
        if not path.startswith(_SPECIFIED):
            return
        query = sorted(set(request.url.params.keys()))
        body = json.loads(request.content) if request.content else None
        shape = (request.method, _NUMBERS.sub("0", path), tuple(query), _shape(body))
        if shape in self.shapes:
            return
        self.shapes.add(shape)
        from tests.connectors.pmo_hub_jira import vendor_specification  # jsonschema and two large files: only where Jira is asked

        specification = vendor_specification.load(find_shared())
        self.problems.update(specification.check_request(request.method, path, query, body))


    def _note_trello(self, request: httpx.Request, path: str) -> None:
        query = sorted(request.url.params.multi_items())
        shape = (request.method, _IDS.sub("0", path), tuple((name, _IDS.sub("0", value)) for name, value in query))
        if shape not in self.shapes:
            self.shapes.add(shape)
            from tests.connectors.pmo_hub_trello import vendor_specification

            self.problems.update(vendor_specification.load(find_shared()).check_request(request.method, path, query))


def _shape(body: Any) -> object:
    """What decides whether a body is valid: names, kinds of value, how many there are of a list."""
    if isinstance(body, dict):
        return tuple((name, _shape(value)) for name, value in sorted(body.items()))
    if isinstance(body, list):
        return (len(body), *sorted({type(entry).__name__ for entry in body}))
    return type(body).__name__


@pytest.fixture(scope="session")
def sent_to_jira() -> Iterator[Sent]:
    """What connectors have sent to Jira so far in this session."""
    sent = Sent()
    if not find_shared().is_dir():
        yield sent
        return
    send = http._Retrying.handle_request

    def noted(self: Any, request: httpx.Request) -> httpx.Response:
        request.read()
        sent.note(request)
        return send(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http._Retrying, "handle_request", noted)
        yield sent


@pytest.fixture(autouse=True)
def only_specified_requests(sent_to_jira: Sent) -> Iterator[None]:
    """Fails the test that sent what the vendor does not specify."""
    yield
    problems, sent_to_jira.problems = sent_to_jira.problems, set()
    assert not problems, f"requests that the vendor does not specify: {sorted(problems)}"
