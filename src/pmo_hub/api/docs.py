"""The page that shows the API to a person: all of it comes from this server, so that it works where there is no internet."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PATH = "/docs"
ASSETS = f"{PATH}/assets"
# The package carries Swagger UI's files; nothing of it is imported.
FILES = ("fastapi_offline", "static")

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def show_docs() -> HTMLResponse:
    """The API's document, to read and to try."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="pmo-hub",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
        # Swagger UI would show the document to a validator of its makers; deep links lead to one endpoint.
        swagger_ui_parameters={"validatorUrl": None, "deepLinking": True, "docExpansion": "none"},
    )


def add_to(app: FastAPI) -> None:
    """The page and its files are served, without a key."""
    app.include_router(router)
    app.mount(ASSETS, StaticFiles(packages=[FILES]), name="docs")
