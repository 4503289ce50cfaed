"""The events in the life of a post, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import TimelineRow
from storage.unnested import unnested


class Event(StrEnum):
    """What can happen to a post or to one of its deliveries."""

    CREATED = "created"
    EDITED = "edited"
    SCHEDULED = "scheduled"
    RESCHEDULED = "rescheduled"
    WORKFLOW_STARTED = "workflow_started"
    PREPARING = "preparing"
    PREPARED = "prepared"
    ARMED = "armed"
    SENDING = "sending"
    PART_PUBLISHED = "part_published"
    PUBLISHED = "published"
    NOT_SENT = "not_sent"
    OUTCOME_UNKNOWN = "outcome_unknown"
    LOOKED_UP = "looked_up"
    DEFERRED = "deferred"
    RELEASED = "released"
    DECIDED = "decided"
    COMMENT_FAILED = "comment_failed"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    RETRY_REQUESTED = "retry_requested"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEvent:
    """One event as it is shown."""

    id: int
    delivery_id: UUID | None
    event: Event
    at: datetime
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """One event about to be written down."""

    post_id: UUID
    event: Event
    delivery_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


async def append(
    session: AsyncSession,
    post_id: UUID,
    event: Event,
    *,
    delivery_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an event down in the transaction that made it happen."""
    new = NewEvent(post_id=post_id, event=event, delivery_id=delivery_id, details=details or {})
    await append_many(session, [new])


async def append_many(session: AsyncSession, events: Sequence[NewEvent]) -> None:
    """Write down what happened to many at once, in their order."""
    if not events:
        return
    new = unnested(
        "new",
        post_id=(Uuid(), [event.post_id for event in events]),
        delivery_id=(Uuid(), [event.delivery_id for event in events]),
        event=(Text(), [str(event.event) for event in events]),
        details=(JSONB(), [dict(event.details) for event in events]),
    )
    await session.execute(
        insert(TimelineRow).from_select(["post_id", "delivery_id", "event", "details"], select(new))
    )


async def list_by_post(
    session: AsyncSession, post_id: UUID, *, after: int = 0, limit: int
) -> list[TimelineEvent]:
    """A post's events from the first one on."""
    query = (
        select(TimelineRow)
        .where(TimelineRow.post_id == post_id, TimelineRow.id > after)
        .order_by(TimelineRow.id)
        .limit(limit)
    )
    return [
        TimelineEvent(
            id=row.id,
            delivery_id=row.delivery_id,
            event=Event(row.event),
            at=row.at,
            details=row.details,
        )
        for row in (await session.scalars(query)).all()
    ]
