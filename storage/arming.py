"""Deliveries on their way to a worker: what it prepares or holds, read as it is then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, Integer, Uuid, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import WAITING, DeliveryStatus
from domain.lateness import SHORTEST
from storage import timeline
from storage.delivery_state import DeliveryState, load_many
from storage.lateness import settle_late
from storage.post_status import derive_post_statuses, lock_posts
from storage.tables import AttemptRow, DeliveryRow
from storage.timeline import Event, NewEvent
from storage.unnested import is_among, unnested
from storage.waking import wake_after_commit

MOVED: Final = "punctual_moved"
"""The channel on which workers hear of posts that were changed while they had them armed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A delivery that a worker is asked to see to."""

    delivery_id: UUID
    due_by: datetime | None = None
    """The publish time that the worker was told, UTC: what was moved later is left alone."""


async def arm_many(
    session: AsyncSession, arrivals: Sequence[Arrival], now: datetime
) -> list[DeliveryState | Exception]:
    """Arm what waits, and read each as it is then; LookupError for one that does not exist.

    What is too late for its author is not armed: it is cancelled, or waits for a decision.
    """
    await _lock(session, arrivals)
    late = await settle_late(session, _overdue(arrivals, now), now)
    armed = [one for one in arrivals if one.delivery_id not in late]
    await _enter(session, armed, DeliveryStatus.ARMED, Event.ARMED)
    return await _read(session, arrivals)


async def prepare_many(
    session: AsyncSession, arrivals: Sequence[Arrival]
) -> list[DeliveryState | Exception]:
    """The same for what is prepared ahead of time."""
    await _lock(session, arrivals)
    await _enter(session, arrivals, DeliveryStatus.PREPARING, Event.PREPARING)
    return await _read(session, arrivals)


def tell_armed(session: AsyncSession, post_id: UUID) -> None:
    """Have workers look again at what they have armed of a post, once this is committed."""
    wake_after_commit(session, MOVED, str(post_id))


async def moved(session: AsyncSession, states: Sequence[DeliveryState]) -> set[UUID]:
    """Those that are no longer armed as they were read: a claim of them would be lost."""
    read = unnested(
        "read",
        id=(Uuid(), [state.delivery_id for state in states]),
        revision=(Integer(), [state.revision for state in states]),
        publish_at=(DateTime(timezone=True), [state.publish_at for state in states]),
    )
    as_read = (
        (DeliveryRow.status == DeliveryStatus.ARMED)
        & (DeliveryRow.revision == read.c.revision)
        & (DeliveryRow.publish_at == read.c.publish_at)
    )
    query = select(read.c.id).join(DeliveryRow, DeliveryRow.id == read.c.id).where(~as_read)
    return set(await session.scalars(query))


async def _lock(session: AsyncSession, arrivals: Sequence[Arrival]) -> None:
    delivery_ids = {arrival.delivery_id for arrival in arrivals}
    post_ids = select(DeliveryRow.post_id).where(is_among(DeliveryRow.id, delivery_ids))
    await lock_posts(session, await session.scalars(post_ids))


def _overdue(arrivals: Sequence[Arrival], now: datetime) -> list[UUID]:
    """Those that could be late; for all others the author's terms need not be read."""
    return [
        arrival.delivery_id
        for arrival in arrivals
        if arrival.due_by is not None and arrival.due_by < now - SHORTEST
    ]


async def _enter(
    session: AsyncSession, arrivals: Sequence[Arrival], status: DeliveryStatus, event: Event
) -> None:
    entered = await _move_waiting(session, arrivals, status)
    await timeline.append_many(
        session,
        [NewEvent(post_id=post, event=event, delivery_id=delivery) for delivery, post in entered],
    )
    await derive_post_statuses(session, {post for _, post in entered})


async def _read(
    session: AsyncSession, arrivals: Sequence[Arrival]
) -> list[DeliveryState | Exception]:
    states = await load_many(session, {arrival.delivery_id for arrival in arrivals})
    return [
        states.get(arrival.delivery_id) or LookupError(f"no delivery {arrival.delivery_id}")
        for arrival in arrivals
    ]


async def _move_waiting(
    session: AsyncSession, arrivals: Sequence[Arrival], status: DeliveryStatus
) -> Sequence[tuple[UUID, UUID]]:
    """Delivery and post of each that waits and has nothing open: that is settled first."""
    arrived = unnested(
        "arrived",
        id=(Uuid(), [arrival.delivery_id for arrival in arrivals]),
        due_by=(DateTime(timezone=True), [arrival.due_by for arrival in arrivals]),
    )
    is_open = select(AttemptRow.id).where(
        AttemptRow.root_id == DeliveryRow.root_id, AttemptRow.outcome.is_(None)
    )
    statement = (
        update(DeliveryRow)
        .where(
            DeliveryRow.id == arrived.c.id,
            DeliveryRow.publish_at <= func.coalesce(arrived.c.due_by, DeliveryRow.publish_at),
            DeliveryRow.status.in_(WAITING),
            ~is_open.exists(),
        )
        .values(status=status, deferred_until=None, reason=None, updated_at=func.now())
        .returning(DeliveryRow.id, DeliveryRow.post_id)
        .execution_options(synchronize_session=False)
    )
    return [(row.id, row.post_id) for row in await session.execute(statement)]
