"""Turns everything that can go wrong in a request into a problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from api.body_limit import BodyTooLarge
from api.problems import (
    FieldProblem,
    InvalidRequest,
    Problem,
    TooLarge,
    Unavailable,
    problem_response,
)
from api.request_context import request_id_of
from api.request_validation import as_problem, malformed_body
from storage.database import DatabaseUnavailable
from storage.media_store import MediaMissing, MediaStoreError, MediaStoreFull

_UNSTORABLE_TEXT: Final = frozenset({"22021", "22P05"})
"""SQLSTATEs for characters that PostgreSQL's text and jsonb cannot hold: NUL, lone surrogates."""


def install(app: FastAPI) -> None:
    """Answer every kind of error of this app as a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DatabaseUnavailable, _database_unavailable)
    app.add_exception_handler(DBAPIError, _database_refused)
    app.add_exception_handler(MediaStoreError, _media_store)


def unexpected_problem() -> Problem:
    """What a caller learns of a fault of ours: nothing but the request id."""
    return Problem(
        "Something went wrong here. Repeat the request; if it goes on, report the request id.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        slug="unexpected",
        title="Unexpected error",
    )


def _answer(request: Request, problem: Problem) -> Response:
    return problem_response(problem, request_id_of(request))


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return _answer(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(request, as_problem(error))


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _answer(request, _from_http(request, error))


async def _database_unavailable(request: Request, error: Exception) -> Response:
    del error
    return _answer(request, Unavailable("The database does not answer. Repeat the request."))


async def _database_refused(request: Request, error: Exception) -> Response:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state not in _UNSTORABLE_TEXT:
        raise error
    unusable = FieldProblem(
        field="body",
        rule="unstorable_text",
        message="A text contains a character that cannot be kept, such as NUL (\\u0000).",
        fix="Remove control characters from the texts.",
    )
    return _answer(request, InvalidRequest(unusable))


async def _media_store(request: Request, error: Exception) -> Response:
    if isinstance(error, MediaStoreFull):
        full = Problem(
            "There is no room left for media; nothing was saved. Tell the operator.",
            status=HTTPStatus.INSUFFICIENT_STORAGE,
            slug="media-store-full",
            title="No room left",
        )
        return _answer(request, full)
    if isinstance(error, MediaMissing):
        gone = Problem(
            "The file of this media item is not in the media store. Upload it again.",
            status=HTTPStatus.NOT_FOUND,
            slug="media-missing",
            title="The file is gone",
        )
        return _answer(request, gone)
    return _answer(
        request, Unavailable("The media store does not answer.", slug="media-store-unavailable")
    )


def _from_http(request: Request, error: HTTPException) -> Problem:
    if isinstance(error, BodyTooLarge):
        return TooLarge(error.limit)
    headers: Mapping[str, str] = error.headers or {}
    match error.status_code:
        case 400:
            return malformed_body(f"{str(error.detail).rstrip('.')}.")
        case 404:
            detail = f"There is nothing at {request.url.path}. /docs lists every address."
        case 405:
            detail = (
                f"{request.method} is not possible here. Use {headers.get('allow', 'another')}."
            )
        case _:
            detail = f"{error.detail}."
    phrase = HTTPStatus(error.status_code).phrase
    return Problem(
        detail,
        status=error.status_code,
        slug=phrase.lower().replace(" ", "-"),
        title=phrase,
        headers=headers,
    )
