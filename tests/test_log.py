"""Logs: structured, and silent about secrets and payloads whatever road they come by."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub import log

SECRET = "s3cr3t-valu3+/="


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in log.QUIET}
    yield
    log.forget_secrets()
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    log.configure("info", "json", stream)
    return stream


def only_line(out: io.StringIO) -> dict[str, Any]:
    lines = out.getvalue().splitlines()
    assert len(lines) == 1, lines
    line: dict[str, Any] = json.loads(lines[0])
    return line


def test_line_tells_event_level_logger_time_and_values(out: io.StringIO) -> None:
    structlog.get_logger("pmo_hub.host").info("sync finished", run="ab12", fetched=3)
    line = only_line(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sync finished", "level": "info", "logger": "pmo_hub.host", "run": "ab12", "fetched": 3}


def test_bound_context_is_on_every_line(out: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request="r1"):
        structlog.get_logger("a").info("served")
    assert only_line(out)["request"] == "r1"


def test_line_below_the_level_is_not_written(out: io.StringIO) -> None:
    structlog.get_logger("a").debug("detail")
    assert out.getvalue() == ""


def test_library_line_passes_the_same_processors(out: io.StringIO) -> None:
    logging.getLogger("alembic").warning("upgrade of %s", "postgresql://hub:hunter2@db/hub", extra={"password": "hunter2"})
    line = only_line(out)
    assert line["event"] == "upgrade of postgresql://hub:***@db/hub"
    assert line["password"] == "***"
    assert line["logger"] == "alembic"


@pytest.mark.parametrize(
    "name", ["token", "api_token", "Password", "client_secret", "Authorization", "X-Api-Key", "Set-Cookie", "credentials", "private_key"]
)
def test_value_under_a_name_that_sounds_secret_is_masked(out: io.StringIO, name: str) -> None:
    structlog.get_logger("a").info("opened", **{name: SECRET}, config={name: {"deep": SECRET}, "url": "https://x.example"})
    line = only_line(out)
    assert line[name] == "***"
    assert line["config"] == {name: "***", "url": "https://x.example"}


def test_whether_there_is_a_secret_and_how_many_is_told(out: io.StringIO) -> None:
    structlog.get_logger("a").info("paged", next_page_token=None, has_token=True, tokens=2)
    line = only_line(out)
    assert (line["next_page_token"], line["has_token"], line["tokens"]) == (None, True, 2)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("header Basic bWU6dG9rZW4=", "header Basic ***"),
        ("GET https://api.example/1?key=abc&token=def&page=2", "GET https://api.example/1?key=***&token=***&page=2"),
        ("postgresql+psycopg://hub:pa:ss@db:5432/hub", "postgresql+psycopg://hub:***@db:5432/hub"),
        ('{"password": "hunter2", "user": "me"}', '{"password": "***", "user": "me"}'),
        ("{'api_token': 'hunter2'}", "{'api_token': '***'}"),
        ("connect(password=hunter2, host=db)", "connect(password=***, host=db)"),
        ("key=ERP-12 moved to https://jira.example/browse/ERP-12", "key=ERP-12 moved to https://jira.example/browse/ERP-12"),
        ("basic auth failed", "basic auth failed"),
    ],
)
def test_text_gives_away_no_credentials_by_their_shape(text: str, masked: str) -> None:
    assert log.mask(text) == masked


def test_registered_secret_is_masked_wherever_it_occurs(out: io.StringIO) -> None:
    log.register_secret(SECRET)
    values = {"listed": [SECRET], "keyed": {SECRET: 1}, "error": ValueError(SECRET), "url": "/x?q=s3cr3t-valu3%2B%2F%3D"}
    structlog.get_logger("a").info(f"sent {SECRET}", **values)
    printed = out.getvalue()
    assert SECRET not in printed
    assert "%2B%2F%3D" not in printed
    line = only_line(out)
    assert (line["event"], line["listed"], line["keyed"], line["error"]) == ("sent ***", ["***"], {"***": 1}, "***")


@pytest.mark.parametrize("form", ["json", "console"])
def test_traceback_shows_neither_registered_secret_nor_variables(form: str) -> None:
    stream = io.StringIO()
    log.configure("info", form, stream)
    log.register_secret(SECRET)
    payload = "the-body-of-an-issue"
    try:
        raise RuntimeError(f"refused {SECRET}, {len(payload)} characters")
    except RuntimeError:
        structlog.get_logger("a").exception("run failed")
    printed = stream.getvalue()
    assert "RuntimeError: refused ***, 20 characters" in printed
    assert SECRET not in printed
    assert payload not in printed.replace('payload = "the-body-of-an-issue"', "")


def test_longer_of_two_secrets_is_masked_whole() -> None:
    log.register_secret("secret-part")
    log.register_secret("secret-part-and-more")
    assert log.mask("<secret-part-and-more> <secret-part>") == "<***> <***>"


def test_secret_too_short_to_be_one_blots_out_nothing() -> None:
    log.register_secret("a")
    log.register_secret("")
    assert log.mask("a plain sentence") == "a plain sentence"


def test_payload_shows_as_its_length_and_long_text_is_cut(out: io.StringIO) -> None:
    structlog.get_logger("a").info("read", body=b"{}" * 10, parts=[b"12"], text="x" * 1_001)
    line = only_line(out)
    assert line["body"] == "<20 bytes>"
    assert line["parts"] == ["<2 bytes>"]
    assert line["text"] == "x" * 1_000 + "… <1001 characters>"


def test_request_lines_of_http_libraries_are_quiet(out: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://api.example")
    assert out.getvalue() == ""


def test_warning_of_python_becomes_a_line(out: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert only_line(out)["logger"] == "py.warnings"


def test_configuring_twice_writes_each_line_once(out: io.StringIO) -> None:
    log.configure("info", "json", out)
    structlog.get_logger("a").info("once")
    assert only_line(out)["event"] == "once"


LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.binary()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_masking_twice_masks_no_more_than_once(value: Any) -> None:
    once = log.mask_secrets(None, "info", {"value": value})
    assert log.mask_secrets(None, "info", dict(once)) == once
