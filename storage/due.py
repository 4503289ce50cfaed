"""What is due and not settled: the question that the sweep asks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import SETTLED, DeliveryStatus
from storage.tables import DeliveryRow, OutboxRow

_UNSETTLED = [status for status in DeliveryStatus if status not in SETTLED]

_IS_UNSETTLED = DeliveryRow.status.in_(
    # Spelt out, because a parameter would keep the planner from the partial index.
    [literal(status, DeliveryRow.status.type, literal_execute=True) for status in _UNSETTLED]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DueDelivery:
    """A delivery whose time has come, or is about to, with work left."""

    delivery_id: UUID
    root_id: UUID
    post_id: UUID
    workspace_id: UUID
    publish_at: datetime

    @property
    def is_retry(self) -> bool:
        """Whether it has a workflow of its own."""
        return self.delivery_id != self.root_id


async def list_due(
    session: AsyncSession,
    *,
    before: datetime,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[DueDelivery]:
    """Unsettled deliveries due before then, earliest first, of which no relay knows more.

    `after` is where an earlier list ended: publish time, UTC, and id of its last one.
    """
    on_its_way = select(OutboxRow.id).where(OutboxRow.subject_id == DeliveryRow.post_id)
    query = (
        select(DeliveryRow)
        .where(
            _IS_UNSETTLED,
            ~DeliveryRow.superseded,
            DeliveryRow.publish_at < before,
            ~on_its_way.exists(),
        )
        .order_by(DeliveryRow.publish_at, DeliveryRow.id)
        .limit(limit)
    )
    if after is not None:
        place = tuple_(DeliveryRow.publish_at, DeliveryRow.id)
        query = query.where(place > after)
    return [
        DueDelivery(
            delivery_id=row.id,
            root_id=row.root_id,
            post_id=row.post_id,
            workspace_id=row.workspace_id,
            publish_at=row.publish_at,
        )
        for row in (await session.scalars(query)).all()
        if row.publish_at is not None
    ]


async def posts_with_work(session: AsyncSession, post_ids: list[UUID]) -> set[UUID]:
    """Those of the posts that have a delivery left to settle, or news on the way."""
    unsettled = select(DeliveryRow.post_id).where(DeliveryRow.post_id.in_(post_ids), _IS_UNSETTLED)
    on_its_way = select(OutboxRow.subject_id).where(OutboxRow.subject_id.in_(post_ids))
    found = set((await session.scalars(unsettled)).all())
    return found | set((await session.scalars(on_its_way)).all())
