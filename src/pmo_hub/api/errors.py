"""Every error as problem+json (RFC 9457), and the only place that knows which HTTP status says what.

HttpProblem        an error in words of HTTP; the others are its commonest kinds
├── BadRequest     400: a parameter that no schema could describe (a cursor, an instant without a zone)
├── NotModified    304: what the caller holds is still right
└── PreconditionRequired, PreconditionFailed
                   428, 412: a change needs If-Match, and the ETag that is current
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pmo_hub.api.schemas.problems import Problem, ProblemField
from pmo_hub.services.errors import Conflict, Ended, Invalid, NotFound, Refused, ServiceError, Unavailable, Unproven

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "pmo_hub.request_id"
MOST_FAULTS = 50

TITLES = {
    "bad-request": "The request can't be understood",
    "key-required": "An API key is required",
    "unproven": "The delivery is not accepted",
    "scope-missing": "The API key does not allow this",
    "refused": "The hub declines to do this",
    "not-found": "There is no such thing",
    "method-not-allowed": "This can't be done here",
    "conflict": "This clashes with what is there",
    "ended": "This was there and ended",
    "precondition-failed": "It was changed meanwhile",
    "too-large": "The body is too large",
    "unsupported-media-type": "The body must be JSON",
    "invalid": "The input is wrong",
    "precondition-required": "The change needs If-Match",
    "failed": "The hub failed",
    "unavailable": "This can't be answered now",
}
_BY_STATUS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}


class HttpProblem(Exception):
    """An error in words of HTTP; `code` is one of TITLES."""

    def __init__(
        self, status: int, code: str, detail: str, errors: Sequence[ProblemField] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


class BadRequest(HttpProblem):
    """A parameter can't be understood."""

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__(400, "bad-request", why, [ProblemField(parameter=parameter, code="invalid", message=why)])


class NotModified(HttpProblem):
    """What the caller holds is still right; the answer has no body."""

    def __init__(self, etag: str) -> None:
        super().__init__(304, "", "", headers={"ETag": etag})


class PreconditionRequired(HttpProblem):
    def __init__(self) -> None:
        super().__init__(428, "precondition-required", "Read it first and send its ETag as If-Match, so that no other change is lost.")


class PreconditionFailed(HttpProblem):
    def __init__(self) -> None:
        super().__init__(412, "precondition-failed", "It is no longer what was read: read it again and decide anew.")


def response(problem: HttpProblem, path: str, request_id: str | None) -> Response:
    """The problem as it goes out."""
    if problem.status == 304:
        return Response(status_code=304, headers=problem.headers)
    body = Problem(
        type=f"/problems/{problem.code}", title=TITLES[problem.code], status=problem.status, detail=problem.detail, instance=path,
        errors=list(problem.errors) or None, trace_id=request_id,
    )  # fmt: skip
    return Response(body.model_dump_json(exclude_none=True), problem.status, problem.headers, MEDIA_TYPE)


def of_service(error: ServiceError) -> HttpProblem:
    """What a use case raised, in words of HTTP."""
    why = str(error)
    match error:
        case NotFound():
            return HttpProblem(404, "not-found", why)
        case Ended():
            return HttpProblem(410, "ended", why)
        case Conflict():
            return HttpProblem(409, "conflict", why)
        case Invalid():
            faults = [ProblemField(pointer=fault.pointer, code=fault.code, message=fault.why) for fault in error.faults[:MOST_FAULTS]]
            return HttpProblem(422, "invalid", why, faults)
        case Unproven():
            return HttpProblem(401, "unproven", why, headers={"WWW-Authenticate": "Signature"})
        case Refused():
            return HttpProblem(403, "refused", why)
        case Unavailable():
            after = error.retry_after
            headers = None if after is None else {"Retry-After": str(math.ceil(after.total_seconds()))}
            return HttpProblem(503, "unavailable", why, headers=headers)
    return HttpProblem(500, "failed", "The hub failed.")


def of_validation(error: RequestValidationError) -> HttpProblem:
    """What a schema refused: each place with its pointer, none with its value."""
    faults = [_fault(found) for found in error.errors()[:MOST_FAULTS]]
    where = faults[0].parameter or faults[0].pointer or "the body"
    rest = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return HttpProblem(422, "invalid", f"{where}: {faults[0].message}{rest}", faults)


def _fault(found: Mapping[str, Any]) -> ProblemField:
    place, *parts = found["loc"]
    message = str(found["msg"]).removeprefix("Value error, ")
    if found["type"] == "json_invalid":
        why = f"The body is not JSON: {found['ctx']['error']} at character {parts[0]}."
        return ProblemField(pointer="", code="json_invalid", message=why)
    if place == "body":
        return ProblemField(pointer=pointer(parts), code=found["type"], message=message)
    return ProblemField(parameter=".".join(map(str, parts)), code=found["type"], message=message)


def pointer(parts: Sequence[object]) -> str:
    """The JSON Pointer (RFC 6901) of these steps."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def of_http(error: HTTPException) -> HttpProblem:
    """What the framework itself refuses: unknown paths, wrong methods, bodies too large."""
    code = _BY_STATUS.get(error.status_code, "failed" if error.status_code >= 500 else "bad-request")
    detail = str(error.detail or TITLES[code])
    return HttpProblem(error.status_code, code, detail if detail.endswith(".") else f"{detail}.", headers=error.headers)


def install(app: FastAPI) -> None:
    """Whatever goes wrong inside `app` on purpose becomes problem+json; what does not is the gate's (api/gate.py)."""

    async def handle(request: Request, error: Exception) -> Response:
        match error:
            case HttpProblem():
                problem = error
            case ServiceError():
                problem = of_service(error)
            case RequestValidationError():
                problem = of_validation(error)
            case HTTPException():
                problem = of_http(error)
            case _:
                raise error
        return response(problem, request.url.path, request.scope.get(REQUEST_ID))

    for kind in (HttpProblem, ServiceError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
