"""The suite on a source that is nothing like Jira: it passes on three sound connectors, and catches each of a row of broken ones."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from pmo_hub.domain.records import Comment, Dependency, WorkItem
from pmo_hub.sdk.contract import (
    Capability,
    Gone,
    Listing,
    Mapped,
    Mapper,
    Mode,
    Page,
    Partition,
    Payload,
    Reason,
    Ref,
    Reference,
    Scope,
    Source,
    State,
)
from pmo_hub.sdk.errors import AuthError, ConfigError, StateError, TransientError
from pmo_hub.sdk.testing import ConnectorSuite, Fault
from pmo_hub.sdk.testing_hooks import Deliveries
from tests.sdk.fake_site import TOKEN, FakeSite
from tests.sdk.fake_source import DeltaConnector, DeltaSource, FakeConnector, GroupConnector, GroupSource, UploadConnector, Wire


class FakeSuite(ConnectorSuite):
    """The ports that the three faces share."""

    make: ClassVar[type[FakeConnector]]
    page_size: ClassVar[int] = 3

    def setup_method(self) -> None:
        self.site = FakeSite.sample(self.page_size)
        self._connector = self.make(self.site)

    @property
    def connector(self) -> FakeConnector:
        return self._connector

    def config(self) -> dict[str, Any]:
        return {"address": "https://fake.example", "token": TOKEN}

    def scopes(self) -> list[str]:
        return ["P1", "P2", "P3"]

    def edit(self) -> Ref:
        return self.site.put("task", "P1-T2", title="Renamed", labels=["blue"])

    def add(self) -> Ref:
        return self.site.put_task("P2-T9", "P2")

    def remove(self) -> Ref:
        return self.site.remove("task", "P1-T1")

    def move(self) -> Ref:
        return self.site.put("task", "P1-T1", project="P3")

    def lose(self) -> str:
        self.site.hidden.add("P2")
        return "P2"

    def fault(self, kind: Fault) -> AbstractContextManager[None]:
        return self.site.failing(kind)


class TestDeltas(FakeSuite):
    make = DeltaConnector

    def expire(self) -> None:
        self.site.expire()


class TestGroups(FakeSuite):
    make = GroupConnector

    # Its state is a marker that is compared, and no token that could be refused.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]


class TestUploads(FakeSuite):
    make = UploadConnector

    def files(self) -> dict[str, bytes]:
        return {f"{p}.plan": self.site.export(p) for p in ("P1", "P2", "P3")}

    def edit(self) -> Ref:
        return Ref("task", f"P1/{super().edit().external_id}")

    def add(self) -> Ref:
        return Ref("task", f"P2/{super().add().external_id}")

    def remove(self) -> Ref:
        return Ref("task", f"P1/{super().remove().external_id}")

    # A file is no server: nothing is signed in to, limited, refused or cut, and an id is the file's own.
    test_a_refused_credential_is_an_auth_error = None  # type: ignore[assignment]
    test_a_rate_limit_is_transient_and_says_for_how_long = None  # type: ignore[assignment]
    test_a_failing_server_is_transient = None  # type: ignore[assignment]
    test_a_cut_answer_is_transient = None  # type: ignore[assignment]
    test_a_web_page_is_a_config_error = None  # type: ignore[assignment]
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]
    test_a_lost_scope_leaves_the_others_readable = None  # type: ignore[assignment]
    test_a_move_between_scopes_arrives = None  # type: ignore[assignment]


# The broken ones. Each is the sound connector with one mistake that an author may make.


class Broken(FakeConnector):
    """Delta by delta, through a source with a mistake."""

    name = "fake_broken"
    title = "Fake, broken"
    capabilities = DeltaConnector.capabilities
    census_kinds: ClassVar[tuple[str, ...]] = DeltaConnector.census_kinds
    broken: ClassVar[type[DeltaSource] | type[GroupSource]] = DeltaSource

    def source(self, wire: Wire) -> Source:
        return self.broken(wire)


class Forgetful(DeltaSource):
    """Never says how far it has read."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            yield replace(page, state={})


