"""How many posts are asked for at once, and how batches are shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
)

from api.posts.schemas import Warnings, WarningShown
from api.posts.wanted_schemas import PostWanted
from api.problems import FieldProblem, FieldProblemSchema
from api.request_validation import as_problem
from domain.deliveries import PostStatus
from storage.batches import Batch, BatchSource

MAX_ROWS: Final = 1000
"""Posts of one request."""


class BulkMode(StrEnum):
    """What a row that cannot be accepted means for the others."""

    ALL_OR_NOTHING = "all_or_nothing"
    PER_ROW = "per_row"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnusableRow:
    """A row that is not even the form of a post."""

    problems: Sequence[FieldProblem]


def post_or_problems(row: object) -> PostWanted | UnusableRow:
    """The row as a post, or what is wrong with it, without a word about other rows."""
    return _post_or_problems(row, PostWanted.model_validate)


def _post_or_problems(row: object, as_post: Callable[[object], Any]) -> PostWanted | UnusableRow:
    try:
        post: PostWanted = as_post(row)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        return UnusableRow(problems=as_problem(RequestValidationError(found, body=row)).errors)
    return post


Row = Annotated[PostWanted, WrapValidator(_post_or_problems)]
"""In a request's body: a post; in Python, a `PostWanted` or an `UnusableRow`."""


class BulkWanted(BaseModel):
    """Up to 1,000 posts."""

    model_config = ConfigDict(extra="forbid")

    posts: Annotated[list[Row], Field(min_length=1, max_length=MAX_ROWS)]
    mode: Annotated[
        BulkMode,
        Field(description="Whether a row that is refused keeps the others from being accepted."),
    ] = BulkMode.ALL_OR_NOTHING
    dry_run: Annotated[bool, Field(description="Check every row, and save nothing.")] = False


class RowResult(BaseModel):
    """What became of one row."""

    index: Annotated[int, Field(description="From 0, in the order of the request.")]
    line: Annotated[
        int | None, Field(description="Of a CSV file: the line on which the row begins.")
    ] = None
    post_id: Annotated[UUID | None, Field(description="Null when refused, and in a dry run.")]
    errors: Annotated[
        list[FieldProblemSchema],
        Field(description="Why it was refused; empty when it was not. Fields of the row."),
    ]
    warnings: Warnings = []

    @classmethod
    def of(
        cls,
        index: int,
        line: int | None,
        post_id: UUID | None,
        problems: Sequence[FieldProblem],
        warnings: list[WarningShown],
    ) -> Self:
        """As it is shown."""
        errors = [FieldProblemSchema(**asdict(problem)) for problem in problems]
        return cls(index=index, line=line, post_id=post_id, errors=errors, warnings=warnings)


class BulkResult(BaseModel):
    """What became of all rows."""

    batch_id: Annotated[UUID | None, Field(description="Null when nothing was saved.")]
    mode: BulkMode
    dry_run: bool
    accepted: Annotated[int, Field(description="Rows that became posts; in a dry run, that would.")]
    refused: int
    rows: list[RowResult]


class BatchShown(BaseModel):
    """Posts that one request made."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    source: BatchSource
    size: Annotated[int, Field(description="How many posts it made.")]
    created_at: datetime
    cancelled_at: Annotated[datetime | None, Field(description="When it was first cancelled.")]

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """As it is shown."""
        return cls.model_validate(batch)


class BatchCounted(BatchShown):
    """A batch, and how far its posts are."""

    posts: Annotated[
        Mapping[PostStatus, int], Field(description="How many of its posts have which status.")
    ]

    @classmethod
    def with_counts(cls, batch: Batch, counts: Mapping[PostStatus, int]) -> Self:
        """As it is shown by itself."""
        return cls(**BatchShown.of(batch).model_dump(), posts=counts)


class NotCancelled(BaseModel):
    """A post that is public already, or may be."""

    post_id: UUID
    status: PostStatus
    reason: str


class BatchCancelled(BaseModel):
    """What a batch's cancellation came to."""

    batch_id: UUID
    cancelled: Annotated[
        list[UUID],
        Field(description="Posts that are never published, those cancelled before among them."),
    ]
    not_cancelled: list[NotCancelled]
