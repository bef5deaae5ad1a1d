"""Structured logs: one line an event, on standard error, as text for people or JSON for machines.

Every line, those of libraries included, passes the same processors, and these let no secret and no payload through: values under
names that sound like secrets, credentials inside addresses and headers, registered secret values wherever they occur (tracebacks too),
bytes, and text too long to be a fact.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import structlog

MASK = "***"
LONGEST_TEXT = 1_000
SHORTEST_SECRET = 6  # a shorter one would blot out ordinary words

SECRET_NAME = re.compile(
    r"password|passwd|passphrase|secret|token|authorization|cookie|credential|api[-_]?key|private[-_]?key|signature", re.IGNORECASE
)
SECRET_PATTERNS = (
    (re.compile(r"\b(Basic|Bearer|Digest|Negotiate)\s+[\w+/=.~-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"((?:password|secret|token|authorization)[\"']\s*:\s*[\"'])[^\"']+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b((?:password|secret|[a-z_]*token)=)[^\s&,;\"')]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"([?&][\w-]*(?:token|key|secret|password|signature|sig|code)=)[^&\s\"'#]+", re.IGNORECASE), rf"\1{MASK}"),
)

# A server's own line for each request holds the address whole, and that of a webhook may hold a token.
ADDRESSED = "uvicorn.access"

# Libraries that at INFO tell every request with its full address, or every poll.
QUIET = ("httpx", "httpcore", "urllib3", "apscheduler", "stamina")
# Names under which a whole traceback stands, which may be long.
UNCUT = ("event", "exception", "stack")

# The longest first, since one secret may be part of another; replaced as a whole, since threads read it without the lock.
_registered: tuple[str, ...] = ()
_lock = threading.Lock()

Processor = structlog.typing.Processor


def register_secret(value: str) -> None:
    """From now on no line shows this value, nor its spelling inside an address."""
    global _registered  # noqa: PLW0603 - loggers are the process's own, and so is what they must not tell
    if len(value) >= SHORTEST_SECRET:
        with _lock:
            known = {*_registered, value, quote(value, safe=""), quote_plus(value)}
            _registered = tuple(sorted(known, key=len, reverse=True))


def forget_secrets() -> None:
    """No secret value is registered."""
    global _registered  # noqa: PLW0603
    with _lock:
        _registered = ()


def mask(text: str) -> str:
    """The text without registered secrets and without credentials that its shape gives away."""
    for secret in _registered:
        text = text.replace(secret, MASK)
    for pattern, replacement in SECRET_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with every secret masked, at any depth."""
    return {name: _mask_named(name, value) for name, value in event.items()}


def drop_payloads(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with bytes as their count and long text cut."""
    return {name: value if name in UNCUT else _shorten(value) for name, value in event.items()}


def _mask_named(name: str, value: Any) -> Any:
    # None and booleans say whether there is a secret, and numbers how many: `next_page_token=None`, `tokens=3`.
    if SECRET_NAME.search(name) and value is not None and not isinstance(value, bool | int | float):
        return MASK
    return _mask_value(value)


def _mask_value(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {mask(str(name)): _mask_named(str(name), inner) for name, inner in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray | memoryview):
        return [_mask_value(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | bytes | bytearray | memoryview):
        return value
    return mask(str(value))  # what a renderer would otherwise print by itself, unmasked


def _shorten(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]}… <{len(value)} characters>"
    if isinstance(value, Mapping):
        return {name: _shorten(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shorten(inner) for inner in value]
    return value


def _mask_arguments(record: logging.LogRecord) -> bool:
    """True, with the record's texts masked: that logger has handlers of the server's own, which know nothing of ours."""
    if isinstance(record.args, tuple):
        record.args = tuple(mask(one) if isinstance(one, str) else one for one in record.args)
    return True


def configure(level: str = "info", form: str = "console", stream: TextIO | None = None) -> None:
    """Logs of the hub and of its libraries go to the stream, standard error by default, from `level` upwards.

    Called once by an entry point; a server that it starts must not configure logging again (uvicorn: log_config=None).
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    # A traceback becomes text before it is masked; its variables are never shown, since payloads are among them.
    closing: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_secrets,
        drop_payloads,
    ]
    output = stream or sys.stderr
    if form == "json":
        closing.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    else:
        closing.append(structlog.dev.ConsoleRenderer(colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()], processors=closing
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger(ADDRESSED).addFilter(_mask_arguments)
    logging.captureWarnings(True)
