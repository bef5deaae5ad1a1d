"""The simulated Dataverse Web API: metadata, pages of rows, change tracking with its refusals, privileges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from pmo_hub.sdk.simulated_entra import CLIENT_ID, TENANT, SimulatedEntra
from pmo_hub.sdk.simulating import JSON, Answer, Asked, Simulated, mutation, odata_error
from pmo_hub_dataverse import simulated_schema as s
from pmo_hub_dataverse.simulated_mutations import Mutations
from pmo_hub_dataverse.simulated_organisation import populate
from pmo_hub_dataverse.simulated_world import Row, World

API = "/api/data/v9.2/"
ORGANISATION = "7d1f0c52-6a11-4d1e-9d0c-0000000000aa"
USUAL_PAGE = 5_000
TOKEN_LIFE = timedelta(days=7)
_REFUSED_WHEN_TRACKED = ("$filter", "$orderby", "$expand", "$top")
_ONE = re.compile(r"(?P<set>[a-z_]+)\((?P<id>[0-9a-fA-F-]{36})\)")
_EQ = re.compile(r"\(?\s*(?P<column>\w+) eq '?(?P<value>[^')]+?)'?\s*\)?")
_NAMED = re.compile(r"LogicalName eq '([^']+)'")
_GE = re.compile(r"(?P<column>\w+) ge (?P<value>\S+)")
_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")


class Refusal(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class DataverseSimulator(Simulated):
    """One environment. `page` caps what a page holds; `untracked`, `absent` and `forbidden` are sets of tables, `hidden` one of projects
    whose rows the application user may not see.

    `membership` is "member", "removed" or "disabled": what the environment knows of the application user.
    """

    def __init__(self, seed: int, size: str | int, now: datetime, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(now, clock)
        self.seed = seed
        self.secret = f"simulated-secret-{seed}"
        self.entra = SimulatedEntra(self.secret)
        self.world = World(self.now)
        populate(self.world, seed, size, now)
        self.born = self.world.version
        self.mutations = Mutations(self.world)
        self.page = USUAL_PAGE
        self.membership = "member"
        self.untracked: set[str] = set()
        self.absent: set[str] = set()
        self.forbidden: set[str] = set()
        self.hidden: set[str] = set()
        self.columns_absent: set[str] = set()
        self.oldest_token = 0
        self._kept: tuple[tuple[str, int], list[Row]] | None = None

    def config(self) -> dict[str, str]:
        """The values of a connection to this environment."""
        return {"url": self.url, "tenant_id": TENANT, "client_id": CLIENT_ID, "client_secret": self.secret, "authority": self.url}

    @property
    def projects(self) -> list[str]:
        """Ids of the projects, as scopes name them."""
        return list(self.world.rows[s.PROJECTS.set])

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        with self.lock:
            return mutation(self.mutations, what)(*arguments, **named)

    def expire_tokens(self) -> None:
        """Delta links that were handed out so far are refused from now on."""
        self.oldest_token = self.world.version + 1
        self.world.version += 1

    def answered(self, asked: Asked) -> Answer:
        self.entra.resource = self.url
        if (answer := self.entra.answer(asked, self.url, self.now())) is not None:
            return answer
        if not asked.path.startswith("/api/data/"):
            return odata_error(404, "0x80060888", "There is nothing here.")
        if not self.entra.knows(asked, self.now()):
            return Answer(401, b"", (("WWW-Authenticate", 'Bearer authorization_uri="https://login.example/"'),))
        if self.membership == "removed":
            return odata_error(403, "0x80072560", "The user is not a member of the organization.")
        if self.membership == "disabled":
            return odata_error(403, "0x80040225", "The specified user is disabled. Consider enabling this user.")
        if asked.method != "GET":
            return odata_error(405, "0x80060888", "Only reading is simulated.")
        try:
            return self._read(asked, asked.path.removeprefix(API))
        except Refusal as refusal:
            return refusal.answer

    def _read(self, asked: Asked, what: str) -> Answer:
        if what == "WhoAmI":
            return _ok({"OrganizationId": ORGANISATION, "BusinessUnitId": s.UNIT, "UserId": s.OWNER})
        if what == f"systemusers({s.OWNER})":
            return _ok({"systemuserid": s.OWNER, "fullname": "# pmo-hub"})
        if what == "EntityDefinitions":
            return self._metadata(asked.query)
        if (one := _ONE.fullmatch(what)) is not None:
            table = self._table(one["set"])
            row = self.world.rows[table.set].get(one["id"].lower())
            if row is None or not self._may_see(table, row):
                return odata_error(404, "0x80040217", f"{table.name} With Id = {one['id']} Does Not Exist")
            return _ok(self.world.shown(table, self._select(table, asked.query))(row))
        table = self._table(what)
        tracked = "odata.track-changes" in asked.headers.get("prefer", "")
        if tracked:
            self._may_be_tracked(table, asked.query)
        size = _SIZE.search(asked.headers.get("prefer", ""))
        limit = min(self.page, int(size[1]) if size else USUAL_PAGE)
        if "$deltatoken" in asked.query:
            return self._delta(table, asked.query, limit, tracked)
        return self._rows(table, asked.query, limit, tracked)

    def _table(self, set: str) -> s.SimulatedTable:
        table = s.BY_SET.get(set)
        if table is None or set in self.absent:
            raise Refusal(odata_error(404, "0x8006088a", f"Resource not found for the segment '{set}'."))
        if set in self.forbidden:
            told = f"Principal user (Id={s.OWNER}) is missing prvRead{table.name} privilege"
            raise Refusal(odata_error(403, "0x80040220", told))
        return table

    def _may_be_tracked(self, table: s.SimulatedTable, query: Mapping[str, str]) -> None:
        for option in _REFUSED_WHEN_TRACKED:
            if option in query:
                told = f'The "${{{option[1:]}}}" query parameter isn\'t supported when Change Tracking is enabled.'
                raise Refusal(odata_error(400, "0x80060888", told))
        if table.set in self.untracked:
            raise Refusal(odata_error(400, "0x80060888", f"Change tracking is not enabled for the entity {table.name}."))

    def _metadata(self, query: Mapping[str, str]) -> Answer:
        wanted = set(_NAMED.findall(query.get("$filter", "")))
        value = [
            {
                "LogicalName": table.name, "ChangeTrackingEnabled": table.set not in self.untracked,
                "Attributes": [_attribute(column) for column in sorted(table.columns - self.columns_absent)],
            }
            for table in s.TABLES
            if table.name in wanted and table.set not in self.absent
        ]  # fmt: skip
        return _ok({"@odata.context": f"{self.url}{API}$metadata#EntityDefinitions", "value": value})

    def _select(self, table: s.SimulatedTable, query: Mapping[str, str]) -> tuple[str, ...]:
        select = tuple(query["$select"].split(",")) if query.get("$select") else ()
        for column in select:
            if column not in table.columns or column in self.columns_absent:
                told = f"Could not find a property named '{column}' on type 'Microsoft.Dynamics.CRM.{table.name}'."
                raise Refusal(odata_error(400, "0x0", told))
        return select

    def _rows(self, table: s.SimulatedTable, query: Mapping[str, str], limit: int, tracked: bool) -> Answer:
        select = self._select(table, query)
        offset, version = 0, self.world.version
        if "$skiptoken" in query:
            first, _, second = query["$skiptoken"].partition("!")
            offset, version = int(first), int(second)
        rows = self._found(table, query)
        if self.hidden:
            rows = [row for row in rows if self._may_see(table, row)]
        show = self.world.shown(table, select)
        page: dict[str, Any] = {
            "@odata.context": f"{self.url}{API}$metadata#{table.set}({','.join(select)})",
            "value": [show(row) for row in rows[offset : offset + limit]],
        }
        again = {name: value for name, value in query.items() if name != "$skiptoken"}
        if offset + limit < len(rows):
            page["@odata.nextLink"] = self._link(table, {**again, "$skiptoken": f"{offset + limit}!{version}"})
        elif tracked:
            page["@odata.deltaLink"] = self._link(table, {**again, "$deltatoken": self._token(version)})
        return _ok(page, (("Preference-Applied", "odata.track-changes"),) if tracked else ())

    def _delta(self, table: s.SimulatedTable, query: Mapping[str, str], limit: int, tracked: bool) -> Answer:
        number, _, at = query["$deltatoken"].partition("!")
        issued = datetime.strptime(at, "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
        if self.now() - issued > TOKEN_LIFE or int(number) < self.oldest_token:
            return odata_error(400, "0x80044352", "Version stamp associated with the client has expired. Please perform a full sync.")
        changed, dropped = self.world.changes(table.set, int(number))
        offset = int(query.get("$skiptoken", "0"))
        show = self.world.shown(table, self._select(table, query))
        context = f"{self.url}{API}$metadata#{table.set}/$deletedEntity"
        value = [show(row) for id in changed if self._may_see(table, row := self.world.rows[table.set][id])]
        value += [{"@odata.context": context, "id": id, "reason": "deleted"} for id in dropped]
        page: dict[str, Any] = {"@odata.context": f"{self.url}{API}$metadata#{table.set}/$delta", "value": value[offset : offset + limit]}
        again = {name: value for name, value in query.items() if name not in ("$skiptoken", "$deltatoken")}
        if offset + limit < len(value):
            page["@odata.nextLink"] = self._link(table, {**again, "$deltatoken": query["$deltatoken"], "$skiptoken": str(offset + limit)})
        elif tracked:
            page["@odata.deltaLink"] = self._link(table, {**again, "$deltatoken": self._token(self.world.version)})
        return _ok(page)

    def _token(self, version: int) -> str:
        return f"{version}!{self.now().astimezone(UTC):%m/%d/%Y %H:%M:%S}"

    def _link(self, table: s.SimulatedTable, query: Mapping[str, str]) -> str:
        return f"{self.url}{API}{table.set}?" + "&".join(f"{name}={quote(value, safe=',$')}" for name, value in query.items())

    def _found(self, table: s.SimulatedTable, query: Mapping[str, str]) -> Sequence[Row]:
        where = query.get("$filter")
        if where is None:
            key = (table.set, self.world.version)
            if self._kept is None or self._kept[0] != key:
                self._kept = (key, list(self.world.rows[table.set].values()))
            return self._kept[1]
        return list(self._filtered(table, where))

    def _filtered(self, table: s.SimulatedTable, where: str) -> Iterator[Row]:
        rows = self.world.rows[table.set].values()
        if (since := _GE.fullmatch(where)) is not None:
            at = self._position(table, since["column"])
            yield from (row for row in rows if row[at] is not None and row[at] >= since["value"])
            return
        wanted: dict[str, set[str]] = {}
        for clause in where.split(" or "):
            found = _EQ.fullmatch(clause)
            if found is None:
                raise Refusal(odata_error(400, "0x0", f"Syntax error in the filter: {clause}"))
            wanted.setdefault(found["column"], set()).add(found["value"])
        if len(wanted) == 1 and table.key in wanted:
            yield from (row for id in wanted[table.key] if (row := self.world.rows[table.set].get(id)) is not None)
            return
        at_each = [(self._position(table, column), values) for column, values in wanted.items()]
        yield from (row for row in rows if any(row[at] in values for at, values in at_each))

    def _may_see(self, table: s.SimulatedTable, row: Row) -> bool:
        """Who may not see a project sees no row of it: none is told of as changed, either."""
        return not self.hidden or self.world.project_of(table, row) not in self.hidden

    def _position(self, table: s.SimulatedTable, column: str) -> int:
        at = self.world.position(table.set, column)
        if at is None:
            raise Refusal(odata_error(400, "0x0", f"Could not find a property named '{column}'."))
        return at


def _ok(value: Any, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(200, msgspec.json.encode(value), (*JSON, ("OData-Version", "4.0"), *headers))


def _attribute(column: str) -> dict[str, str]:
    if column.startswith("_"):
        return {"LogicalName": column[1:].removesuffix("_value"), "AttributeType": "Lookup"}
    return {"LogicalName": column, "AttributeType": "String"}
