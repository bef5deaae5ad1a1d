"""Durations, lags, money, dates: what each text of a file stands for, and that nothing else does."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub_mspdi.durations import Clock, base_format, is_elapsed, lag_hours, lag_text
from pmo_hub_mspdi.values import flag, hours_of, moment_of, money_of, number_of, text

CLOCK = Clock()


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("PT8H0M0S", 8.0), ("PT824H0M0S", 824.0), ("PT0H0M0S", 0.0), ("PT18H40M0S", 18 + 2 / 3), ("PT2H0M5.07S", 2 + 5.07 / 3600),
        ("P1D", 24.0), ("P1DT1H", 25.0), ("-PT4H0M0S", -4.0), ("PT30M", 0.5),
        ("", None), ("PT", None), ("P", None), ("P1Y", None), ("P1M", None), ("8h", None), ("PTxH", None), ("PT" + "9" * 70 + "H", None),
        ("PT99999999999H", None), (None, None),
    ],
)  # fmt: skip
def test_a_duration_is_hours(written: str | None, hours: float | None) -> None:
    assert hours_of(written) == (None if hours is None else pytest.approx(hours))


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59))
def test_every_duration_that_a_tool_writes_is_read(hours: int, minutes: int, seconds: int) -> None:
    assert hours_of(f"PT{hours}H{minutes}M{seconds}S") == pytest.approx(hours + minutes / 60 + seconds / 3600)


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader(written: str) -> None:
    for read in (hours_of, moment_of, money_of, number_of):
        read(written)


@pytest.mark.parametrize(
    ("written", "amount"),
    [("29908.45", "299.0845"), ("-100", "-1"), ("0", "0"), ("0.00", "0"), ("x", None), ("NaN", None), ("Infinity", None), ("1e40", None)],
)
def test_money_is_written_in_hundredths(written: str, amount: str | None) -> None:
    assert money_of(written) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-03-02T08:00:00", datetime(2026, 3, 2, 8)),  # noqa: DTZ001
        ("2005-05-23T19:57:35.176", datetime(2005, 5, 23, 19, 57, 35)),  # noqa: DTZ001
        ("1970-01-01T01:00:00", None), ("1984-01-01T00:00:00", None), ("0001-01-01T00:00:00", None), ("9999-12-31T00:00:00", None),
        ("NA", None), ("", None), ("31.12.2026", None),
    ],
)  # fmt: skip
def test_a_date_is_what_the_clock_showed_and_stand_ins_are_none(written: str, at: datetime | None) -> None:
    assert moment_of(written) == at


def test_an_element_that_is_repeated_or_empty_has_its_first_text_or_none() -> None:
    assert text({"Name": ["a", "b"]}, "Name") == "a"
    assert text({"Name": "  "}, "Name") is None
    assert text({"Name": {"x": "y"}}, "Name") is None
    assert flag({}, "Summary") is None


@pytest.mark.parametrize(
    ("lag", "format", "hours", "shown"),
    [
        (4800, 7, 8.0, "+1d"), (-72000, 7, -120.0, "-15d"), (0, 7, 0.0, ""), (9600, 9, 16.0, "+0.4w"), (600, 5, 1.0, "+1h"),
        (600, 3, 1.0, "+60min"), (9600, 11, 16.0, "+0.1mo"), (4800, None, 8.0, "+8h"), (4800, 39, 8.0, "+1d"),
        (14400, 8, 24.0 * 40 / 168, "+1ed"), (50, 19, 20.0, "+50%"), (-25, 51, -10.0, "-25%"), (50, 20, 20.0 * 40 / 168, "+50e%"),
    ],
)  # fmt: skip
def test_a_lag_is_working_hours_by_its_unit(lag: float, format: int | None, hours: float, shown: str) -> None:
    """The predecessor takes 40 hours; of time that passes, 40 of the 168 hours of a week are worked."""
    assert lag_hours(lag, format, 40.0, CLOCK) == pytest.approx(hours)
    assert lag_text(lag, format, CLOCK) == shown


def test_a_share_of_a_predecessor_without_duration_is_unknown() -> None:
    assert lag_hours(50, 19, None, CLOCK) is None
    assert lag_hours(0, 19, None, CLOCK) == 0.0


@given(st.sampled_from([3, 5, 7, 9, 11]), st.integers(-10_000, 10_000), st.booleans())
def test_a_lag_in_any_unit_of_work_comes_back(format: int, amount: int, estimated: bool) -> None:
    clock = Clock(450.0, 2250.0, 18.0)
    unit = {3: 1 / 60, 5: 1.0, 7: 7.5, 9: 37.5, 11: 18 * 7.5}[format]
    written = amount * unit * 600
    assert lag_hours(written, format + 32 * estimated, None, clock) == pytest.approx(amount * unit)
    assert lag_text(written, format, clock) == (
        "" if not amount else f"{amount:+.6g}" + {3: "min", 5: "h", 7: "d", 9: "w", 11: "mo"}[format]
    )


@pytest.mark.parametrize(("format", "base"), [(7, 7), (39, 7), (52, 20), (21, None), (53, None), (None, None), (99, None)])
def test_the_mark_of_an_estimate_is_taken_off(format: int | None, base: int | None) -> None:
    assert base_format(format) == base
    assert is_elapsed(format) is (base == 20)
