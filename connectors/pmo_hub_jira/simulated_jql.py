"""The part of JQL that a connector needs, parsed and evaluated with Jira Cloud's semantics.

clause  = field (= | != | > | >= | < | <=) value | field [not] in (value, ...) | field is [not] empty
query   = clauses joined by and, or, not and parentheses, then order by created | updated | key | id [asc | desc], ...

What bites in the real thing is kept: a query needs a restriction; `!=` and `not in` never match an empty field; epoch milliseconds
are floored to the minute; a bare date-time is read in the caller's profile zone, to the minute; unknown values are errors.
"""
from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from pmo_hub_jira.simulated_jql_fields import Ids, JqlError, ids_of
from pmo_hub_jira.simulated_site import Issue
from pmo_hub_jira.simulated_world import World

Test = Callable[[Issue], bool]
SortKey = tuple[int, ...]
_TOKEN = re.compile(r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<op>!=|>=|<=|!~|[=<>~(),])|(?P<word>[^\s=<>~!(),"']+))""")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_DATES = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_RELATIVE = re.compile(r"([+-]?)(\d+)([wdhm])")
MOST_ORDER_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Query:
    test: Test
    restricted: bool
    order: tuple[tuple[str, bool], ...]      # (field, descending)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    @property
    def word(self) -> str:
        return "" if self.quoted else self.text.lower()


def _tokens(jql: str) -> list[_Token]:
    out, at = [], 0
    jql = jql.rstrip()
    while at < len(jql):
        found = _TOKEN.match(jql, at)
        if found is None:
            raise JqlError(f"Error in the JQL Query: The character '{jql[at:].strip()[:1]}' is not expected here.")
        at = found.end()
        quoted = found["quoted"]
        out.append(_Token(re.sub(r"\\(.)", r"\1", quoted[1:-1]), True) if quoted is not None else _Token(found["op"] or found["word"]))
    return out


def instant_ms(text: str, now: datetime, zone: tzinfo) -> int:
    """The instant that a JQL date means, in epoch milliseconds, floored to the minute."""
    relative = _RELATIVE.fullmatch(text.strip())
    if re.fullmatch(r"-?\d+", text.strip()):
        value = int(text)
    elif relative is not None:
        unit = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}[relative[3]]
        delta = timedelta(**{unit: int(relative[2])})
        value = round((now - delta if relative[1] == "-" else now + delta).timestamp() * 1000)
    else:
        for form in _DATES:
            try:
                value = round(datetime.strptime(text.strip(), form).replace(tzinfo=zone).timestamp() * 1000)
                break
            except ValueError:
                continue
        else:
            raise JqlError(f"Date value '{text}' for field is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', "
                           "'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")
    return value - value % 60_000


