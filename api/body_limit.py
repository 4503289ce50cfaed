"""Refuses bodies that are too large before they are read, or as soon as they turn out to be."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import TooLarge, problem_response


class BodyTooLarge(HTTPException):
    """Found while reading; FastAPI lets only its own exceptions through there."""

    def __init__(self, limit: int) -> None:
        """`limit` is in bytes."""
        super().__init__(413)
        self.limit = limit


class BodyLimit:
    """ASGI middleware. Nothing beyond the limit is kept in memory or on disk."""

    def __init__(self, app: ASGIApp, *, limit: int, limits: Mapping[str, int]) -> None:
        """`limit` is in bytes; `limits` has the paths where another one holds."""
        self._app = app
        self._limit = limit
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits.get(scope["path"], self._limit)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            answer = problem_response(TooLarge(limit), scope["state"].get("request_id"))
            await answer(scope, receive, send)
            return
        taken = 0

        async def receive_within_limit() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise BodyTooLarge(limit)
            return message

        await self._app(scope, receive_within_limit, send)
