"""The config's form: which settings are accepted, and what is said about the others."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from pmo_hub_jira.config import JiraConfig


def config(**values: object) -> JiraConfig:
    return JiraConfig.model_validate({"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t0ken"} | values)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://acme.atlassian.net/", "https://acme.atlassian.net"),
        ("  https://Acme.Atlassian.net ", "https://acme.atlassian.net"),
        ("https://api.atlassian.com/ex/jira/11111111-2222-3333/", "https://api.atlassian.com/ex/jira/11111111-2222-3333"),
        ("http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
    ],
)
def test_an_address_is_kept_in_one_spelling(given: str, kept: str) -> None:
    assert config(url=given).url == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("acme.atlassian.net", "with its scheme"),
        ("ftp://acme.atlassian.net", "with its scheme"),
        ("https://", "names no host"),
        ("https://acme", "no full host name"),
        ("https://acme.atlassian.net/browse/ERP-1", "leave out everything after the host: https://acme.atlassian.net"),
        ("https://acme.atlassian.net/?jql=x", "leave out everything after the host"),
        ("http://acme.atlassian.net", "use https"),
        ("https://jane:pw@acme.atlassian.net", "leave the credential out"),
        ("https://acme.atlassian.net:port", "not a number"),
    ],
)
def test_a_mistyped_address_is_explained(given: str, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        config(url=given)
    (error,) = raised.value.errors()
    assert error["loc"] == ("url",)
    assert words in error["msg"]


@pytest.mark.parametrize("given", ["jane", "jane@acme.example:token", "jane doe@acme.example"])
def test_what_is_no_e_mail_address_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="e-mail address"):
        config(email=given)


def test_the_token_is_a_secret_without_the_blanks_it_was_copied_with() -> None:
    made = config(token=" abc\n")
    assert isinstance(made.token, SecretStr)
    assert made.token.get_secret_value() == "abc"
    assert "abc" not in repr(made)
    with pytest.raises(ValidationError, match="empty"):
        config(token="  ")


def test_numbers_are_bounded_and_unknown_settings_refused() -> None:
    for values in ({"overlap_minutes": 0}, {"concurrency": 0}, {"concurrency": 99}, {"tokn": "x"}):
        with pytest.raises(ValidationError):
            config(**values)


def test_every_setting_draws_its_part_of_the_form() -> None:
    schema = JiraConfig.model_json_schema()
    assert schema["required"] == ["url", "email", "token"]
    assert all(field.get("title") and field.get("description") for field in schema["properties"].values())
    assert schema["properties"]["token"]["format"] == "password"