class _Parser:
    def __init__(self, jql: str, world: World, now: datetime, zone: tzinfo) -> None:
        self.tokens = _tokens(jql)
        self.at = 0
        self.world, self.now, self.zone = world, now, zone
        self.restricted = False

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *words: str) -> str | None:
        """Consumes the next token when it is one of these words."""
        token = self.peek()
        if token is not None and token.word in words:
            self.at += 1
            return token.word
        return None

    def next(self, wanted: str) -> _Token:
        token = self.peek()
        if token is None:
            raise JqlError(f"Error in the JQL Query: Expecting {wanted} before the end of the query.")
        self.at += 1
        return token

    def query(self) -> Query:
        test: Test = _everything
        first = self.peek()
        if first is not None and first.word != "order":
            test = self.either()
        order = self.order() if self.take("order") else ()
        left = self.peek()
        if left is not None:
            raise JqlError(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{left.text}'.")
        return Query(test, self.restricted, order)

    def order(self) -> tuple[tuple[str, bool], ...]:
        if not self.take("by"):
            raise JqlError("Error in the JQL Query: Expecting 'by' after 'order'.")
        out = []
        while True:
            field = self.next("a field name").text.lower()
            field = {"issuekey": "key", "issue": "key", "createddate": "created", "updateddate": "updated"}.get(field, field)
            if field not in ("created", "updated", "key", "id"):
                raise JqlError(f"Not able to sort using field '{field}'.")
            out.append((field, self.take("asc", "desc") == "desc"))
            if not self.take(","):
                break
        if len(out) > MOST_ORDER_FIELDS:
            raise JqlError(f"The query may be ordered by at most {MOST_ORDER_FIELDS} fields.")
        return tuple(out)

    def either(self) -> Test:
        tests = [self.both()]
        while self.take("or", "||"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda issue: any(test(issue) for test in tests)

    def both(self) -> Test:
        tests = [self.negation()]
        while self.take("and", "&&"):
            tests.append(self.negation())
        return tests[0] if len(tests) == 1 else lambda issue: all(test(issue) for test in tests)

    def negation(self) -> Test:
        if self.take("not"):
            inner = self.negation()
            return lambda issue: not inner(issue)
        if self.take("("):
            inside = self.either()
            if not self.take(")"):
                raise JqlError("Error in the JQL Query: Expecting ')' before the end of the query.")
            return inside
        return self.clause()

    def clause(self) -> Test:
        field = self.next("a field name").text
        self.restricted = True
        op = self.next("an operator").word
        if op == "is":
            wanted = not self.take("not")
            if not self.take("empty", "null"):
                raise JqlError("Error in the JQL Query: Expecting 'empty' after 'is'.")
            values = ids_of(field, self.world)
            return lambda issue: (not values.of(issue)) is wanted
        if op == "not":
            op = f"not {self.next('in').word}"
        if op not in (*_COMPARE, "in", "not in"):
            raise JqlError(f"Error in the JQL Query: '{op}' is not an operator that is understood here.")
        operands = self.values() if op.endswith("in") else [self.operand()]
        return self.comparison(field, op, operands)

    def operand(self) -> str:
        token = self.next("a value")
        following = self.peek()
        if following is not None and following.word == "(" and not token.quoted:
            raise JqlError(f"Unable to find JQL function '{token.text}()'.")
        if (not token.quoted and token.text in _COMPARE) or token.word in ("(", ")", ","):
            raise JqlError(f"Error in the JQL Query: Expecting a value but got '{token.text}'.")
        return token.text

    def values(self) -> list[str]:
        if not self.take("("):
            raise JqlError("Error in the JQL Query: Expecting '(' after 'in'.")
        out = [self.operand()]
        while self.take(","):
            out.append(self.operand())
        if not self.take(")"):
            raise JqlError("Error in the JQL Query: Expecting ')' before the end of the query.")
        return out

    def comparison(self, field: str, op: str, operands: list[str]) -> Test:
        name = field.lower()
        if name in ("created", "updated", "createddate", "updateddate"):
            return self.moment(name, op, operands)
        values = ids_of(field, self.world)
        if op in (">", ">=", "<", "<="):
            return self.ordered(values, op, operands[0])
        wanted = frozenset(id for text in operands for id in values.resolve(text))
        if op in ("=", "in"):
            return lambda issue: not wanted.isdisjoint(values.of(issue))
        return lambda issue: bool(values.of(issue)) and wanted.isdisjoint(values.of(issue))

    def moment(self, name: str, op: str, operands: list[str]) -> Test:
        if op.endswith("in"):
            raise JqlError(f"The operator '{op}' is not supported by the '{name}' field.")
        bound = instant_ms(operands[0], self.now, self.zone) / 1000
        test = _COMPARE[op]
        if name.startswith("created"):
            return lambda issue: test(issue.created.timestamp(), bound)
        return lambda issue: test(issue.updated.timestamp(), bound)

    def ordered(self, values: Ids, op: str, text: str) -> Test:
        if values.bound is None:
            raise JqlError(f"The operator '{op}' is not supported by the '{values.name}' field.")
        number, bound = values.bound(text)
        test = _COMPARE[op]

        def compare(issue: Issue) -> bool:
            found = number(issue)
            return found is not None and test(found, bound)
        return compare


def _everything(issue: Issue) -> bool:
    return True


def parse(jql: str, world: World, now: datetime, zone: tzinfo) -> Query:
    """The query, ready to test issues; raises JqlError with the sentence Jira would answer."""
    return _Parser(jql, world, now, zone).query()


def sort_key(query: Query, world: World) -> Callable[[Issue], SortKey]:
    """A total order: the query's fields, newest first without any, and the id last."""
    projects = {id: n for n, id in enumerate(sorted(world.projects, key=lambda id: world.projects[id].key))}
    parts: dict[str, Callable[[Issue], SortKey]] = {
        "created": lambda i: (round(i.created.timestamp() * 1000),), "updated": lambda i: (round(i.updated.timestamp() * 1000),),
        "key": lambda i: (projects[i.project_id], i.number), "id": lambda i: (i.id,)}
    order = [(parts[field], -1 if descending else 1) for field, descending in query.order or (("created", True),)]

    def key(issue: Issue) -> SortKey:
        return (*(sign * number for part, sign in order for number in part(issue)), issue.id)
    return key
