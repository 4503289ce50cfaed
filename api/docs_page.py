"""`/docs`: the API's documentation, whose scripts come from here and not from elsewhere."""

from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_ASSETS: Final = "/docs/assets"


_router = APIRouter(include_in_schema=False)


def add_docs_page(app: FastAPI) -> None:
    """Serve the page; for an app made with `docs_url=None`."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs assets")
    app.include_router(_router)


@_router.get("/docs")
async def show_docs(request: Request) -> HTMLResponse:
    """The page."""
    app: FastAPI = request.app
    return get_swagger_ui_html(
        openapi_url=str(app.openapi_url),
        title=f"{app.title} API",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )
