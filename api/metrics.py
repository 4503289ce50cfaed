"""`/metrics`, where a setting allows it: what Prometheus reads, and what counts requests for it."""

import time
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.resources import WithResources
from runtime.metrics import MEDIA_TYPE

PATH: Final = "/metrics"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def show_metrics(resources: WithResources) -> Response:
    """This process's counts. Meant for the inside of a network: it asks for no key."""
    return Response(resources.metrics.exposition(), media_type=MEDIA_TYPE)


class RequestMetrics:
    """ASGI middleware: counts every answer by the route that gave it."""

    def __init__(self, app: ASGIApp) -> None:
        """`app.state.resources` holds the counts."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            method = scope["method"]
            scope["app"].state.resources.metrics.answered(
                # What anybody may make up must not become a series of its own.
                method=method if method in _METHODS else "other",
                route=getattr(scope.get("route"), "path", "none"),
                status=status,
                took=timedelta(seconds=time.perf_counter() - started),
            )
