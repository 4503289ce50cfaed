"""The beginning of a home feed, which is what people ask for most, on a shorter way.

FastAPI's dependencies cost more than what a kept feed is answered with. So the first page is served
by a plain route, through the same functions; whatever else a request wants goes to the documented
one, which answers the same.
"""

from typing import Final

from fastapi import Request
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from api.auth.dependencies import signed_in
from api.feed.reading_routes import JSON, reading_service
from api.pagination import DEFAULT_LIMIT, PageRequest
from api.resources import resources_of

HOME_PATH: Final = "/v1/feed/home"

_FIRST_PAGE: Final = PageRequest(before=None, limit=DEFAULT_LIMIT)


class FirstPageOfHome(Route):
    """`GET /v1/feed/home` without a query; it has to stand before the documented route."""

    def __init__(self) -> None:
        """It is not part of the API's description: the documented route is."""
        super().__init__(HOME_PATH, _show_first_page, methods=["GET"], include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Only what asks for nothing special."""
        plain = (
            scope["type"] == "http"
            and scope["path"] == HOME_PATH
            and scope["method"] == "GET"
            and not scope["query_string"]
        )
        if not plain:
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": {}, "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what it raises is answered where the app answers all problems."""
        answer = await _show_first_page(Request(scope, receive, send))
        await answer(scope, receive, send)


async def _show_first_page(request: Request) -> Response:
    resources = await resources_of(request)
    user = await signed_in(request, resources, _presented(request))
    service = await reading_service(resources)
    return Response(await service.home(user.user_id, _FIRST_PAGE), media_type=JSON)


def _presented(request: Request) -> HTTPAuthorizationCredentials | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials:
        return None
    return HTTPAuthorizationCredentials(scheme=scheme, credentials=credentials)
