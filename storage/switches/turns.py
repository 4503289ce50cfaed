"""The turns of what is held: round robin over workspaces, higher priority first.

A turn counts within its workspace, network and priority. A workspace that comes later begins at the
turn that is next to be let go, so that nobody overtakes by having been quiet.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.networks import Network
from storage.admission import Candidate
from storage.tables import DeliveryRow, HeldDeliveryRow, PostRow
from storage.unnested import is_among, unnested


async def take(session: AsyncSession, candidates: Sequence[Candidate], now: datetime) -> None:
    """Give each a turn; who has one keeps it."""
    if not candidates:
        return
    waiting = unnested(
        "waiting",
        delivery_id=(Uuid(), [one.delivery_id for one in candidates]),
        network=(Text(), [str(one.network) for one in candidates]),
    )
    held = HeldDeliveryRow
    own = (
        select(func.max(held.turn) + 1)
        .where(
            held.workspace_id == DeliveryRow.workspace_id,
            held.network == waiting.c.network,
            held.priority == PostRow.priority,
        )
        .scalar_subquery()
    )
    first = (
        select(func.min(held.turn))
        .where(held.network == waiting.c.network, held.priority == PostRow.priority)
        .scalar_subquery()
    )
    place = func.row_number().over(
        partition_by=(DeliveryRow.workspace_id, waiting.c.network, PostRow.priority),
        order_by=(DeliveryRow.publish_at, DeliveryRow.id),
    )
    turns = (
        select(
            DeliveryRow.id,
            waiting.c.network,
            DeliveryRow.workspace_id,
            DeliveryRow.account_id,
            PostRow.priority,
            func.greatest(own, first, literal(0)) + place - 1,
            literal(now, DateTime(timezone=True)),
        )
        .join_from(waiting, DeliveryRow, DeliveryRow.id == waiting.c.delivery_id)
        .join(PostRow, PostRow.id == DeliveryRow.post_id)
    )
    columns = (
        "delivery_id",
        "network",
        "workspace_id",
        "account_id",
        "priority",
        "turn",
        "held_at",
    )
    await session.execute(
        insert(HeldDeliveryRow).from_select(columns, turns).on_conflict_do_nothing()
    )


async def give_up(session: AsyncSession, delivery_ids: Collection[UUID]) -> None:
    """They are held no more: let go, settled, or moved to another time."""
    await session.execute(
        delete(HeldDeliveryRow).where(is_among(HeldDeliveryRow.delivery_id, delivery_ids))
    )


async def count_held(session: AsyncSession, workspace_id: UUID | None) -> dict[Network, int]:
    """How many deliveries are held, by network; of all workspaces for None."""
    number = func.count().label("number")
    query = select(HeldDeliveryRow.network, number).group_by(HeldDeliveryRow.network)
    if workspace_id is not None:
        query = query.where(HeldDeliveryRow.workspace_id == workspace_id)
    return {row.network: row.number for row in await session.execute(query)}


async def held_networks(session: AsyncSession) -> list[Network]:
    """The networks to which anything is held, or waits for its turn."""
    every = unnested("every", network=(Text(), [str(network) for network in Network]))
    waits = select(HeldDeliveryRow.delivery_id).where(HeldDeliveryRow.network == every.c.network)
    found = await session.scalars(select(every.c.network).where(waits.exists()))
    return [Network(name) for name in found]
