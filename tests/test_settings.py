"""Settings: what starts, what refuses to, and in which words."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from pmo_hub import settings as module
from pmo_hub.settings import Environment, LogFormat, Settings, SettingsError, decode_key, load

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_gives_a_development_hub_on_a_local_file(empty_folder: Path) -> None:
    settings = load()
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.database_url == "sqlite:///pmo-hub.db"
    assert settings.sqlite_file == Path("pmo-hub.db")
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.log_format is LogFormat.CONSOLE


def test_variables_are_read_with_their_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_HUB_PORT", "9001")
    monkeypatch.setenv("PMO_HUB_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("PMO_HUB_PUBLIC_URL", "https://pmo.example.org/")
    monkeypatch.setenv("PMO_HUB_HOST", "")
    settings = load()
    assert (settings.port, settings.log_level, settings.base_url) == (9001, "warning", "https://pmo.example.org")
    assert settings.host == "127.0.0.1"


def test_settings_cannot_be_changed() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_development_key_is_made_once_and_read_by_its_owner_alone(empty_folder: Path) -> None:
    first, second = load(), load()
    file = empty_folder / "pmo-hub.key"
    assert first.key == second.key == decode_key(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in empty_folder.iterdir()] == ["pmo-hub.key"]


def test_development_key_stands_beside_the_database(empty_folder: Path) -> None:
    (empty_folder / "data").mkdir()
    load(database_url=f"sqlite:///{empty_folder}/data/hub.db?timeout=5")
    assert (empty_folder / "data" / "pmo-hub.key").exists()


def test_key_that_another_process_made_meanwhile_is_kept(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = empty_folder / "pmo-hub.key"

    def make_while_the_other_writes() -> str:
        file.write_text(KEY)
        return base64.b64encode(os.urandom(32)).decode()

    monkeypatch.setattr(module, "_new_key", make_while_the_other_writes)
    assert load().key == bytes(range(32))
    assert file.read_text() == KEY


def test_key_file_that_holds_no_key_is_an_error_and_never_replaced(empty_folder: Path) -> None:
    (empty_folder / "pmo-hub.key").write_text("lost")
    with pytest.raises(SettingsError, match=r"pmo-hub\.key holds no usable key"):
        load()
    assert (empty_folder / "pmo-hub.key").read_text() == "lost"


def test_key_file_in_a_folder_that_does_not_exist_is_an_error_in_words() -> None:
    with pytest.raises(SettingsError, match=r"cannot be made \(No such file or directory\): set PMO_HUB_SECRET_KEY"):
        load(database_url="sqlite:///no/such/folder/hub.db")


def test_database_in_memory_leaves_no_key_behind(empty_folder: Path) -> None:
    assert len(load(database_url="sqlite://").key) == 32
    assert list(empty_folder.iterdir()) == []


def test_postgresql_without_a_key_is_refused_even_in_development() -> None:
    with pytest.raises(SettingsError, match="must be set with PostgreSQL"):
        load(database_url="postgresql://hub@127.0.0.1/hub")


def test_production_without_a_key_is_refused_and_makes_none(empty_folder: Path) -> None:
    with pytest.raises(SettingsError, match="PMO_HUB_SECRET_KEY must be set in production"):
        load(environment="production")
    assert list(empty_folder.iterdir()) == []


def test_production_does_not_take_the_key_file_of_development(empty_folder: Path) -> None:
    (empty_folder / "pmo-hub.key").write_text(KEY)
    with pytest.raises(SettingsError, match="must be set in production"):
        load(environment="production")


def test_production_with_a_random_key_starts_and_logs_json() -> None:
    settings = load(environment="Production", secret_key=KEY)
    assert settings.key == bytes(range(32))
    assert settings.log_format is LogFormat.JSON


@pytest.mark.parametrize("value", ["change-me", "", "c2hvcnQ=", KEY[:-4], KEY + "AAAA", "é" * 44])
def test_key_that_is_not_32_bytes_in_base64_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="must be 32 random bytes in base64"):
        decode_key(value)


@pytest.mark.parametrize("value", [bytes(32), b"0123456789abcdef"[:8] * 4, b"changemechangemechangemechangeme"])
def test_key_that_is_a_placeholder_is_refused(value: bytes) -> None:
    with pytest.raises(SettingsError, match="is a placeholder"):
        load(environment="production", secret_key=base64.b64encode(value).decode())


def test_key_may_be_spelled_for_addresses() -> None:
    raw = bytes([0xFB, 0xFF, *range(30)])
    assert decode_key(base64.urlsafe_b64encode(raw).decode()) == decode_key(base64.b64encode(raw).decode() + "\n") == raw


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_always_reached_by_psycopg(scheme: str) -> None:
    settings = load(database_url=f"{scheme}://hub:pw@127.0.0.1/hub", secret_key=KEY)
    assert settings.database_url == "postgresql+psycopg://hub:pw@127.0.0.1/hub"
    assert not settings.is_sqlite
    assert settings.sqlite_file is None


def test_faults_are_named_together_in_one_sentence_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_HUB_PORT", "seventy")
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", "mysql://root:hunter2secret@db/hub")
    with pytest.raises(SettingsError) as caught:
        load()
    told = str(caught.value)
    assert "PMO_HUB_PORT: input should be a valid integer" in told
    assert "PMO_HUB_DATABASE_URL: must begin with sqlite:/// or postgresql://" in told
    assert "hunter2secret" not in told
    assert "seventy" not in told
    assert caught.value.__suppress_context__


def test_neither_key_nor_database_password_shows_when_settings_are_printed() -> None:
    settings = load(database_url="postgresql://hub:hunter2secret@127.0.0.1/hub", secret_key=KEY)
    assert "hunter2secret" not in repr(settings)
    assert KEY not in repr(settings)


def test_settings_made_without_load_have_no_key() -> None:
    with pytest.raises(SettingsError, match="is not set"):
        _ = Settings().key


def test_address_of_an_ipv6_host_is_bracketed() -> None:
    assert load(host="::1", port=80).base_url == "http://[::1]:80"


def test_older_keys_follow_the_one_that_encrypts_and_none_is_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    older = [base64.b64encode(bytes(range(n, n + 32))).decode() for n in (1, 2)]
    monkeypatch.setenv("PMO_HUB_SECRET_KEY", KEY)
    assert load().keys == (decode_key(KEY),)
    monkeypatch.setenv("PMO_HUB_OLDER_SECRET_KEYS", f" {older[0]}, {older[1]},{KEY},")
    assert load().keys == (decode_key(KEY), decode_key(older[0]), decode_key(older[1]))
    assert older[0] not in repr(load())


@pytest.mark.parametrize("wrong", ["short", base64.b64encode(bytes(32)).decode()])
def test_a_wrong_older_key_is_told_at_the_start_by_its_own_name(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("PMO_HUB_SECRET_KEY", KEY)
    monkeypatch.setenv("PMO_HUB_OLDER_SECRET_KEYS", f"{KEY},{wrong}")
    with pytest.raises(SettingsError, match="PMO_HUB_OLDER_SECRET_KEYS") as refused:
        load()
    assert wrong not in str(refused.value)
