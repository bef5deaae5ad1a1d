"""Ways in: a person at Microsoft's page with a code or in the browser, tokens that rotate, Windows sign-in, and what the config refuses."""

from __future__ import annotations

import base64
import builtins
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pmo_hub.sdk.authorizing import Prompting
from pmo_hub.sdk.errors import AuthError, ConfigError, ReauthError, TransientError
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import MemoryContext
from pmo_hub_msproject.config import MsProjectConfig
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.microsoft import Microsoft, MicrosoftAuthorize
from pmo_hub_msproject.negotiating import Negotiated
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulator import Simulator, serve
from tests.connectors.pmo_hub_msproject.lending import START, opened

CODE = {"sign_in": "device_code", "client_id": "app", "tenant": "meridian.example", "user": None, "password": None}
BROWSER = CODE | {"sign_in": "authorization_code", "client_secret": "hush"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(generate(7, 1, START, tasks=6)) as served:
        yield served


@pytest.fixture
def microsoft(simulator: Simulator) -> Microsoft:
    return Microsoft(served_at=simulator.base)


@pytest.fixture
def context() -> MemoryContext:
    return MemoryContext(policy=Policy(attempts=2))


def _config(simulator: Simulator, way: dict[str, Any]) -> MsProjectConfig:
    return MsProjectConfig.model_validate(simulator.config() | way)


def _signed_in(simulator: Simulator, microsoft: Microsoft, context: MemoryContext) -> None:
    authorize, config = MicrosoftAuthorize(microsoft), _config(simulator, CODE)
    begun = authorize.prompt(config, context)
    simulator.sign_in.type_code(begun.code or "")
    authorize.finish(config, begun.kept, {}, context)


def test_a_code_is_waited_for_and_then_lets_in(simulator: Simulator, microsoft: Microsoft, context: MemoryContext) -> None:
    authorize, config = MicrosoftAuthorize(microsoft), _config(simulator, CODE)
    assert isinstance(authorize, Prompting)
    assert authorize.prompts(config)
    begun = authorize.prompt(config, context)
    assert begun.code == "SIM-0001"
    with pytest.raises(TransientError, match="Nobody has typed"):
        authorize.finish(config, begun.kept, {}, context)
    simulator.sign_in.type_code(begun.code)
    authorize.finish(config, begun.kept, {}, context)
    with opened(simulator, context, microsoft, **CODE) as source:
        assert "reader@meridian.example" in source.check()
        ends = source.credential_expires_at()
    assert ends is not None


def test_a_browser_comes_back_with_a_code_that_needs_its_verifier(
    simulator: Simulator, microsoft: Microsoft, context: MemoryContext
) -> None:
    authorize, config = MicrosoftAuthorize(microsoft), _config(simulator, BROWSER)
    assert not authorize.prompts(config)
    begun = authorize.start(config, "https://hub.example/done")
    assert begun.url.startswith("https://login.microsoftonline.com/meridian.example/oauth2/v2.0/authorize?")
    assert "code_challenge_method=S256" in begun.url
    answer = simulator.sign_in.consent(begun.url)
    assert answer.pop("state") == begun.state
    authorize.finish(config, begun.kept, answer, context)
    with opened(simulator, context, microsoft, **BROWSER) as source:
        source.check()


def test_a_refusal_of_consent_is_told(simulator: Simulator, microsoft: Microsoft, context: MemoryContext) -> None:
    authorize, config = MicrosoftAuthorize(microsoft), _config(simulator, BROWSER)
    begun = authorize.start(config, "https://hub.example/done")
    with pytest.raises(AuthError, match="no consent"):
        authorize.finish(config, begun.kept, {"error": "access_denied", "error_description": "AADSTS65004: declined"}, context)


def test_a_token_that_is_refused_before_its_time_is_renewed_and_stored(
    simulator: Simulator, microsoft: Microsoft, context: MemoryContext
) -> None:
    _signed_in(simulator, microsoft, context)
    before = context.credentials.load()
    simulator.sign_in.end_access()
    with opened(simulator, context, microsoft, **CODE) as source:
        source.check()
    assert simulator.sign_in.refreshed == 1
    assert context.credentials.load()[1] == before[1] + 1
    with opened(simulator, context, microsoft, **CODE) as source:
        source.check()
    assert simulator.sign_in.refreshed == 1, "what was stored serves the next process"


def test_two_processes_that_renew_at_once_both_go_on(simulator: Simulator, microsoft: Microsoft, context: MemoryContext) -> None:
    _signed_in(simulator, microsoft, context)
    simulator.sign_in.end_access()
    stale = context.credentials.load()
    with opened(simulator, context, microsoft, **CODE) as source:
        source.check()
    fresh = context.credentials
    loads = [stale]

    class Late:
        """What a process sees that loaded before the other one saved."""

        def load(self) -> tuple[bytes, int]:
            return loads.pop() if loads else fresh.load()

        def save(self, value: bytes, version: int) -> bool:
            return fresh.save(value, version)

    other = MemoryContext(policy=Policy(attempts=2))
    other.credentials = Late()  # type: ignore[assignment]
    with opened(simulator, other, microsoft, **CODE) as source:
        source._client.account()


def test_a_sign_in_that_was_withdrawn_asks_for_a_person(simulator: Simulator, microsoft: Microsoft, context: MemoryContext) -> None:
    _signed_in(simulator, microsoft, context)
    simulator.sign_in.withdraw()
    with opened(simulator, context, microsoft, **CODE) as source, pytest.raises(ReauthError, match="AADSTS700082") as told:
        source.check()
    assert "authorize the connection again" in str(told.value)
    assert "access-" not in str(told.value)


def test_nobody_has_signed_in_yet(simulator: Simulator, microsoft: Microsoft, context: MemoryContext) -> None:
    with opened(simulator, context, microsoft, **CODE) as source:
        assert source.namespace()
        with pytest.raises(ReauthError, match="Nobody has signed in"):
            source.check()


def test_a_sign_in_service_that_names_another_host_is_not_followed(
    simulator: Simulator, microsoft: Microsoft, context: MemoryContext
) -> None:
    simulator.sign_in.host = "elsewhere.example"
    with pytest.raises(ConfigError, match="elsewhere"):
        MicrosoftAuthorize(microsoft).prompt(_config(simulator, CODE), context)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sign_in": "ntlm", "user": None}, "user"), ({"sign_in": "device_code"}, "client_id"), ({"url": "http://pwa.example/pwa"},
        "https"),
        ({"url": "https://pwa.example/pwa/_api/ProjectServer"}, "leave out"), ({"url": "https://pwa.example/pwa/default.aspx"},
        "leave out"),
        ({"time_zone": "Mars/Base"}, "zone"), ({"sign_in": "kerberos", "password": None}, "neither"),
        ({"url": "https://u:p@pwa.example"}, "credential"),
    ],
)  # fmt: skip
def test_a_config_that_cannot_work_says_what_to_change(change: dict[str, Any], why: str) -> None:
    whole = {"sign_in": "password", "url": "https://pwa.example/pwa", "user": "u", "password": "p"}
    with pytest.raises(ValidationError, match=why):
        MsProjectConfig.model_validate(whole | change)