class Trespassing(DeltaSource):
    """Writes a key of nobody's partition."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            yield replace(page, state={**page.state, "lastrun": "1"})


class Peeking(DeltaSource):
    """Hands every partition the whole state."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        return [replace(p, state=dict(state)) for p in super().partitions(scopes, state, mode)]


class Hasty(DeltaSource):
    """Takes what it resumes from for the page that was read last, not the one to read next."""

    def read(self, partition: Partition) -> Iterator[Page]:
        pages = super().read(partition)
        if f"{partition.name}/page" in partition.state:
            next(pages, None)
        yield from pages


class TooEarly(DeltaSource):
    """Says with its first page that the whole of a back-fill is there."""

    def read(self, partition: Partition) -> Iterator[Page]:
        covered = {f"{s}/{partition.name}": "covered" for s in partition.scopes}
        for page in super().read(partition):
            yield replace(page, state={**page.state, **covered, f"{partition.name}/page": None, f"{partition.name}/token": "1.999"})


class Blinkered(DeltaSource):
    """Takes a scope that was chosen later for covered."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        found = super().partitions(scopes, state, mode)
        return [replace(p, state={**p.state, **{f"{s}/{p.name}": "1" for s in scopes}}) if p.state else p for p in found]


class Collective(DeltaSource):
    """Keeps what is covered in one value, which stays when a scope is dropped."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        found = []
        for p in super().partitions(scopes, state, mode):
            covered = json.loads(state.get(f"{p.name}/covered", "[]"))
            found.append(replace(p, state={**p.state, **{f"{s}/{p.name}": "1" for s in covered}}))
        return found

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            yield replace(page, state={**page.state, f"{partition.name}/covered": json.dumps(partition.scopes)})


class Hoarding(DeltaSource):
    """Keeps the ids that it has seen in one state value."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            yield replace(page, state={**page.state, f"{partition.name}/seen": "x" * 70_000})


class Growing(DeltaSource):
    """Leaves a key behind with every poll."""

    def read(self, partition: Partition) -> Iterator[Page]:
        yield from super().read(partition)
        yield Page(state={f"{partition.name}/run{len(partition.state)}": "done"})


class Duplicating(DeltaSource):
    """Reads the links in the partition of the tasks too."""

    def read(self, partition: Partition) -> Iterator[Page]:
        yield from super().read(partition)
        if partition.name == "task":
            answer = self.wire.get("rows/link", projects=",".join(partition.scopes), after="")
            yield Page(self.split("link", answer["rows"])[0])


class Sharing(DeltaSource):
    """Keeps which partition it reads in the source, not in the iterator."""

    def read(self, partition: Partition) -> Iterator[Page]:
        self.current = partition
        for page in super().read(partition):
            yield page if self.current is partition else Page(state=page.state)


class SingleThreaded(DeltaSource):
    """Sees nothing from any thread but the one that opened it."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.opener = threading.get_ident()

    def read(self, partition: Partition) -> Iterator[Page]:
        if threading.get_ident() == self.opener:
            yield from super().read(partition)


class Fickle(DeltaSource):
    """Adds to each payload what has nothing to do with it."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            context = {"request": str(len(self.wire.site.asked))}
            yield replace(page, payloads=[replace(p, context=context) for p in page.payloads])


class Stale(DeltaSource):
    """Leaves out what it handed over before, whatever has become of it."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            if f"{partition.name}/token" in partition.state:
                yield replace(page, payloads=[p for p in page.payloads if p.ref.external_id == "P2-T9"])
            else:
                yield page


