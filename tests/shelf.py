"""A connector of the tests' own: shelves as scopes, without a wire. What its config holds decides how it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from pydantic import BaseModel, Field, SecretStr, field_validator

from pmo_hub.sdk.contract import (
    CONTRACT_VERSION,
    Capability,
    Context,
    Listing,
    Mapped,
    Mapper,
    Mode,
    Page,
    Partition,
    Payload,
    RateLimit,
    Ref,
    Reference,
    Scope,
    State,
)
from pmo_hub.sdk.errors import AuthError, ConfigError, TransientError

RIGHT_TOKEN = "correct-horse-battery"
SHELVES = (
    Scope("A", "Atlases", "shelf", 30, "https://shelf.example/A"),
    Scope("B", "Biographies", "shelf", 12),
    Scope("C", "Cookery", "shelf"),
)


class Lending(BaseModel):
    desk: str = "front"
    password: SecretStr | None = None


class ShelfConfig(BaseModel):
    url: str = Field(title="Address")
    token: SecretStr = Field(title="Token")
    pages: int = Field(10, ge=1, le=100)
    lending: Lending = Lending()

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError("must begin with https://")
        return value.rstrip("/")


@dataclass(slots=True)
class ShelfSource:
    config: ShelfConfig
    context: Context

    def check(self) -> str:
        token = self.config.token.get_secret_value()
        with self.context.throttle():
            if token != RIGHT_TOKEN:
                raise AuthError(f"The shelf does not accept the token {token}; create a new one.")
            if "portal" in self.config.url:
                raise ConfigError("The shelf answered with a web page, not JSON; check the URL.")
            if "busy" in self.config.url:
                raise TransientError("The shelf asks to be left alone.", timedelta(seconds=90))
        return "You are Librarian and see 3 shelves."

    def namespace(self) -> str:
        return self.config.url.removeprefix("https://").partition("/")[0]

    def scopes(self) -> Iterator[Scope]:
        yield from () if "empty" in self.config.url else SHELVES

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield Reference(None, b"{}")

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        return [Partition(scope, (scope,), {k: v for k, v in state.items() if k.startswith(f"{scope}/")}, mode) for scope in scopes]

    def read(self, partition: Partition) -> Iterator[Page]:
        scope = partition.scopes[0]
        books = [Payload(Ref("book", f"{scope}{n}"), scope, b"{}") for n in range(2)]
        yield Page(books, {f"{scope}/read": "yes"}, expected={"book": 2})

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        yield Page()

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for scope in scopes:
            yield Listing("book", (scope,), [f"{scope}{n}" for n in range(2)], last=True)


class ShelfConnector:
    name: ClassVar[str] = "shelf"
    title: ClassVar[str] = "A shelf"
    contract: ClassVar[int] = CONTRACT_VERSION
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.INCREMENTAL, Capability.CENSUS})
    rate_limit: ClassVar[RateLimit] = RateLimit(1_000, 1.0, 4)
    census_kinds: ClassVar[tuple[str, ...]] = ("book",)
    Config: ClassVar[type[BaseModel]] = ShelfConfig

    @contextmanager
    def open(self, config: ShelfConfig, context: Context) -> Iterator[ShelfSource]:
        yield ShelfSource(config, context)

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return lambda payload: Mapped()


def config(**given: object) -> dict[str, object]:
    """A config that the shelf accepts, with what is given instead."""
    return {"url": "https://shelf.example", "token": RIGHT_TOKEN} | given
