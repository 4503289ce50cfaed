"""How what waits and what is stuck is shown."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.admin.reasons import Why
from storage.stuck_jobs import JobCounts, StuckJob
from storage.stuck_outbox import OutboxCounts, WaitingItem

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Ids = Annotated[list[Number], Field(min_length=1, max_length=100)]


class OutboxItemShown(BaseModel):
    """One thing that was decided about a post and is not done yet."""

    id: int
    kind: str
    workspace_id: UUID
    post_id: UUID
    due_at: Annotated[datetime, Field(description="The publish time: the earliest goes first.")]
    created_at: datetime
    available_at: Annotated[
        datetime, Field(description="Not before: a relay is at it, or waits after a failure.")
    ]
    tries: int
    last_error: str | None

    @classmethod
    def of(cls, item: WaitingItem) -> Self:
        """As it is shown."""
        return cls.model_validate(item, from_attributes=True)


class DeadJobShown(BaseModel):
    """A job that is not tried any more."""

    id: int
    kind: str
    subject_id: UUID
    tries: int
    last_error: str
    created_at: datetime
    dead_at: datetime

    @classmethod
    def of(cls, job: StuckJob) -> Self:
        """As it is shown: without what it was given, which may name people."""
        return cls.model_validate(job, from_attributes=True)


class OutboxKindCounts(BaseModel):
    """How much there is of one kind."""

    kind: str
    waiting: int
    failing: Annotated[int, Field(description="Those of them that failed before.")]
    oldest: Annotated[datetime, Field(description="When the oldest of them was decided.")]


class OutboxCountsShown(BaseModel):
    """What the outbox holds, by kind."""

    items: list[OutboxKindCounts]

    @classmethod
    def of(cls, counts: list[OutboxCounts]) -> Self:
        """As it is shown."""
        return cls(
            items=[OutboxKindCounts.model_validate(one, from_attributes=True) for one in counts]
        )


class JobKindCounts(BaseModel):
    """How much there is of one kind."""

    kind: str
    waiting: int
    failing: Annotated[int, Field(description="Those of them that failed before.")]
    dead: int
    oldest: Annotated[
        datetime | None, Field(description="When the one that waits longest was due.")
    ]


class JobCountsShown(BaseModel):
    """What jobs there are, by kind."""

    items: list[JobKindCounts]

    @classmethod
    def of(cls, counts: list[JobCounts]) -> Self:
        """As it is shown."""
        return cls(
            items=[JobKindCounts.model_validate(one, from_attributes=True) for one in counts]
        )


class Chosen(BaseModel):
    """Which of them."""

    model_config = ConfigDict(extra="forbid")

    ids: Ids
    reason: Why


class Touched(BaseModel):
    """Which of the chosen were there."""

    ids: list[int]
