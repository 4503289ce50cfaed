"""Whether people, and not the network, kept a delivery from leaving."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from storage.lateness import LATE
from storage.switches.holding import HELD
from storage.tables import DeliveryRow, TimelineRow
from storage.timeline import Event


async def was_held_since(session: AsyncSession, delivery_id: UUID, since: datetime) -> bool:
    """Whether it is held or waits for a decision now, or did so at some time since, UTC."""
    let_go = select(TimelineRow.id).where(
        TimelineRow.post_id == DeliveryRow.post_id,
        TimelineRow.delivery_id == DeliveryRow.id,
        TimelineRow.event.in_([Event.RELEASED, Event.DECIDED]),
        TimelineRow.at > since,
    )
    waits = (DeliveryRow.status == DeliveryStatus.DEFERRED) & (
        DeliveryRow.reason["type"].astext.in_([HELD, LATE])
    )
    query = select(or_(waits, let_go.exists())).where(DeliveryRow.id == delivery_id)
    return bool(await session.scalar(query))