class Incurious(DeltaSource):
    """Leaves out of a poll what it never handed over before."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            if f"{partition.name}/token" in partition.state:
                yield replace(page, payloads=[p for p in page.payloads if p.ref.external_id != "P2-T9"])
            else:
                yield page


class Swallowing(DeltaSource):
    """Takes a token that is refused for one without news."""

    def read(self, partition: Partition) -> Iterator[Page]:
        try:
            yield from super().read(partition)
        except StateError:
            return


class Shrugging(DeltaSource):
    """Passes over a scope that has vanished."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        there = [p["id"] for p in self.wire.get("projects")]
        return super().partitions([s for s in scopes if s in there], state, mode)


class Inventive(DeltaSource):
    """Fetches something for any id."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        for page in super().fetch(refs):
            yield Page([*page.payloads, *(Payload(g.ref, "P1", b"{}") for g in page.gone)])


class Mute(DeltaSource):
    """Says nothing of who it is."""

    def check(self) -> str:
        super().check()
        return ""


class Repeating(DeltaSource):
    """Offers a scope twice."""

    def scopes(self) -> Iterator[Scope]:
        yield from super().scopes()
        yield from super().scopes()


class Deaf(DeltaSource):
    """Does not pass on what the source says is deleted, and lists nothing."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            yield replace(page, gone=())

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        yield from ()


class Eager(DeltaSource):
    """Reports a row that moved as deleted."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            moved = [p.ref for p in page.payloads if p.ref == Ref("task", "P1-T1") and p.scope == "P3"]
            stay = [p for p in page.payloads if p.ref not in moved]
            yield replace(page, payloads=stay, gone=[*page.gone, *(Gone(r, Reason.DELETED) for r in moved)])


class Partless(DeltaSource):
    """Fetches tasks without their steps and notes."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        for page in super().fetch(refs):
            yield replace(page, payloads=[p for p in page.payloads if p.part_of is None])


class Embellishing(DeltaSource):
    """Fetches other bytes than it reads."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        for page in super().fetch(refs):
            yield replace(page, payloads=[replace(p, body=p.body + b" ") for p in page.payloads])


class Stating(DeltaSource):
    """Writes state where no partition is read."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        for page in super().fetch(refs):
            yield replace(page, state={"task/fetched": "1"})


class Silent(DeltaSource):
    """Does not say what fetch didn't find."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        for page in super().fetch(refs):
            yield replace(page, gone=())


class Strict(DeltaSource):
    """Fails on an id that is not there."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        for page in super().fetch(refs):
            if page.gone:
                raise KeyError(page.gone[0].ref.external_id)
            yield page


class ShortSighted(DeltaSource):
    """Lists the first scope only."""

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for listing in super().census(scopes[:1]):
            yield replace(listing, scopes=tuple(scopes))


class Endless(DeltaSource):
    """Lists without a last listing."""

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for listing in super().census(scopes):
            yield replace(listing, last=False)


class Unbounded(DeltaSource):
    """Lists everything at once."""

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        yield Listing("task", tuple(scopes), [f"T{i}" for i in range(5_001)], True)


class Trusting(DeltaSource):
    """Takes a failing server for one that has no more rows."""

    def read(self, partition: Partition) -> Iterator[Page]:
        try:
            yield from super().read(partition)
        except TransientError:
            return


class Blaming(DeltaSource):
    """Takes a refused credential for something that passes."""

    def check(self) -> str:
        try:
            return super().check()
        except (AuthError, ConfigError) as error:
            raise TransientError("Something went wrong.") from error


class Impatient(DeltaSource):
    """Does not pass on for how long the source wants to be left alone."""

    def check(self) -> str:
        try:
            return super().check()
        except TransientError as error:
            raise TransientError(str(error)) from None


class Talkative(DeltaSource):
    """Tells the admin the token."""

    def check(self) -> str:
        return f"{super().check()} The token is {TOKEN}."


class Logging(DeltaSource):
    """Logs its requests with the token."""

    def check(self) -> str:
        logging.getLogger("fake.requests").debug("GET /whoami?token=%s", TOKEN)
        return super().check()


