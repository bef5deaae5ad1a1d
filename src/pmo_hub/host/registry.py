"""Which connectors there are: found by entry point, checked, and met with suspicion; a bad one is reported and the host stays up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from pmo_hub.sdk.contract import CONTRACT_VERSION, Capability, Connector, RateLimit

GROUP = "pmo_hub.connectors"
OWN_DISTRIBUTION = "pmo-hub"

# What the contract asks of a plugin, with the type that its value has.
ATTRIBUTES: tuple[tuple[str, type], ...] = (
    ("name", str),
    ("title", str),
    ("capabilities", frozenset),
    ("rate_limit", RateLimit),
    ("census_kinds", tuple),
)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A connector that may be used. `config_schema` is the JSON Schema that draws the admin's form."""

    connector: Connector
    origin: str
    config_schema: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return self.connector.name


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that may not be used, and why, for the admin."""

    name: str
    origin: str
    reason: str


class _Unusable(Exception):
    """Why a plugin may not be used."""


class Registry:
    """The usable connectors by name, and the broken ones. Nothing foreign is imported before the first question."""

    def __init__(self, load: Callable[[], tuple[Sequence[Plugin], Sequence[Broken]]]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._found: tuple[dict[str, Plugin], tuple[Broken, ...]] | None = None

    @classmethod
    def installed(cls) -> Registry:
        """The connectors that installed packages announce in group `pmo_hub.connectors`."""
        return cls(lambda: _examine(_announced()))

    @classmethod
    def of(cls, *connectors: Connector) -> Registry:
        """Just these connectors."""
        return cls(lambda: _examine((connector.name, "given", lambda found=connector: found) for connector in connectors))  # type: ignore[misc]

    @property
    def plugins(self) -> Mapping[str, Plugin]:
        return self._ready()[0]

    @property
    def broken(self) -> Sequence[Broken]:
        return self._ready()[1]

    def get(self, name: str) -> Connector | None:
        """The connector of that name; None if there is none that may be used."""
        plugin = self.plugins.get(name)
        return plugin.connector if plugin else None

    def _ready(self) -> tuple[dict[str, Plugin], tuple[Broken, ...]]:
        with self._lock:
            if self._found is None:
                plugins, broken = self._load()
                self._found = {plugin.name: plugin for plugin in plugins}, tuple(broken)
            return self._found


_Candidate = tuple[str, str, Callable[[], object]]


def _announced() -> list[_Candidate]:
    """Our own first, then by distribution: of two plugins with one name, the same one wins on every machine."""
    found = [(point, point.dist.name if point.dist else "unknown") for point in entry_points(group=GROUP)]
    found.sort(key=lambda pair: (pair[1] != OWN_DISTRIBUTION, pair[1], pair[0].name, pair[0].value))
    return [(point.name, _origin(point), point.load) for point, _ in found]


def _origin(point: EntryPoint) -> str:
    return f"{point.value} of {point.dist.name} {point.dist.version}" if point.dist else point.value


def _examine(candidates: Iterable[_Candidate]) -> tuple[list[Plugin], list[Broken]]:
    plugins: dict[str, Plugin] = {}
    broken: list[Broken] = []
    for name, origin, load in candidates:
        first = plugins.get(name)
        try:
            if first is not None and first.origin == origin:
                continue  # one distribution seen twice on the path
            if first is not None:
                raise _Unusable(f"a connector {name!r} is already there, from {first.origin}: remove one of the two")
            plugins[name] = _checked(name, origin, _loaded(load))
        except _Unusable as why:
            broken.append(Broken(name, origin, str(why)))
    return list(plugins.values()), broken


def _loaded(load: Callable[[], object]) -> object:
    try:
        found = load()
        return found() if isinstance(found, type) else found
    except (Exception, SystemExit) as error:  # foreign code at import: whatever it does, the host stays up
        raise _Unusable(f"it can't be loaded: {type(error).__name__}: {error}") from error


def _checked(name: str, origin: str, found: object) -> Plugin:
    contract = getattr(found, "contract", None)
    if contract != CONTRACT_VERSION:
        older = isinstance(contract, int) and contract < CONTRACT_VERSION
        raise _Unusable(
            f"it speaks version {contract} of the connector contract and this hub version {CONTRACT_VERSION}: "
            f"update {'the connector' if older or contract is None else 'the hub'}"
        )
    for attribute, kind in ATTRIBUTES:
        if not isinstance(getattr(found, attribute, None), kind):
            raise _Unusable(f"its {attribute} is missing or not a {kind.__name__}")
    for method in ("open", "mapper"):
        if not callable(getattr(found, method, None)):
            raise _Unusable(f"it has no method {method}")
    connector: Connector = found  # type: ignore[assignment]  # what a Protocol with class variables asks for was just looked at
    if connector.name != name:
        raise _Unusable(f"it calls itself {connector.name!r} and its entry point {name!r}")
    unknown = [str(word) for word in connector.capabilities if word not in set(Capability)]
    if unknown:
        raise _Unusable(f"it claims capabilities that the contract does not know: {', '.join(sorted(unknown))}")
    config: object = getattr(found, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise _Unusable("its Config is no pydantic model")
    try:
        schema = config.model_json_schema()
    except Exception as error:  # a schema is drawn by foreign validators
        raise _Unusable(f"its Config can't be drawn as a form: {error}") from error
    return Plugin(connector, origin, schema)
