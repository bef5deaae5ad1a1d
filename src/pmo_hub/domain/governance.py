"""Checks as values: what a check says, how a binding tunes it, and what evaluating it on facts gives.

GovernanceError
├── CheckInvalid    the check's own document can't be used
└── BindingInvalid  parameters that the check doesn't have or allow
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pmo_hub.domain import messages
from pmo_hub.domain.catalogue import FACTS, schema
from pmo_hub.domain.evidence import MAX_EVIDENCE, Evidence, Fact, FactValue
from pmo_hub.domain.expressions import Expression, ExpressionError, Fault, Leaf, Scalar, Unknown, compile_expression
from pmo_hub.domain.expressions.types import did_you_mean
from pmo_hub.domain.facts import Subject
from pmo_hub.domain.local_time import next_midnight, zone

ParameterValue = bool | int | float | str


class GovernanceError(Exception):
    """A check or a binding that can't be used; the message says what to change."""


class CheckInvalid(GovernanceError):
    """The check's own document can't be used."""


class BindingInvalid(GovernanceError):
    """Parameters that the check doesn't have or allow."""


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Methodology(StrEnum):
    AGILE = "agile"
    WATERFALL = "waterfall"
    HYBRID = "hybrid"


class Result(StrEnum):
    """UNKNOWN is never PASS: what is missing is named instead."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


class Mode(StrEnum):
    """EVALUATE opens violations without telling anybody; BLOCKING also fails a gate's readiness."""

    DISABLED = "disabled"
    EVALUATE = "evaluate"
    ACTIVE = "active"
    BLOCKING = "blocking"


