"""Secrets at rest: bound to their place, told apart by key."""

from __future__ import annotations

import pytest

from pmo_hub.store.secrets import SecretBox, Tampered, UnknownKey

OLD = bytes(range(32))
NEW = bytes(range(32, 64))
PLACE = ("connections", "a" * 32, "secrets")


def test_what_was_sealed_is_opened_in_its_place() -> None:
    box = SecretBox([OLD])
    assert box.open(box.seal(b"s3cret", *PLACE), *PLACE) == b"s3cret"


def test_sealing_twice_gives_two_texts_and_neither_shows_the_secret() -> None:
    box = SecretBox([OLD])
    first, second = box.seal(b"s3cret-value", *PLACE), box.seal(b"s3cret-value", *PLACE)
    assert first != second
    assert b"s3cret" not in first + second


@pytest.mark.parametrize(
    "elsewhere",
    [("credentials", "a" * 32, "secrets"), ("connections", "b" * 32, "secrets"), ("connections", "a" * 32, "config"),
     ("connections" + "a", "a" * 31, "secrets")],
    ids=["another table", "another row", "another column", "the same letters parted elsewhere"],
)  # fmt: skip
def test_a_secret_moved_to_another_place_is_refused(elsewhere: tuple[str, str, str]) -> None:
    box = SecretBox([OLD])
    with pytest.raises(Tampered):
        box.open(box.seal(b"s3cret", *PLACE), *elsewhere)


def test_any_changed_byte_is_noticed() -> None:
    box = SecretBox([OLD])
    sealed = box.seal(b"s3cret", *PLACE)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises((Tampered, UnknownKey)):
            box.open(bytes(changed), *PLACE)


@pytest.mark.parametrize("length", [0, 1, 8, 20, 25])
def test_a_cut_secret_is_noticed(length: int) -> None:
    box = SecretBox([OLD])
    with pytest.raises((Tampered, UnknownKey)):
        box.open(box.seal(b"s3cret", *PLACE)[:length], *PLACE)


def test_after_a_rotation_old_secrets_open_and_new_ones_take_the_newest_key() -> None:
    old = SecretBox([OLD]).seal(b"s3cret", *PLACE)
    box = SecretBox([NEW, OLD])
    assert box.open(old, *PLACE) == b"s3cret"
    assert box.is_outdated(old)
    renewed = box.seal(b"s3cret", *PLACE)
    assert not box.is_outdated(renewed)
    assert SecretBox([NEW]).open(renewed, *PLACE) == b"s3cret"


def test_a_key_that_was_not_given_is_named_without_being_shown() -> None:
    sealed = SecretBox([OLD]).seal(b"s3cret", *PLACE)
    with pytest.raises(UnknownKey) as raised:
        SecretBox([NEW]).open(sealed, *PLACE)
    text = str(raised.value)
    assert sealed[1:9].hex() in text
    assert "start it with that key" in text
    assert OLD.hex() not in text
    assert "s3cret" not in text


def test_a_box_tells_nothing_of_its_keys() -> None:
    box = SecretBox([OLD, NEW])
    assert OLD.hex() not in repr(box)
    assert str(OLD) not in repr(box)


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
def test_a_box_without_whole_keys_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretBox(keys)
