"""The other half of a census: what the source lists and the hub doesn't hold. It is asked for, and what stays lacking is said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pmo_hub.sdk.contract import Ref
from pmo_hub.services.committing import take_fetched
from pmo_hub.services.completeness import CENSUS, Part
from pmo_hub.services.references import origin_of
from pmo_hub.services.running import SyncRun
from pmo_hub.store.repositories import censuses

MOST_ASKED = 1_000
"""So many are asked for one by one; more than that is a full read's work, and a shortfall until then."""


@dataclass(slots=True)
class Heard:
    """What a source listed. `strange`: ids that the hub doesn't hold; only of scopes that were read to their end before."""

    listed: Counter[str] = field(default_factory=Counter)
    complete: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_place: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    strange: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    strangers: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)

    def note(self, kind: str, scopes: tuple[str, ...], count: int, strange: Sequence[str] | None) -> None:
        self.listed[kind] += count
        self.by_place[kind, scopes] += count
        if strange is not None:
            self.strangers[kind, scopes] += len(strange)
            kept = self.strange.setdefault((kind, scopes), [])
            kept += strange[: max(0, MOST_ASKED - sum(map(len, self.strange.values())))]


def tell_missing(run: SyncRun, kind: str, scopes: Sequence[str], held: Mapping[str, int], missing: Mapping[str, int]) -> None:
    """The run says for each scope how many of those that the hub held were listed."""
    for scope in scopes:
        scope_id = run.scopes.get(scope)
        if scope_id is None:
            continue
        had, gone = held.get(scope_id, 0), missing.get(scope_id, 0)
        run.tally.count(Part(CENSUS, CENSUS, scope, 1, kind, fetched=had - gone, expected=had, missing=gone))


def bring(run: SyncRun, heard: Heard) -> list[tuple[Part, list[str]]]:
    """Who is listed and not held is asked for and merged; a part for each place, with the ids of its scopes, says what stays lacking."""
    parts = []
    for (kind, scopes), count in heard.by_place.items():
        scope_ids = [run.scopes[s] for s in scopes if s in run.scopes]
        if not heard.complete[kind].issuperset(scopes) or (kind, scopes) not in heard.strange:
            continue
        asked = heard.strange[kind, scopes]
        lacking = heard.strangers[kind, scopes] - len(asked) + len(_ask(run, kind, asked))
        part = Part(CENSUS, CENSUS, None, len(scope_ids), kind, fetched=count, lacking=lacking)
        run.tally.count(Part(f"{CENSUS}/{scopes[0]}", CENSUS, None, len(scope_ids), kind, fetched=count, lacking=lacking))
        parts.append((part, scope_ids))
    return parts


def _ask(run: SyncRun, kind: str, external_ids: Sequence[str]) -> list[str]:
    """Those that the hub doesn't hold still, though the source has not said that they are gone."""
    if not external_ids:
        return []
    origin = origin_of(run)
    gone: set[str] = set()
    for page in run.opened.source.fetch([Ref(kind, i) for i in external_ids]):
        take_fetched(run, page)
        gone.update(g.ref.external_id for g in page.gone if g.ref.kind == kind)
    ids = {origin.payload_id(Ref(kind, i)): i for i in external_ids}
    with run.hub.work.read() as session:
        lacking = censuses.not_held(session, ids)
    return [ids[i] for i in lacking if ids[i] not in gone and i not in origin.quarantined]
