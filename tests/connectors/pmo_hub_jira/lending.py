"""What the host lends to an open source, with a clock that waiting moves on instead of passing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import httpx

from pmo_hub.sdk import http
from pmo_hub.sdk.contract import Mapper, Mode, Page, Partition, Payload
from pmo_hub.sdk.files import FileInfo
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.connector import JiraConnector, JiraSource

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class NoCredentials:
    def load(self) -> tuple[bytes, int]:
        return b"", 0

    def save(self, value: bytes, version: int) -> bool:
        return False


class NoFiles:
    def names(self) -> Iterator[str]:
        return iter(())

    def about(self, name: str) -> FileInfo:
        raise FileNotFoundError(name)

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        raise FileNotFoundError(name)


class Lent:
    """A context whose `waits` tell how long retries slept."""

    def __init__(self, policy: http.Policy | None = None, now: datetime = START) -> None:
        self.waits: list[float] = []
        self._now = now
        self._lock = threading.Lock()
        self._policy = policy or http.Policy()
        self._throttle = http.LocalThrottle(JiraConnector.rate_limit, clock=self.monotonic, sleep=self.sleep)
        self.credentials = NoCredentials()
        self.files = NoFiles()
        self.rules: dict[str, str] = {}
        self.scratch = Path("/nowhere")

    def folder(self, path: str) -> NoFiles:
        return self.files

    def http(self, base: str, auth: httpx.Auth | None = None, verify: bool | str = True) -> httpx.Client:
        clockwork = http.Clockwork(self.monotonic, self.sleep, self.now, lambda: 0.5)
        return http.client(base, auth, verify, throttle=self._throttle, policy=self._policy, clockwork=clockwork)

    @contextmanager
    def throttle(self) -> Iterator[None]:
        self._throttle.acquire()
        try:
            yield
        finally:
            self._throttle.release()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, delta: timedelta) -> None:
        self._now += delta


class Store:
    """What a host would keep of the pages it commits: payloads by ref, state, and what was said beside them."""

    def __init__(self) -> None:
        self.payloads: dict[tuple[str, str], Payload] = {}
        self.state: dict[str, str] = {}
        self.pages: list[Page] = []

    def commit(self, partition: Partition, page: Page) -> None:
        own = {f"{scope}/" for scope in partition.scopes} | {f"{partition.name}/"}
        for key, value in page.state.items():
            assert any(key.startswith(prefix) for prefix in own), f"{partition.name} wrote {key}"
            if value is None:
                self.state.pop(key, None)
            else:
                assert len(value) <= 64 * 1024
                self.state[key] = value
        for payload in page.payloads:
            self.payloads[payload.ref.kind, payload.ref.external_id] = payload
        for gone in page.gone:
            self.payloads.pop((gone.ref.kind, gone.ref.external_id), None)
        self.pages.append(page)

    def of(self, kind: str) -> dict[str, Payload]:
        return {id: payload for (found, id), payload in self.payloads.items() if found == kind}


@contextmanager
def opened(config: Mapping[str, object], context: Lent | None = None) -> Iterator[JiraSource]:
    with JiraConnector().open(JiraConfig.model_validate(config), context or Lent()) as source:
        yield source


def run(source: JiraSource, scopes: Sequence[str], store: Store, mode: Mode = Mode.INCREMENTAL, most_pages: int | None = None) -> int:
    """Read what is to be read, one partition after the other; stop after `most_pages` as a crash would. The pages read."""
    count = 0
    for partition in source.partitions(scopes, store.state, mode):
        for page in source.read(partition):
            store.commit(partition, page)
            count += 1
            if count == most_pages:
                return count
    return count


def records_of(source: JiraSource, scopes: Sequence[str], store: Store) -> dict[str, list[object]]:
    """What the stored payloads map to, by payload: references are read now, as a host would before mapping."""
    references = list(source.reference(scopes))
    site = next(reference for reference in references if reference.scope is None)
    mappers: dict[str | None, Mapper] = {
        reference.scope: JiraConnector().mapper([site, reference], {}) for reference in references if reference.scope
    }
    found: dict[str, list[object]] = {}
    for (kind, id), payload in store.payloads.items():
        scope = payload.scope or (store.payloads["issue", payload.part_of.external_id].scope if payload.part_of else None)
        map_payload = mappers[scope] if scope in mappers else next(iter(mappers.values()))
        mapped = map_payload(payload)
        found[f"{kind} {id}"] = [*mapped.owned, *mapped.mentioned]
    return found
