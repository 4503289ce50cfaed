"""Wraps every request: its id, its log line, its headers, and the answer when all else fails."""

import re
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, problem_response
from api.rate_limit import Header, admission_headers
from domain.ids import new_id

REQUEST_ID_HEADER: Final = "X-Request-ID"

_REQUEST_ID: Final = REQUEST_ID_HEADER.lower().encode()
_UNLESS_GIVEN: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
)

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_QUIET: Final = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds by supervisors: logged only when they fail."""

log = structlog.get_logger("api.requests")


def request_id_of(connection: HTTPConnection) -> str | None:
    """The id under which this request is logged."""
    found = getattr(connection.state, "request_id", None)
    return found if isinstance(found, str) else None


class RequestContext:
    """ASGI middleware; outermost, so that every answer passes through it."""

    def __init__(
        self, app: ASGIApp, *, log_requests: bool, unexpected: Callable[[], Problem]
    ) -> None:
        """`unexpected` makes the problem that stands for a fault of ours."""
        self._app = app
        self._log_requests = log_requests
        self._unexpected = unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()  # of a request that this task served before
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._serve(scope, receive, send, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = time.perf_counter()
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [
                    *_with_ours(message.get("headers", ()), request_id),
                    *admission_headers(scope["state"]),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            log.info("client went away", **_about(scope))
        except Exception as error:  # noqa: BLE001  the last resort: everything becomes an answer
            _log_fault(scope, error)
            if status is None:
                answer = problem_response(self._unexpected(), request_id)
                await answer(scope, receive, send_with_headers)
        finally:
            if self._log_requests and not (scope["path"] in _QUIET and status == 200):
                elapsed = round((time.perf_counter() - started) * 1000, 1)
                log.info("request", status=status, ms=elapsed, **_about(scope))


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            offered = value.decode("latin-1")
            if _SANE_ID.fullmatch(offered):
                return str(offered)
            break
    return new_id().hex


def _with_ours(headers: Iterable[Header], request_id: str) -> list[Header]:
    """As ASGI has them, lower-case bytes: this runs for every request."""
    all_of_them = list(headers)
    given = {name for name, _ in all_of_them}
    all_of_them += [header for header in _UNLESS_GIVEN if header[0] not in given]
    all_of_them.append((_REQUEST_ID, request_id.encode()))
    return all_of_them


def _about(scope: Scope) -> dict[str, Any]:
    """What may be logged of a request: no query, no body, no credentials."""
    about = {"method": scope["method"], "route": getattr(scope.get("route"), "path", "unknown")}
    for name in ("workspace_id", "user_id"):
        if known := scope["state"].get(name):
            about[name] = str(known)
    return about


def _log_fault(scope: Scope, error: Exception) -> None:
    """Where it happened, without the error's own words: those may quote texts and tokens."""
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    log.error("unexpected error", error=type(error).__name__, frames=frames, **_about(scope))
