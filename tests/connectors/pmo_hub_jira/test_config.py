"""The config's form: which settings are accepted, and what is said about the others."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from pmo_hub.host.configuration import checked, joined, patched, secret_fields
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.ways import ApiToken


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
    assert schema["required"] == ["url"]
    assert all(field.get("title") and field.get("description") for field in schema["properties"].values())
    assert set(secret_fields(schema)) == {"token", "client_secret", "password"}


# The ways to sign in

DATA_CENTER = {"url": "https://jira.example.com/jira", "sign_in": "personal_access_token", "token": "p4t"}
COMPLETE: dict[str, dict[str, Any]] = {
    "api_token": {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t0ken"},
    "scoped_token": {"url": "https://acme.atlassian.net", "email": "bot@acme.example", "token": "t0ken"},
    "oauth": {"url": "https://acme.atlassian.net", "client_id": "app", "client_secret": "s3cret"},
    "personal_access_token": {"url": "https://jira.example.com/jira", "token": "p4t"},
    "password": {"url": "https://jira.example.com", "user": "jane", "password": "pw"},
}


@pytest.mark.parametrize("sign_in", COMPLETE)
def test_each_way_takes_its_own_fields_and_the_form_says_which(sign_in: str) -> None:
    given = COMPLETE[sign_in] | {"sign_in": sign_in}
    made = JiraConfig.model_validate(given)
    assert made.way.model_dump(mode="json") == {name: made.model_dump(mode="json")[name] for name in type(made.way).model_fields}
    form = jsonschema.Draft202012Validator(JiraConfig.model_json_schema())
    assert form.is_valid(given)
    for name in type(made.way).model_fields:
        lacking = {key: value for key, value in given.items() if key != name}
        with pytest.raises(ValidationError) as raised:
            JiraConfig.model_validate(lacking)
        assert [(error["loc"], error["type"]) for error in raised.value.errors()] == [((name,), "missing")]
        assert not form.is_valid(lacking)


def test_a_config_stored_before_there_was_a_choice_is_an_api_tokens() -> None:
    stored = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "history": False, "overlap_minutes": 15, "concurrency": 4}
    made = checked(JiraConnector(), joined(stored, {"token": "t0ken"}))
    assert isinstance(made.model, JiraConfig)
    assert isinstance(made.model.way, ApiToken)
    assert made.secrets == {"token": "t0ken"}
    assert stored.items() <= made.plain.items()
    # Stored again as it is read now, it is the same.
    assert checked(JiraConnector(), made.whole) == made


def test_a_connection_that_changes_its_way_drops_the_old_secret() -> None:
    whole = checked(JiraConnector(), COMPLETE["api_token"]).whole
    change = {"sign_in": "oauth", "client_id": "app", "client_secret": "s3cret"}
    made = checked(JiraConnector(), patched(whole, change))
    assert made.secrets == {"client_secret": "s3cret"}
    assert made.plain["email"] is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Jira.Example.com/jira/", "https://jira.example.com/jira"),
        ("https://jira", "https://jira"),
        ("https://jira.example.com:8443/Tools/Jira", "https://jira.example.com:8443/Tools/Jira"),
    ],
)
def test_a_server_may_have_a_context_path_and_a_short_name(given: str, kept: str) -> None:
    assert JiraConfig.model_validate(DATA_CENTER | {"url": given}).url == kept


@pytest.mark.parametrize(
    "given",
    [
        "https://jira.example.com/jira/browse/ERP-1",
        "https://jira.example.com/jira/?x=1",
        "https://jira.example.com/jira/secure/Dashboard.jspa",
    ],
)
def test_a_pages_address_is_cut_down_to_the_servers(given: str) -> None:
    with pytest.raises(ValidationError, match=r"after the context path: https://jira\.example\.com/jira \["):
        JiraConfig.model_validate(DATA_CENTER | {"url": given})


def test_a_server_without_tls_is_refused() -> None:
    with pytest.raises(ValidationError, match="use https"):
        JiraConfig.model_validate(DATA_CENTER | {"url": "http://jira.example.com"})


@pytest.mark.parametrize(
    ("given", "kept"),
    [("", None), (" /etc/ssl/own.pem ", "/etc/ssl/own.pem"), ("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----")],
)
def test_an_authority_is_text_or_a_whole_path(given: str, kept: str | None) -> None:
    assert JiraConfig.model_validate(DATA_CENTER | {"verify": given}).verify == kept
    with pytest.raises(ValidationError, match="PEM"):
        JiraConfig.model_validate(DATA_CENTER | {"verify": "own.pem"})
