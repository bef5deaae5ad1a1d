"""The API put together: routers, the gate before them, errors in one shape, and the document that describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from pmo_hub import __version__
from pmo_hub.api import docs, errors, webhooks
from pmo_hub.api.deps import allow
from pmo_hub.api.gate import Gate
from pmo_hub.api.quick import QuickRead
from pmo_hub.api.routes import QUICK_READS, ROUTERS, hooks, probes
from pmo_hub.api.schemas.events import Message
from pmo_hub.api.schemas.problems import Problem
from pmo_hub.services.events import Tail
from pmo_hub.services.hub import Hub
from pmo_hub.services.receiving import Refusals

PREFIX = "/api/v1"
DESCRIPTION = """Projects, their health and how they are governed, read from the tools in which the work is done.

Every request below `/api` needs a key: `Authorization: Bearer pmo_…` (or `X-API-Key`). `pmo-hub key create` makes the first one.
Errors are `application/problem+json` (RFC 9457). Lists are paged: send `next_cursor` back as `cursor`, with the same filters.
Instants are RFC 3339 with a time zone; `null` means unknown, never zero."""

_PROBLEM = {"description": "A problem", "content": {errors.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def application(hub: Hub | None, lifespan: Lifespan | None = None) -> FastAPI:
    """The ASGI application that serves this hub; without one it can only be described."""
    app = FastAPI(
        title="pmo-hub",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # the framework's page loads its scripts from somebody else's server
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        middleware=[Middleware(Gate)],
        lifespan=lifespan,
    )
    app.state.hub = hub
    app.state.refusals = Refusals()
    app.state.tail = Tail()
    errors.install(app)
    app.router.routes.extend(QuickRead(PREFIX + path, scope, read) for path, (scope, read) in QUICK_READS.items())
    app.include_router(probes.router)
    app.include_router(hooks.router, responses=RESPONSES)
    docs.add_to(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, responses=RESPONSES)
    describe = app.openapi
    app.openapi = lambda: _completed(app, describe)  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _completed(app: FastAPI, describe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The framework's document with what it can't know: the keys that the gate asks for, and the shape of errors."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = describe()
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, pmo_…"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key"},
    }
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas.update(schema.pop("$defs", {}))
    schemas["Problem"] = schema
    told = Message.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(told.pop("$defs", {}))
    schemas["Message"] = told
    components["schemas"] = dict(sorted(schemas.items()))
    document["webhooks"] = webhooks.described()
    asked = {route.name: scope for router in ROUTERS for route, scope in scoped(router)}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            first, _, rest = operation.pop("description", operation["summary"]).partition("\n")
            operation["summary"] = first.rstrip(".")
            if path.startswith(PREFIX):
                operation["security"] = [{"bearer": []}, {"header": []}]
                rest = f"{rest.strip()}\n\nThe key needs the scope `{asked.get(operation['operationId'])}`."
            operation["description"] = rest.strip()
    app.openapi_schema = document
    return document


def scoped(router: APIRouter) -> Iterator[tuple[APIRoute, str | None]]:
    """The router's endpoints, each with the scope that it asks of a key; None where it asks for none."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            gates = [found.call for found in route.dependant.dependencies if isinstance(found.call, allow)]
            yield route, gates[-1].scope if gates else None
