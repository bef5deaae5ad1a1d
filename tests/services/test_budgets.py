"""What an account may still ask is one budget, whichever process asks and whichever looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pmo_hub.host.session import Throttles, open_source
from pmo_hub.sdk.quota import Quota
from pmo_hub.services import connections, sync
from pmo_hub.store.repositories.throttles import Ledgers
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_source import DeltaConnector
from tests.services.connected import CONNECTION, Connected


def test_a_refusal_in_one_process_slows_the_others_and_all_show_it(work: Work, tmp_path: Path) -> None:
    house = Connected(work, tmp_path, DeltaConnector())
    mine, theirs = (replace(house.hub, throttles=Throttles(ledgers=Ledgers(work, name))) for name in ("one", "two"))
    assert sync.run(mine, sync.request(mine, CONNECTION)).state == "finished"
    declared = DeltaConnector.rate_limit.concurrency
    whole = connections.get(theirs, CONNECTION).budget
    assert (whole.most_at_once, whole.at_once, whole.refused_reason) == (declared, declared, None)
    with open_source(mine, house.stored()) as opened:
        opened.context.throttled.penalise(0.0, "jira-burst-based", "GET /x")
        opened.context.throttled.note(Quota(65_000, 41, 30.0))
        with opened.context.throttle():
            pass
    for hub in (mine, theirs):
        seen = connections.get(hub, CONNECTION).budget
        assert (seen.at_once, seen.refused_reason, seen.limit, seen.remaining) == (declared // 2, "jira-burst-based", 65_000, 41)
    # Slower, but not stopped: a burst closes one endpoint only.
    house.now = house.now.replace(minute=30)
    assert sync.run(theirs, sync.request(theirs, CONNECTION)).state == "finished"


def test_a_source_that_one_process_was_told_to_leave_alone_is_left_alone_by_the_others(work: Work, tmp_path: Path) -> None:
    house = Connected(work, tmp_path, DeltaConnector())
    mine, theirs = (replace(house.hub, throttles=Throttles(ledgers=Ledgers(work, name))) for name in ("one", "two"))
    with open_source(mine, house.stored()) as opened:
        opened.context.throttled.penalise(900.0, "jira-quota-tenant-based")
    run = sync.run(theirs, sync.request(theirs, CONNECTION), attempt=1)
    assert run.state == "waiting"
    assert "asked to be left alone" in (run.error or "")
    assert run.waiting_until is not None
    assert (run.waiting_until - house.now).total_seconds() > 600
