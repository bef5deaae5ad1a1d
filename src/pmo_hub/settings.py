"""The hub's settings: PMO_HUB_* variables as one frozen value, read by bootstrap and handed on as arguments.

SettingsError
    whatever is missing or wrong, in one sentence for whoever starts the hub; never the value of a secret
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PMO_HUB_"
KEY_BYTES = 32
KEY_FILE = "pmo-hub.key"
OLDER_KEYS = f"{PREFIX}OLDER_SECRET_KEYS"
# A random key of 32 bytes has about 30 different ones; what a hand types or an example shows has few.
FEWEST_DIFFERENT_BYTES = 16
MAKE_A_KEY = "python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"

DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class SettingsError(Exception):
    """The hub cannot start as it is configured; the message is one sentence that says what to set."""


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


def _usual_format(given: dict[str, Any]) -> LogFormat:
    return LogFormat.JSON if given.get("environment") is Environment.PRODUCTION else LogFormat.CONSOLE


class Settings(BaseSettings):
    """What the hub was started with. `load` makes one; nothing else reads the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, validate_default=True)

    environment: Environment = Field(Environment.DEVELOPMENT, description="production refuses what is only fit for development")
    database_url: str = Field("sqlite:///pmo-hub.db", repr=False, description="SQLite file or PostgreSQL database")
    secret_key: SecretStr | None = Field(None, description="32 random bytes in base64; encrypts the secrets of connections")
    older_secret_keys: SecretStr | None = Field(
        None, description="former secret keys, separated by commas; they only decrypt, until `pmo-hub secrets reseal` has run"
    )
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    public_url: str | None = Field(None, pattern=r"^https?://[^\s/]+", description="where users reach the hub, for links in events")
    smtp_url: SecretStr | None = Field(
        None, description="mail server: smtp://USER:PASSWORD@HOST:PORT (STARTTLS), smtps:// (TLS), smtp+plain:// (none, without log-in)"
    )
    smtp_sender: str | None = Field(None, max_length=320, description="address that e-mails come from, like PMO Hub <hub@example.com>")
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = Field(default_factory=_usual_format, description="console; json in production")
    worker_poll_s: float = Field(1.0, gt=0, le=60, description="how long an idle worker waits before it asks for jobs again")
    worker_concurrency: int = Field(4, ge=1, le=64, description="jobs that one worker runs side by side")
    delivery_allowed_networks: str = Field(
        "", description="networks that deliveries may reach although they are not public, such as 10.1.0.0/16,::1; also without TLS"
    )
    delivery_lanes: int = Field(32, ge=1, le=1000, description="endpoints to which one worker delivers side by side")
    watched_folders: str = Field("", description="folders that connections to files may watch: whole paths, with colons between")
    upload_max_mb: int = Field(512, ge=1, le=16_384, description="the largest file that is taken as an upload, in megabytes")

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in DRIVERS:
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return f"{DRIVERS[scheme]}://{rest}"

    @field_validator("delivery_allowed_networks")
    @classmethod
    def _name_networks(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            ip_network(part, strict=False)  # its ValueError says what is wrong
        return value

    @field_validator("watched_folders")
    @classmethod
    def _name_whole_paths(cls, value: str) -> str:
        if any(not Path(part).is_absolute() for part in value.split(":") if part.strip()):
            raise ValueError("must hold whole paths, such as /srv/plans, separated by colons")
        return value

    @field_validator("public_url")
    @classmethod
    def _end_without_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

    @field_validator("log_level", "log_format", "environment", mode="before")
    @classmethod
    def _fold_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def allowed_networks(self) -> tuple[str, ...]:
        """The networks of `delivery_allowed_networks`."""
        return tuple(filter(None, map(str.strip, self.delivery_allowed_networks.split(","))))

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file; None for PostgreSQL and for a database in memory."""
        if not self.is_sqlite:
            return None
        path = self.database_url.removeprefix("sqlite://").split("?")[0].removeprefix("/")
        return None if path in ("", ":memory:") or path.startswith("file:") else Path(path)

    @property
    def watchable(self) -> tuple[Path, ...]:
        """The folders that connections may watch."""
        return tuple(Path(part.strip()) for part in self.watched_folders.split(":") if part.strip())

    @property
    def base_url(self) -> str:
        """Where the hub is reached: the public address, or else where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def key(self) -> bytes:
        """The 32 bytes that encrypt secrets; settings made by `load` have them."""
        if self.secret_key is None:
            raise SettingsError(f"{PREFIX}SECRET_KEY is not set.")
        return decode_key(self.secret_key.get_secret_value())

    @property
    def keys(self) -> tuple[bytes, ...]:
        """`key`, which encrypts, and those that only decrypt; none twice."""
        given = "" if self.older_secret_keys is None else self.older_secret_keys.get_secret_value()
        older = (decode_key(part, OLDER_KEYS) for part in given.split(",") if part.strip())
        return tuple(dict.fromkeys((self.key, *older)))


def load(**given: Any) -> Settings:
    """Settings that the hub can start with, from the environment and, before it, from `given`; raises SettingsError.

    In development a missing secret key is read from `pmo-hub.key` beside the SQLite file, which is made at the first start.
    """
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(_in_words(error)) from None  # the cause would show the values, secrets among them
    found = settings.model_copy(update={"secret_key": SecretStr(_find_key(settings))})
    _ = found.keys  # a wrong older key is told at the start, not when a secret needs it
    return found


def decode_key(value: str, variable: str = f"{PREFIX}SECRET_KEY") -> bytes:
    """The key's 32 bytes; raises SettingsError on anything else, and on a key that was not made at random."""
    try:
        key = base64.b64decode(value.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{variable} must be {KEY_BYTES} random bytes in base64: {MAKE_A_KEY} prints one.")
    if len(set(key)) < FEWEST_DIFFERENT_BYTES:
        raise SettingsError(f"{variable} is a placeholder, not a random key: {MAKE_A_KEY} prints one.")
    return key


def _find_key(settings: Settings) -> str:
    if settings.secret_key is not None:
        value = settings.secret_key.get_secret_value()
        decode_key(value)
        return value
    if settings.environment is Environment.PRODUCTION:
        raise SettingsError(f"{PREFIX}SECRET_KEY must be set in production, and kept: {MAKE_A_KEY} prints one.")
    file = settings.sqlite_file
    if file is not None:
        return _key_beside(file)
    if settings.is_sqlite:
        return _new_key()  # a database in memory takes its secrets with it
    raise SettingsError(f"{PREFIX}SECRET_KEY must be set with PostgreSQL, which has no file to keep a key beside: {MAKE_A_KEY} prints one.")


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _key_beside(database: Path) -> str:
    """The key in the database's folder, made if there is none; of two processes that start at once, both get the same."""
    file = database.resolve().parent / KEY_FILE
    if not file.exists():
        draft = file.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(_new_key())
            try:
                os.link(draft, file)  # unlike rename it never replaces another's key
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        except OSError as error:
            raise SettingsError(f"The key file {file} cannot be made ({error.strerror}): set {PREFIX}SECRET_KEY.") from error
    try:
        value = file.read_text().strip()
        decode_key(value)
    except OSError as error:
        raise SettingsError(f"The key file {file} cannot be read ({error.strerror}): set {PREFIX}SECRET_KEY.") from error
    except SettingsError:
        raise SettingsError(f"The key file {file} holds no usable key: restore it or set {PREFIX}SECRET_KEY.") from None
    return value


def _in_words(error: ValidationError) -> str:
    """One sentence that names every variable at fault, without the values."""
    told = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = f"{PREFIX}{'_'.join(str(part) for part in fault['loc'])}".upper()
        told.append(f"{name}: {fault['msg'].removeprefix('Value error, ').lower()}")
    return "; ".join(told) + "."
