"""Answers that say what was wrong, where, and what to do: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldProblem:
    """One thing in a request that has to change."""

    field: str
    """Path into the body, or the parameter's name: `targets[0].account_id`, `limit`."""
    rule: str
    """The broken rule as a stable word for programs."""
    message: str
    """What is wrong, without repeating secrets or whole texts."""
    fix: str
    """What to do about it."""
    limit: int | float | str | None = None
    actual: int | float | str | None = None


class Problem(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        slug: str,
        title: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`slug` ends the type, `/problems/{slug}`; `title` is the same for all of a type."""
        super().__init__(detail)
        self.detail = detail
        self.status = int(status)
        self.slug = slug
        self.title = title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def body(self, request_id: str | None) -> dict[str, Any]:
        """What the caller reads."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [_without_nulls(asdict(error)) for error in self.errors]
        if request_id is not None:
            body["request_id"] = request_id
        return body


class NotFound(Problem):
    """Nothing of that id where the caller may look."""

    def __init__(self, noun: str, wanted: UUID, *, place: str = "in this workspace") -> None:
        """`noun` is what was looked for: post, account, media item …"""
        super().__init__(
            f"There is no {noun} {wanted} {place}.",
            status=HTTPStatus.NOT_FOUND,
            slug="not-found",
            title="Not found",
        )


class InvalidRequest(Problem):
    """Well-formed, and yet not usable: each error names a field."""

    def __init__(self, *errors: FieldProblem) -> None:
        """The detail names the first of the errors, and how many more there are."""
        first, more = errors[0], len(errors) - 1
        detail = f"{first.field}: {first.message}" + (f" ({more} more below.)" if more else "")
        super().__init__(
            detail,
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            slug="invalid-request",
            title="The request cannot be used",
            errors=errors,
        )


class Conflict(Problem):
    """Fine by itself, but not in the present state of things."""

    def __init__(
        self, detail: str, *, slug: str, title: str, errors: Sequence[FieldProblem] = ()
    ) -> None:
        """See Problem."""
        super().__init__(detail, status=HTTPStatus.CONFLICT, slug=slug, title=title, errors=errors)


class TooLarge(Problem):
    """More bytes than are taken."""

    def __init__(self, limit: int, *, field: str = "body") -> None:
        """`limit` is in bytes."""
        message = f"is larger than {limit:,} bytes"
        super().__init__(
            f"The {field} {message}.",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            slug="too-large",
            title="Too large",
            errors=[
                FieldProblem(
                    field=field, rule="too_large", message=message, fix="Send less.", limit=limit
                )
            ],
        )


class Unavailable(Problem):
    """Something that the answer needs is not there right now."""

    def __init__(self, detail: str, *, slug: str = "unavailable", retry_after: int = 5) -> None:
        """`retry_after` is in seconds."""
        super().__init__(
            detail,
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            slug=slug,
            title="Not available at the moment",
            headers={"Retry-After": str(max(1, retry_after))},
        )


class ProblemResponse(Response):
    """A problem on its way out."""

    media_type = MEDIA_TYPE


def problem_response(problem: Problem, request_id: str | None) -> ProblemResponse:
    """The problem as a response."""
    body = orjson.dumps(problem.body(request_id))
    return ProblemResponse(body, status_code=problem.status, headers=problem.headers)


class FieldProblemSchema(BaseModel):
    """One thing in the request that has to change."""

    field: Annotated[str, Field(examples=["limit"])]
    rule: Annotated[str, Field(examples=["less_than_equal"])]
    message: Annotated[str, Field(examples=["Input should be less than or equal to 100"])]
    fix: Annotated[str, Field(examples=["Use at most 100."])]
    limit: int | float | str | None = None
    actual: int | float | str | None = None


class ProblemSchema(BaseModel):
    """RFC 9457 problem details, with the fields that were wrong and how to mend each."""

    model_config = ConfigDict(title="Problem")

    type: Annotated[str, Field(examples=["/problems/invalid-request"])]
    title: Annotated[str, Field(examples=["The request cannot be used"])]
    status: Annotated[int, Field(examples=[422])]
    detail: str
    errors: list[FieldProblemSchema] | None = None
    request_id: Annotated[str | None, Field(examples=["0198c5e0f3a87c2b8d6a1f0e"])] = None


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