@dataclass(frozen=True, slots=True)
class Parameter:
    """`minimum` and `maximum` bound numbers, both included."""

    name: str
    type: Scalar
    default: ParameterValue
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class CheckTest:
    """An example that the check must give `expect` for; facts that aren't given are unknown."""

    given: tuple[tuple[str, FactValue], ...]
    expect: Result
    parameters: tuple[tuple[str, ParameterValue], ...] = ()
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check's document.

    `fail_when` reads the facts of the project and of `entity`, `params.*` and `now`; `needs` are facts without which the result is
    unknown whatever the rest says; `message` puts values in for {names}; `evidence` are the facts whose links are shown.
    """

    id: str
    title: str
    entity: str
    domains: tuple[str, ...]
    methodologies: frozenset[Methodology]
    severity: Severity
    fail_when: str
    message: str
    remediation: str
    parameters: tuple[Parameter, ...] = ()
    needs: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    tests: tuple[CheckTest, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a check runs is the service's to decide; here is in which mode and with which parameters."""

    check_id: str
    mode: Mode = Mode.ACTIVE
    parameters: tuple[tuple[str, ParameterValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a check said of one entity at an instant.

    `leaves` are the conditions that decided it; `missing` the facts that were unknown; `confidence` the lowest of the facts read.
    `stale_data`: it rests on synced facts while the sync is stale or incomplete, so that a pass resolves nothing.
    `holds_until`: look again then at the latest, since the clock alone may change the result.
    """

    check_id: str
    sub_key: str
    result: Result
    message: str
    missing: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    error: str | None = None
    confidence: int = 0
    stale_data: bool = False
    holds_until: datetime | None = None


@lru_cache(maxsize=256)
def compile_check(check: Check) -> Expression:
    """The check's expression; everything that its document names exists. Raises CheckInvalid."""
    names = dict(schema(check.entity))
    if check.entity != "project" and not any(name.startswith(f"{check.entity}.") for name in names):
        raise CheckInvalid(f"{check.id}: no facts are measured about a {check.entity}")
    for name in (*check.needs, *check.evidence):
        if name not in names:
            raise CheckInvalid(f"{check.id}: there is no fact {name}" + _hint(name, names))
    names |= {f"params.{parameter.name}": parameter.type for parameter in check.parameters} | {"now": Scalar.TIMESTAMP}
    for name in messages.places(check.message):
        if name not in names:
            raise CheckInvalid(f"{check.id}: its message names {name}, which doesn't exist" + _hint(name, names))
    resolve_parameters(check, ())
    try:
        return compile_expression(check.fail_when, names, Scalar.BOOL)
    except ExpressionError as error:
        raise CheckInvalid(f"{check.id}: {error}") from error


def resolve_parameters(
    check: Check, given: Sequence[tuple[str, ParameterValue]] | Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """Defaults with the given values over them, each of its type and within its bounds. Raises BindingInvalid."""
    known = {parameter.name: parameter for parameter in check.parameters}
    chosen = {name: parameter.default for name, parameter in known.items()}
    for name, value in dict(given).items():
        if name not in known:
            raise BindingInvalid(f"{check.id} has no parameter {name}" + _hint(name, known))
        chosen[name] = value
    for name, value in chosen.items():
        _bounded(check.id, known[name], value)
    return chosen


def _bounded(check_id: str, parameter: Parameter, value: ParameterValue) -> None:
    held = {Scalar.BOOL: (bool,), Scalar.INT: (int,), Scalar.DOUBLE: (int, float), Scalar.STRING: (str,)}.get(parameter.type, ())
    if not isinstance(value, held) or (isinstance(value, bool) and parameter.type != Scalar.BOOL):
        raise BindingInvalid(f"{check_id}: {parameter.name} is a {parameter.type}, not {value!r}")
    if isinstance(value, str | bool):
        return
    if (parameter.minimum is not None and not value >= parameter.minimum) or (
        parameter.maximum is not None and not value <= parameter.maximum
    ):
        raise BindingInvalid(f"{check_id}: {parameter.name} lies between {parameter.minimum} and {parameter.maximum}, not {value}")


def _hint(name: str, known: Mapping[str, Any]) -> str:
    hint = did_you_mean(name, known)
    return f"; {hint}" if hint else ""


def evaluate(
    check: Check,
    parameters: Mapping[str, ParameterValue],
    facts: Mapping[str, Fact],
    now: datetime,
    *,
    sub_key: str = "",
) -> Evaluation:
    """What the check says of these facts. `parameters` are resolved ones. Raises CheckInvalid for a document that can't be used.

    Not applicable when the project's methodology is declared and out of the check's scope.
    """
    expression = compile_check(check)
    methodology = _value(facts, "project.methodology")
    if isinstance(methodology, str) and methodology and methodology.lower() not in check.methodologies:
        return Evaluation(check.id, sub_key, Result.NOT_APPLICABLE, f"not for {messages.clean(methodology)} projects", confidence=100)
    names = sorted({*expression.names, *check.needs} & FACTS.keys())
    values: dict[str, Any] = {name: fact.value for name, fact in facts.items()}
    values |= {f"params.{name}": value for name, value in parameters.items()} | {"now": now}
    where = zone(str(_value(facts, "project.time_zone") or "UTC"))
    lacking = [name for name in check.needs if values.get(name) is None]
    outcome = expression.evaluate(values, where)
    result, missing, error = _judged(outcome, lacking)
    used = [facts[name] for name in names if name in facts and facts[name].value is not None]
    flips = [at for name in names if name in facts and (at := facts[name].holds_until) is not None and at > now]
    if expression.reads_clock:
        flips.append(next_midnight(now, where))
    return Evaluation(
        check.id,
        sub_key,
        result,
        _message(check, result, values, missing, facts, error),
        missing,
        _evidence(check, facts),
        expression.explain(values, where),
        error,
        min((fact.confidence for fact in used), default=0),
        _doubted(facts, now) and any(FACTS[name].from_source for name in names),
        min(flips, default=None),
    )


def evaluate_subjects(
    check: Check, parameters: Mapping[str, ParameterValue], facts: Mapping[str, Fact], subjects: Sequence[Subject], now: datetime
) -> tuple[Evaluation, ...]:
    """One evaluation of a project check; of any other one for each subject of its entity, or a single "not applicable" of none."""
    if check.entity == "project":
        return (evaluate(check, parameters, facts, now),)
    own = [subject for subject in subjects if subject.entity == check.entity]
    if not own:
        return (Evaluation(check.id, "", Result.NOT_APPLICABLE, f"the project has no {check.entity}", confidence=100),)
    return tuple(
        evaluate(check, parameters, {**facts, **{fact.name: fact for fact in subject.facts}}, now, sub_key=subject.sub_key)
        for subject in own
    )


def _judged(outcome: Any, lacking: Sequence[str]) -> tuple[Result, tuple[str, ...], str | None]:
    if isinstance(outcome, Fault):
        return Result.ERROR, tuple(lacking), f"{outcome.message} (at character {outcome.position + 1})"
    if isinstance(outcome, Unknown):
        return Result.UNKNOWN, tuple(sorted({*outcome.names, *lacking})), None
    if lacking:
        return Result.UNKNOWN, tuple(sorted(lacking)), None
    return (Result.FAIL if outcome else Result.PASS), (), None


def _doubted(facts: Mapping[str, Fact], now: datetime) -> bool:
    fresh = facts.get("project.sync_stale")
    # A kept fact outlives its moment: "not stale" is over when its holds_until has passed.
    if fresh is None or fresh.value is not False or (fresh.holds_until is not None and fresh.holds_until <= now):
        return True
    return _value(facts, "project.data_complete") is False


def _value(facts: Mapping[str, Fact], name: str) -> FactValue:
    found = facts.get(name)
    return found.value if found is not None else None


def _evidence(check: Check, facts: Mapping[str, Fact]) -> tuple[Evidence, ...]:
    pieces = (piece for name in check.evidence if name in facts for piece in facts[name].evidence)
    return tuple(dict.fromkeys(pieces))[:MAX_EVIDENCE]


def _message(
    check: Check, result: Result, values: Mapping[str, Any], missing: Sequence[str], facts: Mapping[str, Fact], error: str | None
) -> str:
    match result:
        case Result.FAIL:
            return messages.render(check.message, values)
        case Result.UNKNOWN:
            said = ((name, facts[name].reason if name in facts else None) for name in missing)
            return "missing: " + "; ".join(f"{name} ({messages.clean(reason)})" if reason else name for name, reason in said)
        case Result.ERROR:
            return f"the check failed: {error}"
        case _:
            return "passed"