def test_a_connection_that_changes_its_way_drops_the_old_secret() -> None:
    whole = {
        "sign_in": "device_code",
        "url": "https://pwa.example/pwa/",
        "user": "u",
        "password": "p",
        "client_id": "a",
        "tenant": "t.example",
    }
    config = MsProjectConfig.model_validate(whole)
    assert (config.password, config.user, config.url) == (None, None, "https://pwa.example/pwa")


def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "spnego":
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ConfigError, match=r"pip install 'pmo-hub\[onprem\]'"):
        Negotiated("ntlm", "u", "p")


def test_importing_the_connector_imports_neither_msal_nor_spnego() -> None:
    import subprocess
    import sys

    script = "import sys; import pmo_hub_msproject.connector; sys.exit(any(m in sys.modules for m in ('msal', 'spnego')))"
    assert (
        subprocess.run([sys.executable, "-c", script], check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}).returncode
        == 0
    )


def _ntlm_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str) -> Any:
    """A handshake by connection, as IIS does it."""
    spnego = pytest.importorskip("spnego", reason="pyspnego, of the extra onprem, is not installed")
    users = tmp_path / "users"
    users.write_text(f"MERIDIAN:reader:{password}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    contexts: dict[tuple[str, int], Any] = {}
    known: set[tuple[str, int]] = set()

    def negotiate(client: tuple[str, int], authorization: str) -> tuple[bool, str | None]:
        if client in known and not authorization:
            return True, None
        kind, _, token = authorization.partition(" ")
        if kind != "NTLM":
            return False, "Negotiate, NTLM" if not authorization else "NTLM"
        raw = base64.b64decode(token)
        if raw[8] == 1:
            contexts[client] = spnego.server(protocol="ntlm")
        try:
            answer = contexts[client].step(raw)
        except spnego.exceptions.SpnegoError:
            return False, "NTLM"
        if contexts[client].complete:
            known.add(client)
            return True, None
        return False, f"NTLM {base64.b64encode(answer).decode()}"

    return negotiate


def test_ntlm_signs_in_a_connection_once(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator.negotiate = _ntlm_server(tmp_path, monkeypatch, simulator.password)
    with opened(simulator, sign_in="ntlm") as source:
        source.check()
        legs = len(simulator.log)
        assert len(list(source.scopes())) == 1
    assert legs == 3
    assert len(simulator.log) == legs + 1, "the connection stays signed in"


def test_a_wrong_password_is_refused_after_one_handshake(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator.negotiate = _ntlm_server(tmp_path, monkeypatch, "another")
    with opened(simulator, sign_in="ntlm") as source, pytest.raises(AuthError, match="401"):
        source.check()
    assert len(simulator.log) <= 4, "each further try counts towards locking the account"


def test_kerberos_without_its_library_or_ticket_is_told(simulator: Simulator) -> None:
    with opened(simulator, sign_in="kerberos", user=None, password=None) as source, pytest.raises((ConfigError, AuthError)) as told:
        source.check()
    assert "Kerberos" in str(told.value)


def test_the_connector_offers_what_it_claims() -> None:
    connector = MsProjectConnector()
    config = MsProjectConfig.model_validate({"sign_in": "password", "url": "https://pwa.example/pwa", "user": "u", "password": "p"})
    assert not connector.authorize.applies(config)
    with pytest.raises(ConfigError, match="nobody has to authorize"):
        connector.authorize.start(config, "https://hub.example/done")
