"""How many posts are due around the same second: the more, the earlier each has to be armed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import DateTime, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import PostStatus
from storage.outbox import OutboxKind
from storage.tables import OutboxRow, PostRow
from storage.unnested import unnested

SPAN = timedelta(seconds=10)
"""What counts as around the same second."""

_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def span_of(moment: datetime) -> datetime:
    """The beginning of the span that the moment is in, UTC."""
    return moment - (moment - _EPOCH) % SPAN


async def started(session: AsyncSession, spans: Iterable[datetime]) -> Mapping[datetime, int]:
    """By span: how many posts due in it have had their workflow started already."""
    asked = unnested("asked", span=(DateTime(timezone=True), sorted(set(spans))))
    until = asked.c.span + SPAN
    due = (
        select(func.count())
        .where(
            PostRow.publish_at >= asked.c.span,
            PostRow.publish_at < until,
            PostRow.status.in_((PostStatus.SCHEDULED, PostStatus.PUBLISHING)),
        )
        .scalar_subquery()
    )
    pending = (
        select(func.count())
        .where(
            OutboxRow.due_at >= asked.c.span,
            OutboxRow.due_at < until,
            OutboxRow.kind == OutboxKind.START_POST,
        )
        .scalar_subquery()
    )
    rows = await session.execute(select(asked.c.span, due - pending))
    return {span: max(count, 0) for span, count in rows}
