"""Forgets what nobody reads any more."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import NotificationCauseRow, NotificationRow


async def forget_read(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove notifications that were read before then; how many. Unread ones stay."""
    old = (
        select(NotificationRow.id)
        .where(NotificationRow.read_at < before)
        .order_by(NotificationRow.read_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()  # chosen once, whatever the plan
    )
    removed = await session.scalars(
        delete(NotificationRow)
        .where(NotificationRow.id.in_(select(old.c.id)))
        .returning(NotificationRow.id)
    )
    return len(removed.all())


async def forget_causes(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove what was told before then; how many. Should it happen again, it is told again."""
    cause = NotificationCauseRow
    key = (cause.user_id, cause.kind, cause.subject_id, cause.cause_id)
    old = (
        select(*key)
        .where(cause.told_at < before)
        .order_by(cause.told_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()
    )
    removed = await session.scalars(
        delete(cause).where(tuple_(*key).in_(select(old))).returning(cause.cause_id)
    )
    return len(removed.all())
