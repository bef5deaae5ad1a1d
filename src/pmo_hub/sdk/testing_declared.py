"""What a connector says of itself, and what it says when its source fails."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from pmo_hub.sdk.contract import CONTRACT_VERSION, Capability, Mode, RateLimit, Ref
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, TransientError
from pmo_hub.sdk.testing_context import MemoryContext
from pmo_hub.sdk.testing_ports import Fault, Ports

SECRET_NAME = re.compile(r"(?i)(^|_)(password|passphrase|secret|token|api_?key|private_?key|credentials?)($|_)")
ASKED_OF = {Capability.AUTHORIZE: ("start", "finish"), Capability.HOOKS: ("verify",)}
"""Capability → the methods of the object of that name on the connector."""


class Declared(Ports):
    """Tests of declarations, of the first questions, and of errors."""

    def test_the_config_draws_a_form(self) -> None:
        schema = self.connector.Config.model_json_schema()
        assert schema.get("type") == "object", "the config's JSON Schema is no object"
        assert schema.get("properties"), "the config has no field"
        for name, drawn in schema["properties"].items():
            for word in ("title", "description"):
                assert drawn.get(word), f"the field {name} has no {word} for the admin's form"

    def test_secrets_are_secret_strings(self) -> None:
        for path, annotation in _fields(self.connector.Config, ()):
            if SECRET_NAME.search(path[-1]):
                secret = any(kind in _kinds(annotation) for kind in (SecretStr, SecretBytes))
                assert secret, f"the field {'.'.join(path)} is a secret by its name and no SecretStr: it would be stored in plain text"

    def test_the_connector_declares_what_the_contract_asks_for(self) -> None:
        connector = self.connector
        assert re.fullmatch(r"[a-z][a-z0-9_]*", connector.name), f"name {connector.name!r} is no lower-case identifier"
        assert connector.title.strip(), "no title"
        assert connector.contract == CONTRACT_VERSION, f"it speaks contract {connector.contract}, this sdk {CONTRACT_VERSION}"
        assert isinstance(connector.capabilities, frozenset), "capabilities is no frozenset"
        assert all(isinstance(c, Capability) for c in connector.capabilities), f"unknown capabilities {connector.capabilities}"
        limit = connector.rate_limit
        assert isinstance(limit, RateLimit), "rate_limit is no RateLimit"
        assert min(limit.requests, limit.per_s, limit.concurrency) > 0, f"nothing may be asked of the source: {limit}"

    def test_capabilities_match_the_declarations(self) -> None:
        connector = self.connector
        counted = Capability.CENSUS in connector.capabilities
        claimed = "claimed" if counted else "not claimed"
        assert counted == bool(connector.census_kinds), f"CENSUS is {claimed}, and census_kinds is {connector.census_kinds}"
        for capability, methods in ASKED_OF.items():
            port = getattr(connector, capability.value, None)
            offered = port is not None and all(callable(getattr(port, m, None)) for m in methods)
            claimed = "claimed" if capability in connector.capabilities else "not claimed"
            there = "there" if offered else "not there"
            assert (capability in connector.capabilities) == offered, f"{capability} is {claimed}, and {methods} are {there}"

    def test_files_are_asked_for_by_uploads_only(self) -> None:
        context = self.context()
        if not isinstance(context, MemoryContext):
            pytest.skip(f"{type(self).__name__} has a context of its own, which does not tell whether files were read")
        with self.opened(context) as source:
            self.host().sync(source)
        uploads = Capability.UPLOAD in self.connector.capabilities
        told = f"UPLOAD is {'claimed' if uploads else 'not claimed'}, and files were {'read' if context.files.asked else 'not read'}"
        assert uploads == context.files.asked, told

    def test_check_says_who_we_are(self) -> None:
        with self.opened() as source:
            _is_sentence(source.check())

    def test_the_namespace_is_stable(self) -> None:
        with self.opened() as source:
            first = source.namespace()
        with self.opened() as source:
            again = source.namespace()
        assert first.strip(), "the namespace is empty"
        assert first == again, f"the source was named {first!r} and then {again!r}: everything would be doubled"

    def test_scopes_are_offered_with_ids_and_names(self) -> None:
        with self.opened() as source:
            offered = list(source.scopes())
        ids = [s.external_id for s in offered]
        assert len(ids) == len(set(ids)), "a scope is offered twice"
        assert all(s.external_id and s.name.strip() and s.kind for s in offered), "a scope has no id, name or kind"
        assert set(self.scopes()) <= set(ids), f"scopes() does not offer {sorted(set(self.scopes()) - set(ids))}"

    def test_references_are_canonical(self) -> None:
        read = []
        for _ in range(2):
            with self.opened() as source:
                found = list(source.reference(sorted(self.scopes())))
            named = [r.scope for r in found]
            assert len(named) == len(set(named)), "two references for one scope"
            read.append({r.scope: r.body for r in found})
        assert read[0] == read[1], "the source did not change and its reference did: every row would be mapped again"

    def test_a_refused_credential_is_an_auth_error(self) -> None:
        self._meets(Fault.UNAUTHORIZED, AuthError)

    def test_a_rate_limit_is_transient_and_says_for_how_long(self) -> None:
        for error in self._meets(Fault.RATE_LIMITED, TransientError):
            asked = error.retry_after if isinstance(error, TransientError) else None
            assert asked is not None, "the source said for how long to stay away (Retry-After) and the error does not"
            assert asked.total_seconds() >= 60, f"the source asked for 1800 s and the error says {asked.total_seconds():.0f} s"

    def test_a_failing_server_is_transient(self) -> None:
        self._meets(Fault.UNAVAILABLE, TransientError)

    def test_a_cut_answer_is_transient(self) -> None:
        self._meets(Fault.CUT, TransientError)

    def test_a_web_page_is_a_config_error(self) -> None:
        self._meets(Fault.WEB_PAGE, ConfigError)

    def test_no_secret_is_told(self) -> None:
        """Neither in logs, output, messages, tracebacks, nor in anything that the host stores in plain text."""
        secrets = self.secrets()
        if not secrets:
            pytest.skip(f"the config of {type(self).__name__} has no secret")
        with _overheard() as heard:
            for part in self._everything_told():
                heard.write(f"{part}\n")
        told = heard.getvalue()
        for form in _forms(secrets, self.config()):
            at = told.find(form)
            around = told[max(0, at - 60) : at]
            assert at < 0, f"a secret is told after {around!r}"

    def _meets(self, kind: Fault, expected: type[ConnectorError]) -> list[ConnectorError]:
        """Both `check` and a read under way end with the expected error in one sentence; neither passes the fault over."""
        host = self.host()
        with self.opened() as source:
            host.refresh(source, host.scopes)
        met = []
        for what in ("check", "read"):
            with self.opened() as source, self.fault(kind):
                error: BaseException | None = None
                try:
                    if what == "check":
                        source.check()
                    else:
                        for partition in source.partitions(tuple(host.scopes), {}, Mode.INCREMENTAL):
                            for _ in source.read(partition):
                                pass
                except Exception as e:  # noqa: BLE001  whatever it is, the assertion tells it
                    error = e
            assert error is not None, f"{what} passes over a source that is {kind}: what is missing would be taken for not there"
            assert isinstance(error, expected), f"{what} of a source that is {kind} raises {error!r}, not {expected.__name__}"
            _is_sentence(str(error))
            met.append(error)
        return met

    def _everything_told(self) -> Iterator[object]:
        host = self.host()
        with self.opened() as source:
            yield source.check()
            yield source.namespace()
            yield from source.scopes()
            yield from source.reference(tuple(host.scopes))
            for partition, page in host.pages(source, Mode.INCREMENTAL):
                host.apply(source, partition, page)
                yield partition
                yield page
            refs = [r for r, h in host.held.items() if h.payload.part_of is None][:10]
            yield from source.fetch(refs)
            yield from source.fetch([Ref(r.kind, self.unknown_id) for r in refs[:1]])
            yield from source.census(tuple(host.scopes))
        for kind in Fault:
            try:
                with self.opened() as source, self.fault(kind):
                    source.check()
            except pytest.skip.Exception:
                return
            except Exception as error:  # noqa: BLE001  any text may tell a secret
                yield str(error)
                yield repr(error)
                yield "".join(traceback.format_exception(error))


@contextlib.contextmanager
def _overheard() -> Iterator[io.StringIO]:
    """Everything that is logged on any level, or printed, goes into the text too."""
    heard = io.StringIO()
    root = logging.getLogger()
    handler = logging.StreamHandler(heard)
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            yield heard
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _forms(secrets: list[str], config: Mapping[str, Any]) -> Iterator[str]:
    """A secret as it is, as an address carries it, and as Basic authentication does beside any other value of the config."""
    plain = [v for v in config.values() if isinstance(v, str) and v not in secrets]
    for secret in secrets:
        yield secret
        yield quote(secret, safe="")
        yield base64.b64encode(secret.encode()).decode()
        for other in plain:
            yield base64.b64encode(f"{other}:{secret}".encode()).decode()


def _is_sentence(text: str) -> None:
    assert text.strip(), "an admin is told nothing"
    assert "\n" not in text, f"an admin is told more than one line: {text!r}"
    assert len(text) <= 400, f"an admin is told {len(text)} characters"


def _fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, info in model.model_fields.items():
        yield (*path, name), info.annotation
        for kind in _kinds(info.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _fields(kind, (*path, name))


def _kinds(annotation: Any) -> list[Any]:
    inner = getattr(annotation, "__args__", None)
    return [annotation] if not inner else [kind for each in inner for kind in _kinds(each)]
