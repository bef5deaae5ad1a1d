"""Sending to an endpoint that behaves, and to one that does not, on both engines."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pmo_hub.domain.delivery import SCHEDULE
from pmo_hub.host.posting import Poster
from pmo_hub.services import subscriptions
from pmo_hub.store.models.governance import Event
from pmo_hub.store.models.outgoing import Lane, Subscription
from pmo_hub.store.unit_of_work import Work
from tests.receiver import Received, Reply, receiving
from tests.services.governed import CONNECTION, NOON
from tests.services.told import Told


@pytest.fixture
def told(work: Work, tmp_path: Path) -> Told:
    return Told(work, tmp_path, timeout_s=1.0)


def states(told: Told, subscription: str) -> list[str]:
    return [row["state"] for row in told.deliveries(subscription)]


def test_a_violation_is_delivered_once_signed_and_as_the_specification_says(told: Told) -> None:
    told.now = datetime.now(UTC)  # the library that verifies looks at the clock on the wall
    with receiving() as receiver:
        made = told.subscribe(f"{receiver.url}/hook?a=b", types=("violation.opened",))
        subscription = made.info.stored.id
        project = told.project("ERP")
        told.refresh(project)
        told.send(subscription)
        assert told.drive(subscription) == 0
    sent = [one for one in receiver.got if one.json["data"]["check_id"] == "GOV-001"]
    assert len(sent) == 1
    [one] = sent
    assert one.path == "/hook?a=b"
    assert one.headers["content-type"] == "application/json"
    body = Webhook(made.secret).verify(one.body, dict(one.headers))
    violation = told.violation("GOV-001")
    assert body == {
        "type": "violation.opened", "timestamp": told.now.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": one.id, "sequence": 1, "link": f"https://hub.example/api/v1/violations/{violation['id']}",
            "entity": {"type": "violation", "id": violation["id"]}, "project_id": project, "portfolio_ids": [], "severity": "high",
            "check_id": "GOV-001", "owner_id": None, "subject": "No accountable sponsor", "message": violation["message"],
            "project_name": "ERP",
            "details": {"check_id": "GOV-001", "entity_type": "project", "entity_id": project, "project_id": project, "sub_key": "",
                        "severity": "high", "state": "open", "cause": "data_change"},
        },
    }  # fmt: skip
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(one.body.replace(b"GOV-001", b"GOV-002"), dict(one.headers))
    assert set(states(told, subscription)) == {"delivered"}


def test_secrets_overlap_while_they_are_rotated(told: Told) -> None:
    told.now = datetime.now(UTC)
    with receiving() as receiver:
        first = told.subscribe(receiver.url)
        id = first.info.stored.id
        second = subscriptions.rotate(told.hub, id, 24, "test")
        assert second.secret != first.secret
        told.happened("sync.failed", CONNECTION)
        told.send(id)
        for secret in (first.secret, second.secret):
            Webhook(secret).verify(receiver.got[0].body, dict(receiver.got[0].headers))
        former = next(one for one in second.info.secrets if one.until is not None)
        subscriptions.drop_secret(told.hub, id, former.id, "test")
        told.happened("sync.recovered", CONNECTION)
        told.send(id)
    Webhook(second.secret).verify(receiver.got[1].body, dict(receiver.got[1].headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(first.secret).verify(receiver.got[1].body, dict(receiver.got[1].headers))


def test_secrets_are_encrypted_at_rest_and_told_once(told: Told) -> None:
    with receiving() as receiver:
        made = told.subscribe(f"{receiver.url}/path/with-a-token")
    [row] = told.rows(Subscription)
    assert made.secret.encode() not in row["sealed"]
    assert b"with-a-token" not in row["sealed"]
    assert made.secret not in repr(made)
    assert made.secret not in repr(subscriptions.get(told.hub, made.info.stored.id))


def test_what_fails_is_tried_again_on_the_schedule_and_dead_in_the_end(told: Told) -> None:
    with receiving(lambda _: Reply(500, body=b"no\x00 luck")) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        event = told.happened("sync.failed", CONNECTION)
        told.dispatch()
        waits = []
        while told.deliveries(id)[0]["state"] == "waiting":
            assert told.drive(id) == 1
            [row] = told.deliveries(id)
            lane = told.lane(id)
            following = max(row["due_at"], lane["rest_until"] or row["due_at"])
            waits.append(row["due_at"] - told.now)
            assert told.drive(id) == 0  # it is not due yet
            told.now = following
    assert waits[:-1] == list(SCHEDULE[1:])
    assert receiver.ids == [event] * len(SCHEDULE)
    assert [(one["number"], one["status"], one["excerpt"]) for one in told.attempts()] == [
        (number, 500, "no luck") for number in range(1, 11)
    ]
    assert row["last_error"] == "The endpoint answered 500."


def test_retry_after_is_obeyed_and_the_endpoint_left_alone_until_then(told: Told) -> None:
    def busy(_: Received) -> Reply:
        return Reply(429, {"Retry-After": "600"})

    with receiving(busy) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        for number in range(30):
            told.happened("sync.failed", f"{number:032}")
        tried = told.send(id)
        assert 1 <= tried <= 8, "what was under way when the first answer came, and nothing more"
        assert told.lane(id)["rest_until"] == told.now + timedelta(seconds=600)
        told.now += timedelta(seconds=599)
        assert told.drive(id) == 0
        receiver.behave = lambda _: Reply()
        told.now += timedelta(seconds=1)
        told.drive(id)
    assert states(told, id) == ["delivered"] * 30


def test_retry_after_as_a_date(told: Told) -> None:
    with receiving(lambda _: Reply(503, {"Retry-After": "Mon, 23 Nov 2026 13:00:00 GMT"})) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        told.happened("sync.failed", CONNECTION)
        told.send(id)
    assert told.deliveries(id)[0]["due_at"] == NOON + timedelta(hours=1)


def test_gone_disables_buries_what_waits_and_tells_the_others(told: Told) -> None:
    with receiving(lambda _: Reply(410)) as receiver, receiving() as other:
        id = told.subscribe(receiver.url).info.stored.id
        admins = told.subscribe(other.url, "Admins", types=("subscription.*",)).info.stored.id
        told.happened("sync.failed", CONNECTION)
        told.happened("sync.recovered", CONNECTION)
        told.send(id)
        assert len(receiver.got) == 1
        found = subscriptions.get(told.hub, id).stored
        assert (found.state, found.disabled_reason) == ("disabled", "The endpoint answered 410: it wants nothing any more.")
        assert states(told, id) == ["dead", "dead"]
        told.happened("sync.failed", CONNECTION)
        told.send(id, admins)
        assert len(receiver.got) == 1
    assert [one.json["type"] for one in other.got] == ["subscription.disabled"]
    assert other.got[0].json["data"]["entity"] == {"type": "subscription", "id": id}


def test_an_endpoint_that_takes_nothing_for_days_is_disabled(told: Told) -> None:
    with receiving(lambda _: Reply(503)) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        for number in range(40):
            told.happened("sync.failed", f"{number:032}")
        told.dispatch()
        begun = told.now
        while told.now - begun < timedelta(days=4):
            told.drive(id)
            told.now += timedelta(hours=6)
        assert subscriptions.get(told.hub, id).stored.state == "active"
        while told.now - begun < timedelta(days=6):
            told.drive(id)
            told.now += timedelta(hours=6)
    assert subscriptions.get(told.hub, id).stored.state == "disabled"
    assert set(states(told, id)) == {"dead"}
    assert "subscription.disabled" in {row["type"] for row in told.rows(Event)}


def test_redirects_are_not_followed(told: Told) -> None:
    with receiving() as elsewhere, receiving(lambda _: Reply(302, {"Location": elsewhere.url})) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        told.happened("sync.failed", CONNECTION)
        told.send(id)
    assert (len(receiver.got), len(elsewhere.got)) == (1, 0)
    assert told.deliveries(id)[0]["last_error"] == "The endpoint answered 302; redirects are not followed."


def test_an_answer_that_breaks_off_is_no_answer(told: Told) -> None:
    with receiving(lambda _: Reply(200, body=b"half", breaks=True)) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        event = told.happened("sync.failed", CONNECTION)
        told.send(id)
        assert told.deliveries(id)[0]["last_error"].startswith("The connection broke off")
        receiver.behave = lambda _: Reply(200)
        told.now += timedelta(seconds=5)
        told.drive(id)
    assert receiver.ids == [event, event]
    assert states(told, id) == ["delivered"]


def test_an_endpoint_that_is_down_or_slow_is_tried_again(told: Told) -> None:
    with receiving() as receiver:
        url = receiver.url
    id = told.subscribe(url).info.stored.id
    told.happened("sync.failed", CONNECTION)
    told.send(id)
    assert told.deliveries(id)[0]["last_error"].startswith("The endpoint can't be reached")
    hold = threading.Event()
    with receiving(lambda _: Reply(200, hold=hold)) as slow:
        other = told.subscribe(slow.url, "Slow").info.stored.id
        told.happened("sync.failed", CONNECTION)
        told.send(other)
        hold.set()
    assert told.deliveries(other)[0]["last_error"] == "The endpoint did not answer within 1 s."


def test_a_name_that_stands_for_loopback_is_refused_when_it_is_connected_to(told: Told) -> None:
    with receiving() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        told.hub = replace(told.hub, poster=Poster((), 1.0, lambda host, port: ["127.0.0.1"]))
        id = told.subscribe(f"https://looks-public.example:{port}").info.stored.id
        told.happened("sync.failed", CONNECTION)
        told.send(id)
    assert receiver.got == []
    assert "not public" in told.deliveries(id)[0]["last_error"]


def test_of_an_entity_nothing_overtakes_what_waits(told: Told) -> None:
    refused: set[str] = set()

    def refuse(one: Received) -> Reply:
        return Reply(500) if one.id in refused else Reply()

    with receiving(refuse) as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        first = [told.happened(type, CONNECTION) for type in ("sync.failed", "sync.recovered", "sync.failed")]
        other = told.happened("sync.failed", "f" * 32)
        refused.add(first[0])
        told.send(id)
        assert receiver.ids == [first[0], other] or receiver.ids == [other, first[0]]
        refused.clear()
        told.now += timedelta(seconds=5)
        told.drive(id)
    assert [one for one in receiver.ids if one != other] == [first[0], *first]
    sequences = [one.json["data"]["sequence"] for one in receiver.got if one.id in first]
    assert sequences == [1, 1, 2, 3]


def test_a_lane_is_walked_by_one_process_and_a_dead_ones_is_taken_over(told: Told) -> None:
    with receiving() as receiver:
        id = told.subscribe(receiver.url).info.stored.id
        told.happened("sync.failed", CONNECTION)
        told.dispatch()
        with told.work.write() as session:
            lane = session.get_one(Lane, id)
            lane.holder, lane.fence, lane.expires_at = "elsewhere|1|x", 7, told.now + timedelta(seconds=60)
        assert told.drive(id) == 0
        told.now += timedelta(seconds=61)
        assert told.drive(id) == 1
    assert told.lane(id)["fence"] == 8


def test_what_is_confidential_is_told_thinly(told: Told) -> None:
    with receiving() as receiver:
        id = told.subscribe(receiver.url, types=("violation.opened",)).info.stored.id
        told.refresh(told.project("Secret Thing", classification="confidential"))
        told.send(id)
    assert receiver.got
    for one in receiver.got:
        assert set(one.json) == {"type", "timestamp", "data"}
        assert set(one.json["data"]) == {"id", "sequence", "link"}
        assert b"Secret" not in one.body


def test_a_paused_subscription_gets_later_what_happened_meanwhile(told: Told) -> None:
    with receiving() as receiver:
        made = told.subscribe(receiver.url)
        id = made.info.stored.id
        paused = subscriptions.change(told.hub, id, {"state": "paused"}, "test", made.info.stored.updated_at)
        event = told.happened("sync.failed", CONNECTION)
        assert told.send(id) == 0
        told.now += timedelta(hours=1)
        subscriptions.change(told.hub, id, {"state": "active"}, "test", paused.stored.updated_at)
        assert told.send(id) == 1
    assert receiver.ids == [event]
