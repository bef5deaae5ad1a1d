"""The ASGI application for servers of one's own choice: `uvicorn --factory pmo_hub.app:create_app`."""

from __future__ import annotations

import atexit
from contextlib import ExitStack

from fastapi import FastAPI

from pmo_hub import bootstrap, log, settings


def create_app() -> FastAPI:
    """The hub that PMO_HUB_* describes. On SQLite its process runs the jobs too; on PostgreSQL that is `pmo-hub worker`'s."""
    given = settings.load()
    log.configure(given.log_level, given.log_format)
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(bootstrap.serving(given, with_worker=given.is_sqlite))
