"""The suite's tests of webhooks: they pass on a sound connector, and catch each of a row of broken ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from pmo_hub.sdk.contract import Capability, Ref
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.hooks import Delivery, Proof
from tests.sdk import fake_hooks
from tests.sdk.fake_hooks import FakeHooks, HookedConnector
from tests.sdk.test_connector_suite import FakeSuite


class TestHooked(FakeSuite):
    make = HookedConnector

    def hook_body(self, ref: Ref, deleted: bool) -> bytes:
        return fake_hooks.body_of(ref, deleted)

    def hook_headers(self, body: bytes, url: str, secret: str) -> Mapping[str, str]:
        return {"content-type": "application/json", fake_hooks.SIGNATURE: fake_hooks.sign(body, url, secret)}

    def expire(self) -> None:
        self.site.expire()


# The broken ones.


@dataclass(frozen=True, slots=True)
class Trusting(FakeHooks):
    """Reads whatever comes."""

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        return FakeHooks.verify(self, headers, body, url, None)


@dataclass(frozen=True, slots=True)
class Blabbing(FakeHooks):
    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        try:
            return FakeHooks.verify(self, headers, body, url, secret)
        except HookError:
            raise HookError(f"The delivery is not signed with {secret}.") from None


@dataclass(frozen=True, slots=True)
class Brittle(FakeHooks):
    """Takes it that every body is one of its source's."""

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        json.loads(body)["action"]
        return FakeHooks.verify(self, headers, body, url, secret)


@dataclass(frozen=True, slots=True)
class Blunt(FakeHooks):
    """Does not tell a deletion from a change."""

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        return replace(FakeHooks.verify(self, headers, body, url, secret), deleted=())


@dataclass(frozen=True, slots=True)
class Astray(FakeHooks):
    """Names another object."""

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        found = FakeHooks.verify(self, headers, body, url, secret)
        return replace(found, refs=[Ref("task", "P2-T1") for _ in found.refs])


@dataclass(frozen=True, slots=True)
class Proofless(FakeHooks):
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Unregistered(FakeHooks):
    """Says that an admin makes its webhooks, and takes them by API."""

    registers: bool = False


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Trusting(), "test_only_the_right_signature_passes"),
        (Blabbing(), "test_only_the_right_signature_passes"),
        (Brittle(), "test_no_body_is_an_error"),
        (Blunt(), "test_a_delivery_tells_what_was_deleted"),
        (Astray(), "test_a_delivery_leads_to_what_changed"),
        (Proofless(), "test_hooks_say_how_deliveries_are_proved"),
        (Unregistered(), "test_hooks_say_how_deliveries_are_proved"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, FakeHooks) else "",
)
def test_a_broken_reading_of_deliveries_is_caught(broken: FakeHooks, test: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HookedConnector, "hooks", broken)
    suite = TestHooked()
    suite.setup_method()
    with pytest.raises((AssertionError, pytest.fail.Exception, ValueError, KeyError, TypeError, IndexError)):
        getattr(suite, test)()


@pytest.mark.parametrize("capabilities", [frozenset[Capability](), HookedConnector.capabilities - {Capability.HOOKS}])
def test_hooks_without_the_capability_are_caught(capabilities: frozenset[Capability], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HookedConnector, "capabilities", capabilities)
    suite = TestHooked()
    suite.setup_method()
    with pytest.raises(AssertionError):
        suite.test_capabilities_match_the_declarations()
