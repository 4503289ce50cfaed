"""Events that sockets send: each has a shape, and is acknowledged with a result or a problem."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.problem_handlers import unexpected_problem
from api.problems import Problem, Unavailable
from api.request_validation import as_problem
from realtime.host import Connection
from storage.database import DatabaseUnavailable

log = structlog.get_logger("api.live")

Handler = Callable[[Connection, Any], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Event:
    """One event that sockets may send."""

    payload: type[BaseModel]
    handle: Handler
    """Gets the payload as that model."""


Events = Mapping[str, Event]
"""By name."""

_UNKNOWN: Final = "unknown-event"


class UnknownEvent(Problem):
    """A name that nothing listens to."""

    def __init__(self, known: Events) -> None:
        """The known ones are listed."""
        super().__init__(
            f"There is no such event. Known are {', '.join(sorted(known))}.",
            status=404,
            slug=_UNKNOWN,
            title="Unknown event",
        )


class TooManyEvents(Problem):
    """Sooner than the limit allows."""

    def __init__(self, wait: float) -> None:
        """`wait` is in seconds."""
        super().__init__(
            f"This socket sends too much. Send the event again in {ceil(wait * 1000)} ms; a socket"
            " that goes on is disconnected.",
            status=429,
            slug="rate-limited",
            title="Too many events",
        )


async def answer(
    known: Events, connection: Connection, event: str, payload: object
) -> dict[str, Any]:
    """The acknowledgement: {ok: true, …} or {ok: false, problem}. Raises nothing."""
    found = known.get(event)
    if found is None:
        return refusal(UnknownEvent(known))
    try:
        return {"ok": True, **await found.handle(connection, _read(found.payload, payload))}
    except Problem as problem:
        return refusal(problem)
    except DatabaseUnavailable:
        return refusal(Unavailable("The database does not answer. Send the event again."))
    except Exception as error:  # noqa: BLE001  the last resort: everything becomes an answer
        return refusal(_unexpected(event, error))


def refusal(problem: Problem) -> dict[str, Any]:
    """A problem as an acknowledgement."""
    return {"ok": False, "problem": problem.body(None)}


def _read(shape: type[BaseModel], payload: object) -> BaseModel:
    try:
        return shape.model_validate({} if payload is None else payload)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise as_problem(RequestValidationError(found, body=payload)) from None


def _unexpected(event: str, error: Exception) -> Problem:
    """Logged without the error's own words: those may quote texts and tokens."""
    log.error("unexpected error", socket_event=event, error=type(error).__name__)
    return unexpected_problem()
