"""What an answer means, when it is tried again, and what is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.delivery import (
    DISABLED_AFTER,
    JITTER_SHARE,
    LONGEST_REST,
    RESTS_AFTER,
    SCHEDULE,
    Answer,
    decode_secret,
    encode_secret,
    is_abandoned,
    next_attempt,
    rest_until,
    signed_headers,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_schedule_is_the_documented_one() -> None:
    assert [wait.total_seconds() for wait in SCHEDULE] == [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


@given(st.integers(1, 9), st.floats(0, 1))
def test_jitter_only_adds_and_never_more_than_its_share(attempts: int, draw: float) -> None:
    at = next_attempt(attempts, NOW, Answer(500, 1), draw)
    assert at is not None
    assert SCHEDULE[attempts] <= at - NOW <= SCHEDULE[attempts] * (1 + JITTER_SHARE)


def test_after_the_last_attempt_there_is_none() -> None:
    assert next_attempt(10, NOW, Answer(500, 1), 0.0) is None


def test_retry_after_is_obeyed_where_it_is_longer_and_up_to_a_day() -> None:
    assert next_attempt(1, NOW, Answer(429, 1, retry_after=timedelta(seconds=1)), 0.0) == NOW + timedelta(seconds=5)
    assert next_attempt(1, NOW, Answer(429, 1, retry_after=timedelta(hours=1)), 0.0) == NOW + timedelta(hours=1)
    assert next_attempt(1, NOW, Answer(429, 1, retry_after=timedelta(days=9)), 0.0) == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("answer", "delivered", "gone"),
    [
        (Answer(200, 1), True, False),
        (Answer(299, 1), True, False),
        (Answer(301, 1), False, False),
        (Answer(410, 1), False, True),
        (Answer(500, 1), False, False),
        (Answer(200, 1, error="The connection broke off."), False, False),
        (Answer(None, 1, error="The endpoint did not answer."), False, False),
    ],
)
def test_only_a_whole_answer_of_two_hundred_is_a_delivery(answer: Answer, delivered: bool, gone: bool) -> None:
    assert (answer.is_delivered, answer.is_gone) == (delivered, gone)
    assert (answer.why is None) == delivered


def test_an_endpoint_that_fails_again_and_again_rests_longer_each_time_up_to_a_cap() -> None:
    failed = Answer(500, 1)
    assert rest_until(RESTS_AFTER - 1, NOW, failed) is None
    rests = [rest_until(RESTS_AFTER + n, NOW, failed) for n in range(8)]
    waits = [at - NOW for at in rests if at is not None]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=10), LONGEST_REST)
    assert rest_until(1, NOW, Answer(429, 1, retry_after=timedelta(minutes=9))) == NOW + timedelta(minutes=9)


def test_abandoned_is_only_who_failed_long_and_often() -> None:
    assert not is_abandoned(9, NOW - DISABLED_AFTER, NOW)
    assert not is_abandoned(100, NOW - DISABLED_AFTER + timedelta(seconds=1), NOW)
    assert is_abandoned(10, NOW - DISABLED_AFTER, NOW)


def test_signature_of_the_specifications_example() -> None:
    # https://github.com/standard-webhooks/standard-webhooks: the vector of its reference libraries' tests.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = signed_headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_as_it_was_written(key: bytes) -> None:
    assert decode_secret(encode_secret(key)) == key


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_!!!", encode_secret(bytes(23)), encode_secret(bytes(65)), "MfKQ9r8GKYqrTwjUPD8ILPZIo2La"]
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        decode_secret(text)
