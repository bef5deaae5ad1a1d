"""Project rules in the source's own query language: the source says which items they mean, once a run."""

from __future__ import annotations

from pmo_hub.domain.identity import identifier
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.contract import Selecting
from pmo_hub.sdk.errors import ConfigError, ScopeError
from pmo_hub.services import governance
from pmo_hub.services.running import SyncRun
from pmo_hub.store.repositories import memberships


def answer(run: SyncRun) -> None:
    """Ask for the items of every query rule on the run's scopes and give them to its project.

    A query that the source refuses keeps what it found last, and the run says so.
    """
    with run.hub.work.read() as session:
        rules = memberships.query_rules(session, list(run.scopes.values()))
    source = run.opened.source
    if not rules:
        return
    if not isinstance(source, Selecting):
        run.complaints.append("This connector can't answer queries: narrow the project's rule by subtree, label, component or version.")
        return
    names = {scope_id: external_id for external_id, scope_id in run.scopes.items()}
    item_id = identifier(run.connection.namespace, RecordType.WORK_ITEM)
    for rule in rules:
        if names[rule.scope_id] in run.lost_scopes:
            continue
        try:
            found = {item_id(i) for listing in source.select(names[rule.scope_id], rule.value or "") for i in listing.ids}
        except (ConfigError, ScopeError) as e:
            run.complaints.append(f"The query {rule.value!r} of a project's rule was refused: {e}")
            continue
        with run.commit() as session:
            touched = memberships.refresh(session, [rule.scope_id], run.hub.now(), answers={rule.id: found})
            governance.refresh(session, sorted(touched), run.hub.now(), "policy_change")
