"""What payloads mention: the newest version wins, and of equal ones whoever came last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from pmo_hub.domain.records import Identity
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store.mentions import Mentions, merge_mentions
from pmo_hub.store.models.canonical import Identity as IdentityRow
from pmo_hub.store.rows import RowMaker
from pmo_hub.store.unit_of_work import Work

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
NAMES = ("Ada", "Berta", "Cecilia", "Dora", "Emma", "Frida")


def mention(work: Work, name: str, version: str, at: int) -> str | None:
    """The name that is stored after somebody was mentioned under `name`."""
    mentions = Mentions(RowMaker("test"))
    mentions.add([Identity("7", name)], version, True)
    with work.write() as session:
        merge_mentions(session, RecordType.IDENTITY, mentions.rows()[RecordType.IDENTITY], NOW + timedelta(minutes=at))
    with work.read() as session:
        return session.scalar(sa.select(IdentityRow.name))


def test_a_person_who_is_renamed_is_known_by_the_new_name_though_the_issue_tells_no_other_time_of_change(work: Work) -> None:
    # Six names in a row: whichever of them has the greatest row hash must not stay for ever.
    assert [mention(work, name, "2026-11-20", at) for at, name in enumerate(NAMES)] == list(NAMES)


def test_an_older_mention_changes_nothing(work: Work) -> None:
    mention(work, "Ada", "2026-11-20", 0)
    assert mention(work, "Berta", "2026-11-19", 1) == "Ada"