class Wandering(DeltaSource):
    """Names the site by what was asked of it last."""

    def namespace(self) -> str:
        return f"{super().namespace()}/{len(self.wire.site.asked)}"


class Shuffling(DeltaSource):
    """Gives its reference in another order each time."""

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        for reference in super().reference(scopes):
            yield replace(reference, body=reference.body + b" " * len(self.wire.site.asked))


class Renaming(DeltaSource):
    """Names its partitions anew each time."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        run = len(self.wire.site.asked)
        self.wire.get("projects")
        return [replace(p, name=f"{p.name}{run}") for p in super().partitions(scopes, state, mode)]

    def read(self, partition: Partition) -> Iterator[Page]:
        yield from super().read(replace(partition, name=partition.name.rstrip("0123456789")))


class Unclosed(GroupSource):
    """Never says that a group is complete."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            group = None if page.group is None else replace(page.group, last=False)
            yield replace(page, group=group, state={})


class Premature(GroupSource):
    """Saves the marker with the first page of a group."""

    def read(self, partition: Partition) -> Iterator[Page]:
        for page in super().read(partition):
            yield replace(page, state={f"{partition.name}/marker": "1"})


class HalfGroup(GroupSource):
    """Fetches a member of a group by itself."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        wanted = set(refs)
        for page in super().fetch(refs):
            yield replace(page, payloads=[p for p in page.payloads if p.ref in wanted], group=None)


def broken(source: type[DeltaSource] | type[GroupSource]) -> type[FakeConnector]:
    base = GroupConnector if issubclass(source, GroupSource) else DeltaConnector
    return type(source.__name__, (Broken,), {"broken": source, "capabilities": base.capabilities, "census_kinds": base.census_kinds})


class MappingWrong(Broken):
    """Maps soundly, but for `spoil`."""

    def mapper(self, references: Sequence[Reference], rules: Any) -> Mapper:
        sound = super().mapper(references, rules)
        return lambda payload: self.spoil(sound, payload)

    def spoil(self, sound: Mapper, payload: Payload) -> Mapped:
        raise NotImplementedError


class Counting(MappingWrong):
    """Numbers the items in the order in which they come."""

    count = 0

    def spoil(self, sound: Mapper, payload: Payload) -> Mapped:
        type(self).count += 1
        mapped = sound(payload)
        return Mapped([replace(r, priority=self.count % 100) if isinstance(r, WorkItem) else r for r in mapped.owned], mapped.mentioned)


class Naive(MappingWrong):
    """Reads instants without their zone."""

    def spoil(self, sound: Mapper, payload: Payload) -> Mapped:
        at = datetime(2026, 3, 1, 12)  # noqa: DTZ001  the mistake
        mapped = sound(payload)
        return Mapped([replace(r, created_at=at) if isinstance(r, WorkItem) else r for r in mapped.owned], mapped.mentioned)


class Surrogate(MappingWrong):
    """Lets half a character through."""

    def spoil(self, sound: Mapper, payload: Payload) -> Mapped:
        mapped = sound(payload)
        return Mapped([replace(r, body="\ud800") if isinstance(r, Comment) else r for r in mapped.owned], mapped.mentioned)


class OneSided(MappingWrong):
    """Names a link by which end told it."""

    def spoil(self, sound: Mapper, payload: Payload) -> Mapped:
        mapped = sound(payload)
        return Mapped([replace(r, original_type=str(payload.ref)) if isinstance(r, Dependency) else r for r in mapped.owned])


class Doubling(MappingWrong):
    """Owns a record twice."""

    def spoil(self, sound: Mapper, payload: Payload) -> Mapped:
        mapped = sound(payload)
        return Mapped([*mapped.owned, *mapped.owned], mapped.mentioned)


class Crashing(Broken):
    """Reads bytes without looking."""

    def mapper(self, references: Sequence[Reference], rules: Any) -> Mapper:
        sound = super().mapper(references, rules)

        def map_payload(payload: Payload) -> Mapped:
            json.loads(payload.body)
            return sound(payload)

        return map_payload


class OpenConfig(BaseModel):
    address: str = Field(title="Address", description="Where the tool is found.")
    token: str = Field(title="Token", description="A token.")


class BareConfig(BaseModel):
    address: str


class PlainText(Broken):
    """Keeps its token as any other text."""

    Config = OpenConfig


class Formless(Broken):
    """Explains nothing to the admin."""

    Config = BareConfig


class Overclaiming(Broken):
    """Claims a sign-in that it does not have."""

    capabilities = DeltaConnector.capabilities | {Capability.AUTHORIZE}


class Filing(Broken):
    """Claims uploads and never looks at a file."""

    capabilities = DeltaConnector.capabilities | {Capability.UPLOAD}


class Uncounted(Broken):
    """Claims a census and names no kind."""

    census_kinds = ()


class Outdated(Broken):
    """Was written for another contract."""

    contract = 0


def suite(make: type[FakeConnector]) -> FakeSuite:
    """The suite as pytest would set it up for that connector."""
    cls = type(f"Suite{make.__name__}", (FakeSuite,), {"make": make, "expire": TestDeltas.expire})
    made: FakeSuite = cls()
    made.setup_method()
    return made


CAUGHT: list[tuple[type[FakeConnector], Callable[[Any], None]]] = [
    (broken(Forgetful), FakeSuite.test_a_quiet_poll_is_quiet),
    (broken(Trespassing), FakeSuite.test_state_keys_keep_to_their_partition),
    (broken(Peeking), FakeSuite.test_state_keys_keep_to_their_partition),
    (broken(Hasty), FakeSuite.test_resuming_from_every_page_loses_nothing),
    (broken(Hasty), FakeSuite.test_resuming_a_full_read_leaves_nothing_out),
    (broken(TooEarly), FakeSuite.test_resuming_from_every_page_loses_nothing),
    (broken(Blinkered), FakeSuite.test_a_late_scope_ends_equal),
    (broken(Collective), FakeSuite.test_a_scope_that_was_dropped_and_chosen_again_ends_equal),
    (broken(Hoarding), FakeSuite.test_state_values_are_bounded),
    (broken(Growing), FakeSuite.test_a_quiet_poll_is_quiet),
    (broken(Duplicating), FakeSuite.test_no_scope_and_kind_is_read_twice),
    (broken(Sharing), FakeSuite.test_partitions_can_be_read_in_any_order),
    (broken(SingleThreaded), FakeSuite.test_partitions_can_be_read_side_by_side),
    (broken(Fickle), FakeSuite.test_a_full_read_of_unchanged_data_changes_nothing),
    (broken(Stale), FakeSuite.test_an_edit_arrives),
    (broken(Incurious), FakeSuite.test_an_addition_arrives),
    (broken(Swallowing), FakeSuite.test_an_expired_state_is_told_and_read_in_full),
    (broken(Shrugging), FakeSuite.test_a_lost_scope_leaves_the_others_readable),
    (broken(Inventive), FakeSuite.test_an_unknown_id_is_no_error),
    (broken(Mute), FakeSuite.test_check_says_who_we_are),
    (broken(Repeating), FakeSuite.test_scopes_are_offered_with_ids_and_names),
    (broken(Deaf), FakeSuite.test_a_removal_arrives),
    (broken(Deaf), FakeSuite.test_listings_say_their_last),
    (broken(Eager), FakeSuite.test_a_move_between_scopes_arrives),
    (broken(Partless), FakeSuite.test_fetch_equals_read),
    (broken(Embellishing), FakeSuite.test_fetch_equals_read),
    (broken(Stating), FakeSuite.test_fetched_pages_can_be_taken_in),
    (broken(Silent), FakeSuite.test_fetch_tells_what_is_gone),
    (broken(ShortSighted), FakeSuite.test_census_lists_what_read_sees),
    (broken(Endless), FakeSuite.test_listings_say_their_last),
    (broken(Unbounded), FakeSuite.test_listings_are_bounded),
    (broken(Trusting), FakeSuite.test_a_failing_server_is_transient),
    (broken(Trusting), FakeSuite.test_a_cut_answer_is_transient),
    (broken(Blaming), FakeSuite.test_a_refused_credential_is_an_auth_error),
    (broken(Blaming), FakeSuite.test_a_web_page_is_a_config_error),
    (broken(Impatient), FakeSuite.test_a_rate_limit_is_transient_and_says_for_how_long),
    (broken(Talkative), FakeSuite.test_no_secret_is_told),
    (broken(Logging), FakeSuite.test_no_secret_is_told),
    (broken(Wandering), FakeSuite.test_the_namespace_is_stable),
    (broken(Shuffling), FakeSuite.test_references_are_canonical),
    (broken(Renaming), FakeSuite.test_partitions_have_stable_names),
    (broken(Unclosed), FakeSuite.test_two_reads_give_equal_records),
    (broken(Premature), FakeSuite.test_two_reads_give_equal_records),
    (broken(HalfGroup), FakeSuite.test_fetch_equals_read),
    (Counting, FakeSuite.test_mapping_is_pure),
    (Naive, FakeSuite.test_records_can_be_stored),
    (Surrogate, FakeSuite.test_records_can_be_stored),
    (OneSided, FakeSuite.test_a_record_of_two_payloads_reads_the_same_from_both),
    (Doubling, FakeSuite.test_records_are_of_the_model),
    (Crashing, FakeSuite.test_a_payload_that_cannot_be_read_is_refused),
    (PlainText, FakeSuite.test_secrets_are_secret_strings),
    (Formless, FakeSuite.test_the_config_draws_a_form),
    (Overclaiming, FakeSuite.test_capabilities_match_the_declarations),
    (Uncounted, FakeSuite.test_capabilities_match_the_declarations),
    (Filing, FakeSuite.test_files_are_asked_for_by_uploads_only),
    (Outdated, FakeSuite.test_the_connector_declares_what_the_contract_asks_for),
]


@pytest.mark.parametrize(("make", "test"), CAUGHT, ids=lambda v: v.__name__)
def test_a_broken_connector_is_caught_by_the_test_for_it(make: type[FakeConnector], test: Callable[[Any], None]) -> None:
    grouped = issubclass(make, Broken) and issubclass(make.broken, GroupSource)
    test(suite(GroupConnector if grouped else DeltaConnector))
    with pytest.raises(AssertionError) as caught:
        test(suite(make))
    assert str(caught.value).strip(), "an author is not told what is wrong"


def test_an_error_of_fetch_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        suite(broken(Strict)).test_an_unknown_id_is_no_error()


@pytest.mark.parametrize(
    "test", [ConnectorSuite.test_an_edit_arrives, ConnectorSuite.test_a_failing_server_is_transient, ConnectorSuite.test_a_removal_arrives]
)
def test_a_port_that_is_not_offered_skips_with_the_reason(test: Callable[[Any], None]) -> None:
    class Bare(FakeSuite):
        make = DeltaConnector
        edit = ConnectorSuite.edit
        fault = ConnectorSuite.fault
        remove = ConnectorSuite.remove

    bare = Bare()
    bare.setup_method()
    with pytest.raises(pytest.skip.Exception, match=r"Bare offers no (edit|fault|remove)\(\)"):
        test(bare)


def test_every_test_of_the_suite_catches_somebody() -> None:
    elsewhere = set(dir(Deliveries))  # tests/sdk/test_hooks_suite.py
    assert {test.__name__ for _, test in CAUGHT} == {name for name in set(dir(ConnectorSuite)) - elsewhere if name.startswith("test_")}
