"""Posts made by one request: counted by status, and found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import PostStatus
from storage.tables import BatchRow, PostRow


class BatchSource(StrEnum):
    """What kind of request made it."""

    BULK = "bulk"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Posts that one request made."""

    id: UUID
    workspace_id: UUID
    source: BatchSource
    size: int
    """How many posts it made."""
    created_at: datetime
    cancelled_at: datetime | None
    """When it was first cancelled."""


async def create(session: AsyncSession, batch: Batch, *, created_by: UUID) -> None:
    """Keep a batch whose posts follow in the same transaction."""
    await session.execute(
        insert(BatchRow).values(
            id=batch.id,
            workspace_id=batch.workspace_id,
            source=batch.source.value,
            size=batch.size,
            created_at=batch.created_at,
            created_by=created_by,
        )
    )


async def find(session: AsyncSession, workspace_id: UUID, batch_id: UUID) -> Batch | None:
    """The batch of that id, if it is the workspace's."""
    query = select(BatchRow).where(BatchRow.id == batch_id, BatchRow.workspace_id == workspace_id)
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else _batch(row)


async def list_page(
    session: AsyncSession, workspace_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Batch]:
    """A workspace's batches, newest first."""
    query = (
        select(BatchRow)
        .where(BatchRow.workspace_id == workspace_id)
        .order_by(BatchRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(BatchRow.id < before)
    return [_batch(row) for row in await session.scalars(query)]


async def count_posts(session: AsyncSession, batch_id: UUID) -> Mapping[PostStatus, int]:
    """How many of the batch's posts have which status."""
    query = (
        select(PostRow.status, func.count().label("number"))
        .where(PostRow.batch_id == batch_id)
        .group_by(PostRow.status)
    )
    return {row.status: row.number for row in await session.execute(query)}


async def note_cancelled(session: AsyncSession, batch_id: UUID) -> None:
    """Keep that the batch was cancelled now, unless it was before."""
    await session.execute(
        update(BatchRow)
        .where(BatchRow.id == batch_id)
        .values(cancelled_at=func.coalesce(BatchRow.cancelled_at, func.now()))
    )


def _batch(row: BatchRow) -> Batch:
    return Batch(
        id=row.id,
        workspace_id=row.workspace_id,
        source=BatchSource(row.source),
        size=row.size,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
    )
