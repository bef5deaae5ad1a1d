"""What happens in the source arrives: edits, additions, removals, moves; what was lost is found by fetch and census."""

from __future__ import annotations

from collections.abc import Sequence

from pmo_hub.sdk.contract import LISTING_IDS, Capability, Listing, Mode, Payload, Reason, Ref
from pmo_hub.sdk.testing_host import MemoryHost
from pmo_hub.sdk.testing_ports import Ports, difference


class Changes(Ports):
    """Tests of incremental reading, `fetch` and `census`."""

    def test_an_edit_arrives(self) -> None:
        host = self.synced()
        before = host.owned()
        ref = self.edit()
        self._poll(host)
        assert host.owned() != before, f"{ref} was edited and no record changed"
        self._as_read_anew(host, f"{ref} was edited")

    def test_an_addition_arrives(self) -> None:
        host = self.synced()
        ref = self.add()
        self._poll(host)
        assert ref in host.held, f"{ref} was added and a poll does not bring it"
        self._as_read_anew(host, f"{ref} was added")

    def test_a_removal_arrives(self) -> None:
        """At once where the source tells it, else by the second census."""
        host = self.synced()
        ref = self.remove()
        self._poll(host)
        if Capability.CENSUS in self.connector.capabilities:
            for _ in range(2):
                with self.opened() as source:
                    host.census(source)
        assert ref not in host.held, f"{ref} was removed and neither a poll nor two censuses tell it"
        self._as_read_anew(host, f"{ref} was removed")

    def test_a_move_between_scopes_arrives(self) -> None:
        host = self.synced()
        ref = self.move()
        before = host.held[ref].scope
        self._poll(host)
        assert ref in host.held, f"{ref} moved between chosen scopes and is lost"
        assert host.held[ref].scope != before, f"{ref} moved and is still held in {before}"
        self._as_read_anew(host, f"{ref} moved")

    def test_an_expired_state_is_told_and_read_in_full(self) -> None:
        host = self.synced()
        self.expire()
        self._poll(host)
        assert host.wants_census, "the source refused the state and no StateError was raised"
        self._as_read_anew(host, "the state expired")
        host.wants_census = False
        self._poll(host)
        assert not host.wants_census, "the state that a full read left behind is refused as well"

    def test_a_lost_scope_leaves_the_others_readable(self) -> None:
        others = len(self.several_scopes()) - 1
        lost = self.lose()
        host = self.host()
        with self.opened() as source:
            host.sync(source, Mode.FULL)
        assert lost in host.lost, f"the scope {lost} vanished and no ScopeError tells it"
        scopes = {h.scope for h in host.held.values() if h.scope is not None and h.scope != lost}
        assert len(scopes) == others, f"besides the lost scope, {others} were to be read and {len(scopes)} were"

    def test_fetch_equals_read(self) -> None:
        """The same bytes, each object with its dependents, a member of a group as its whole group."""
        host = self.synced()
        refs = self._fetchable(host)
        assert refs, "nothing was read that could be fetched"
        fetched: dict[Ref, Payload] = {}
        with self.opened() as source:
            for page in source.fetch(refs):
                fetched.update({p.ref: p for p in page.payloads})
        for ref in refs:
            assert ref in fetched, f"{ref} was read and fetch does not bring it"
        wanted = set(refs)
        groups = {host.held[r].group for r in refs} - {None}
        wanted.update(r for r, h in host.held.items() if h.group in groups)
        while parts := {r for r, h in host.held.items() if h.payload.part_of in wanted and r not in wanted}:
            wanted |= parts
        left_out = [r for r in wanted if r not in fetched]
        assert not left_out, f"fetch leaves out dependents or members of the group: {left_out[:3]}"
        for ref, payload in fetched.items():
            if ref in host.held:
                read = host.held[ref].payload
                for name in ("body", "scope", "media_type", "part_of", "context", "version"):
                    got, known = getattr(payload, name), getattr(read, name)
                    assert got == known, f"{ref}: fetch and read differ in {name}: {got!r}, {known!r}"

    def test_fetched_pages_can_be_taken_in(self) -> None:
        """They carry no state, close their groups, and change nothing that is current."""
        host = self.synced()
        before = host.records()
        with self.opened() as source:
            done = host.fetch(source, self._fetchable(host))
        assert not done.gone, f"fetch ends what is there: {list(done.gone)[:3]}"
        assert host.records() == before, difference(before, host.records())

    def test_fetch_tells_what_is_gone(self) -> None:
        host = self.synced()
        ref = self.remove()
        with self.opened() as source:
            gone = [g for page in source.fetch([ref]) for g in page.gone]
        assert ref in [g.ref for g in gone] or host.held[ref].group, f"{ref} was removed and fetch does not say so"
        assert all(isinstance(g.reason, Reason) for g in gone), "something is gone without a reason"

    def test_an_unknown_id_is_no_error(self) -> None:
        host = self.synced()
        kinds = sorted({r.kind for r in self._fetchable(host)})
        with self.opened() as source:
            for page in source.fetch([Ref(kind, self.unknown_id) for kind in kinds]):
                assert self.unknown_id not in [p.ref.external_id for p in page.payloads], "an object that is not there was fetched"

    def test_census_lists_what_read_sees(self) -> None:
        host = self.synced()
        listings = self._listings(host.scopes)
        if Capability.CENSUS not in self.connector.capabilities:
            assert not listings, "it does not claim CENSUS and lists"
            return
        listed = {Ref(listing.kind, i) for listing in listings for i in listing.ids}
        there = {r for r in {*host.held, *(q for q in host.quarantine if isinstance(q, Ref))} if r.kind in self.connector.census_kinds}
        assert not there - listed, f"the census does not list what read sees, which would be deleted: {list(there - listed)[:3]}"
        assert not listed - there, f"the census lists what read does not see: {list(listed - there)[:3]}"

    def test_listings_are_bounded(self) -> None:
        for listing in self._listings(self.scopes()):
            assert len(listing.ids) <= LISTING_IDS, f"a listing of {len(listing.ids)} ids, more than {LISTING_IDS}"

    def test_listings_say_their_last(self) -> None:
        """Without its last listing a kind of a scope is never compared."""
        scopes = self.scopes()
        closed = {(g.kind, s) for g in self._listings(scopes) if g.last for s in g.scopes or scopes}
        open_ends = {(kind, s) for kind in self.connector.census_kinds for s in scopes} - closed
        assert not open_ends, f"the census never closes {sorted(open_ends)[:3]}"

    def _listings(self, scopes: Sequence[str]) -> list[Listing]:
        with self.opened() as source:
            return list(source.census(tuple(scopes)))

    def _fetchable(self, host: MemoryHost) -> list[Ref]:
        """A sample of what fetch answers for, some of every kind."""
        by_kind: dict[str, list[Ref]] = {}
        for ref, held in host.held.items():
            if ref.kind in self.fetched_kinds if self.fetched_kinds is not None else held.payload.part_of is None:
                by_kind.setdefault(ref.kind, []).append(ref)
        return [ref for refs in by_kind.values() for ref in refs[:20]]

    def _poll(self, host: MemoryHost) -> None:
        with self.opened() as source:
            host.sync(source)

    def _as_read_anew(self, host: MemoryHost, what: str) -> None:
        anew = self.synced()
        told = difference(anew.owned(), host.owned())
        assert not told, f"{what}, and a poll leaves other records than a first sync: {told}"
        known = host.mentioned()
        lacking = {k: r for k, r in anew.mentioned().items() if known.get(k) != r}
        assert not lacking, f"{what}, and a poll lacks what a first sync mentions: {list(lacking)[:3]}"
