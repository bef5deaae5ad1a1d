"""A credential that ends soon is told beforehand: once by an event and a line in the log, and by a check until there is a new one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from pmo_hub.sdk.contract import Source
from pmo_hub.sdk.errors import TransientError
from pmo_hub.services import connections, credentials, facts
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_source import DeltaConnector, DeltaSource, Wire
from tests.services.connected import CONNECTION, START, Connected


class ExpiringSource(DeltaSource):
    """Says when its token ends, and counts how often it is asked."""

    ends: ClassVar[datetime | None] = None
    asked: ClassVar[int] = 0
    away: ClassVar[bool] = False

    def check(self) -> str:
        if ExpiringSource.away:
            raise TransientError("The tool does not answer.")
        return super().check()

    def credential_expires_at(self) -> datetime | None:
        ExpiringSource.asked += 1
        return self.ends


class ExpiringConnector(DeltaConnector):
    def source(self, wire: Wire) -> Source:
        return ExpiringSource(wire)


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    ExpiringSource.ends, ExpiringSource.asked, ExpiringSource.away = START + timedelta(days=20), 0, False
    made = Connected(work, tmp_path, ExpiringConnector())
    made.sync()
    return made


def check_of(hub: Connected) -> str:
    """What DQ-004 says of the connection."""
    return str(next(row.result for row in hub.rows("evaluations") if row.check_id == "DQ-004" and row.entity_id == CONNECTION))


def test_when_a_credential_ends_is_known_after_a_run_and_asked_every_few_hours(hub: Connected) -> None:
    assert connections.get(hub.hub, CONNECTION).credential_expires_at == ExpiringSource.ends
    assert ExpiringSource.asked == 1
    hub.sync()
    assert ExpiringSource.asked == 1
    hub.now += credentials.ASKED_EVERY
    hub.sync()
    assert ExpiringSource.asked == 2
    assert check_of(hub) == "pass"


def test_it_is_told_once_two_weeks_before_and_the_check_fails_until_it_is_renewed(hub: Connected) -> None:
    assert credentials.warn(hub.hub) == 0
    hub.now += timedelta(days=7)
    with capture_logs() as logged:
        assert [credentials.warn(hub.hub) for _ in range(3)] == [1, 0, 0]
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("connection.credential_expiring", "warning")]
    assert [row.type for row in hub.rows("events") if row.type.startswith("credential.")] == ["credential.expiring"]
    assert check_of(hub) == "fail"
    assert [row.state for row in hub.rows("violations") if row.check_id == "DQ-004"] == ["open"]
    ExpiringSource.ends = hub.now + timedelta(days=365)
    hub.sync()
    assert credentials.warn(hub.hub) == 0
    assert check_of(hub) == "pass"
    assert [row.state for row in hub.rows("violations") if row.check_id == "DQ-004"] == ["resolved"]


def test_the_check_is_asked_again_when_its_own_days_begin_without_any_run(hub: Connected) -> None:
    hub.now += timedelta(days=6, minutes=1)
    facts.expire(hub.hub)
    assert check_of(hub) == "fail"


def test_a_source_that_does_not_say_leaves_the_check_unknown(work: Work, tmp_path: Path) -> None:
    hub = Connected(work, tmp_path, DeltaConnector())
    hub.sync()
    assert check_of(hub) == "unknown"
    assert connections.get(hub.hub, CONNECTION).credential_expires_at is None


def test_a_failing_connection_is_one_line_in_the_log_and_one_when_it_recovers(hub: Connected) -> None:
    with capture_logs() as logged:
        ExpiringSource.away = True
        for _ in range(3):
            assert hub.sync().state == "failed"
        ExpiringSource.away = False
        hub.sync()
        hub.sync()
    told = [entry["event"] for entry in logged if entry["event"].startswith("connection.")]
    assert told == ["connection.failed", "connection.recovered"]
    assert [entry["mode"] for entry in logged if entry["event"].startswith("connection.")] == ["incremental", "incremental"]


def test_an_instant_in_another_zone_is_kept_as_utc() -> None:
    class Zoned:
        def credential_expires_at(self) -> datetime:
            return datetime.fromisoformat("2027-01-01T00:00:00+02:00")

    assert credentials.expiry(Zoned()) == datetime(2026, 12, 31, 22, tzinfo=UTC)  # type: ignore[arg-type]
