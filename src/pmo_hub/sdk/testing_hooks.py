"""Webhooks: what is signed leads to its object, what is not is refused, and no body is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pmo_hub.sdk.contract import Capability, Ref
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.hooks import Delivery, Hooks, Proof, Registering
from pmo_hub.sdk.testing_ports import Ports

URL = "https://hub.example/hooks/0123456789abcdef"
SECRET = "a-secret-of-the-suite-0123456789"
DEEP = 100_000
ODD: Sequence[bytes] = (
    b"", b"null", b"[]", b"0", b'"text"', b"{}", b"\xff\xfe", b"{" * DEEP, b"[" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"<html/>",
    b'{"type":"\\ud800\\u0000"}', b'{"id":1e999}', b'{"id":' + b"9" * 10_000 + b"}",
)  # fmt: skip
"""Bodies that no source sends, and that somebody will."""


class Deliveries(Ports):
    """Tests of `hooks`; a connector without Capability.HOOKS skips them."""

    def hook_body(self, ref: Ref, deleted: bool) -> bytes:
        """What the source sends when the object was changed, or deleted."""
        self._skip("hook_body")

    def hook_headers(self, body: bytes, url: str, secret: str) -> Mapping[str, str]:
        """The headers, in lower case, with which the source sends the body to an address."""
        self._skip("hook_headers")

    def test_hooks_say_how_deliveries_are_proved(self) -> None:
        hooks = self._hooks()
        assert hooks.proofs, "no delivery could ever be proved"
        assert all(isinstance(proof, Proof) for proof in hooks.proofs), f"unknown proofs {hooks.proofs}"
        assert hooks.probes <= {"GET", "HEAD"}, f"an address is tried with GET or HEAD, not with {sorted(hooks.probes)}"
        with self.opened() as source:
            registering = isinstance(source, Registering)
        there = "there" if registering else "not there"
        assert hooks.registers == registering, f"hooks.registers is {hooks.registers}, and the source's register and renew are {there}"

    def test_a_delivery_leads_to_what_changed(self) -> None:
        self._hooks()
        host = self.synced()
        ref = self.edit()
        found = self._delivered(ref, deleted=False)
        assert found.is_known, f"the connector does not know its own source's {found.type!r}"
        assert not found.deleted, f"{ref} was changed, and the delivery is read as if it were gone"
        with self.opened() as source:
            done = host.fetch(source, found.refs)
        assert ref in done.changed, f"{ref} was changed, and fetching {list(found.refs)} does not bring it"

    def test_a_delivery_tells_what_was_deleted(self) -> None:
        self._hooks()
        host = self.synced()
        ref = self.remove()
        found = self._delivered(ref, deleted=True)
        assert ref in found.deleted, f"{ref} was deleted, and the delivery is read as {found}"
        assert set(found.deleted) <= set(found.refs), "what is deleted has to be fetched, to be sure of it"
        with self.opened() as source:
            host.fetch(source, found.refs)
        assert ref not in host.held, f"{ref} was deleted, and fetch does not confirm it"

    def test_only_the_right_signature_passes(self) -> None:
        hooks = self._hooks()
        if Proof.SIGNATURE not in hooks.proofs:
            pytest.skip("the source signs nothing")
        body = self.hook_body(self.edit(), False)
        headers = dict(self.hook_headers(body, URL, SECRET))
        hooks.verify(headers, body, URL, SECRET)
        wrong = {"another secret": (headers, body, "another" + SECRET), "another body": (headers, body + b" ", SECRET)}
        wrong["no signature"] = ({}, body, SECRET)
        for name, value in headers.items():
            if self._is_signature(name, body):
                wrong[f"a cut {name}"] = ({**headers, name: value[:-1]}, body, SECRET)
                wrong[f"an odd {name}"] = ({**headers, name: "é\ud800"}, body, SECRET)
        for what, (given, sent, secret) in wrong.items():
            with pytest.raises(HookError) as refused:
                hooks.verify(given, sent, URL, secret)
            assert SECRET not in str(refused.value), f"the refusal of {what} quotes the secret"

    def test_no_body_is_an_error(self) -> None:
        hooks = self._hooks()
        for body in ODD:
            found = hooks.verify(self.hook_headers(body, URL, SECRET), body, URL, SECRET)
            assert isinstance(found, Delivery), f"{body[:20]!r} is read as {found!r}"
            assert not found.refs, f"{body[:20]!r} is read as {found}"

    def test_a_delivery_that_is_sent_again_has_the_same_id(self) -> None:
        self._hooks()
        ref = self.edit()
        body = self.hook_body(ref, False)
        headers = dict(self.hook_headers(body, URL, SECRET))
        first, again = (self._hooks().verify(headers, body, URL, SECRET) for _ in range(2))
        assert first == again, "one delivery is read in two ways"

    def _is_signature(self, name: str, body: bytes) -> bool:
        """Whether that header differs with the secret."""
        return self.hook_headers(body, URL, SECRET)[name] != self.hook_headers(body, URL, f"another{SECRET}").get(name)

    def _delivered(self, ref: Ref, *, deleted: bool) -> Delivery:
        body = self.hook_body(ref, deleted)
        return self._hooks().verify(self.hook_headers(body, URL, SECRET), body, URL, SECRET)

    def _hooks(self) -> Hooks:
        if Capability.HOOKS not in self.connector.capabilities:
            pytest.skip(f"{type(self.connector).__name__} takes no webhooks")
        found = getattr(self.connector, "hooks", None)
        assert isinstance(found, Hooks), f"HOOKS is claimed, and hooks is {found!r}"
        return found
