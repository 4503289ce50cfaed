"""Moments in query parameters."""

from datetime import datetime

from api.problems import FieldProblem, InvalidRequest
from domain.publish_time import InvalidPublishTime, parse_instant


def instant_of(name: str, value: str | None) -> datetime | None:
    """The RFC 3339 moment that a parameter names, UTC; None when it is left out.

    Raises InvalidRequest.
    """
    try:
        return None if value is None else parse_instant(value)
    except InvalidPublishTime as error:
        raise InvalidRequest(
            FieldProblem(field=name, rule=error.rule, message=str(error), fix=error.fix)
        ) from error
