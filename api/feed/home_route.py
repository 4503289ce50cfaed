"""The beginning of a home feed, which is what people ask for most, on a shorter way.

Finding a route and solving FastAPI's dependencies cost more than what a kept feed is answered with.
So the first page is answered before that, through the same functions, when all is well. Whatever is
not (nobody known, over a limit, no database) goes on to the documented route, which says so.
"""

from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth.dependencies import signed_in_before
from api.feed.reading_routes import JSON, reading_service
from api.pagination import DEFAULT_LIMIT, PageRequest
from api.problems import Problem
from api.resources import resources_of
from storage.database import DatabaseUnavailable

HOME_PATH: Final = "/v1/feed/home"

_AUTHORIZATION: Final = b"authorization"
_TYPE: Final = (b"content-type", JSON.encode())
_FIRST_PAGE: Final = PageRequest(before=None, limit=DEFAULT_LIMIT)


class FirstPageOfHome:
    """ASGI middleware: answers `GET /v1/feed/home` without a query."""

    path: Final = HOME_PATH
    """Under which it is logged and counted, as the route is."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` has the documented route."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        plain = (
            scope["type"] == "http"
            and scope["path"] == HOME_PATH
            and scope["method"] == "GET"
            and not scope["query_string"]
        )
        page = await _first_page(scope) if plain else None
        if page is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self
        length = (b"content-length", b"%d" % len(page))
        await send({"type": "http.response.start", "status": 200, "headers": [length, _TYPE]})
        await send({"type": "http.response.body", "body": page})


async def _first_page(scope: Scope) -> bytes | None:
    presented = next((value for name, value in scope["headers"] if name == _AUTHORIZATION), b"")
    scheme, _, token = presented.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        return None
    request = Request(scope)
    try:
        resources = await resources_of(request)
        user = await signed_in_before(request, resources, token)
        if user is None:
            return None
        service = await reading_service(resources)
        return await service.home(user.user_id, _FIRST_PAGE)
    except (Problem, DatabaseUnavailable):
        return None
