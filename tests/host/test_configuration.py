"""A config is parted into what is plain and what is secret, and put together again."""

from __future__ import annotations

import pytest

from pmo_hub.host import configuration
from pmo_hub.host.configuration import BadConfig
from tests.shelf import RIGHT_TOKEN, ShelfConfig, ShelfConnector, config

SHELF = ShelfConnector()


def test_secrets_are_parted_from_the_rest_at_any_depth() -> None:
    found = configuration.checked(SHELF, config(lending={"desk": "back", "password": "hush-hush"}))
    assert found.plain == {"url": "https://shelf.example", "pages": 10, "lending": {"desk": "back"}}
    assert found.secrets == {"token": RIGHT_TOKEN, "lending/password": "hush-hush"}
    assert "hush" not in repr(found)


def test_a_config_put_together_again_is_the_same() -> None:
    found = configuration.checked(SHELF, config(lending={"password": "hush-hush"}))
    assert configuration.checked(SHELF, configuration.joined(found.plain, found.secrets)).model == found.model


def test_putting_together_leaves_the_plain_part_alone() -> None:
    plain = {"lending": {"desk": "front"}}
    configuration.joined(plain, {"lending/password": "hush-hush"})
    assert plain == {"lending": {"desk": "front"}}


def test_a_secret_that_may_be_missing_is_none() -> None:
    found = configuration.checked(SHELF, config())
    assert found.secrets == {"token": RIGHT_TOKEN}
    assert found.plain["lending"] == {"desk": "front", "password": None}


def test_every_wrong_field_is_told_by_its_path_and_without_its_value() -> None:
    with pytest.raises(BadConfig) as raised:
        configuration.checked(SHELF, {"url": "ftp://secret-place", "pages": 1_000, "lending": {"desk": []}})
    faults = {fault.path: fault.message for fault in raised.value.faults}
    assert set(faults) == {("url",), ("token",), ("pages",), ("lending", "desk")}
    assert faults["url",] == "must begin with https://"
    assert "secret-place" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 5}, {"a": 5, "b": {"c": 2, "d": 3}}),
        ({"a": None}, {"b": {"c": 2, "d": 3}}),
        ({"b": {"c": None, "e": 4}}, {"a": 1, "b": {"d": 3, "e": 4}}),
        ({"b": 7}, {"a": 1, "b": 7}),
        ({"a": {"x": None, "y": 1}}, {"a": {"y": 1}, "b": {"c": 2, "d": 3}}),
    ],
)
def test_a_change_is_merged_as_rfc_7396_says(change: dict[str, object], after: dict[str, object]) -> None:
    assert configuration.patched({"a": 1, "b": {"c": 2, "d": 3}}, change) == after


def test_the_form_tells_which_fields_are_secret() -> None:
    assert list(configuration.secret_fields(ShelfConfig.model_json_schema())) == ["token"]


FORM = {
    "required": ["url"],
    "allOf": [
        {"if": {"properties": {"way": {"const": "a"}}}, "then": {"required": ["token"]}},
        {"if": {"properties": {"way": {"const": "b"}}, "required": ["way"]}, "then": {"required": ["user", "password"]}},
    ],
}


@pytest.mark.parametrize(
    ("given", "required"),
    [({}, {"url", "token"}), ({"way": "a"}, {"url", "token"}), ({"way": "b"}, {"url", "user", "password"}), ({"way": "c"}, {"url"})],
)
def test_what_a_form_needs_follows_from_what_is_filled_in(given: dict[str, str], required: set[str]) -> None:
    assert set(configuration.required_fields(FORM, given)) == required
