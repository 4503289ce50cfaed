"""A post's status, kept in step with its deliveries'."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Text, Uuid, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus, post_status
from storage.tables import DeliveryRow, PostRow
from storage.unnested import is_among, unnested


async def lock_post(session: AsyncSession, post_id: UUID) -> None:
    """Make everyone else who moves this post or its deliveries wait for the transaction's end."""
    await lock_posts(session, [post_id])


async def lock_posts(session: AsyncSession, post_ids: Iterable[UUID]) -> None:
    """The same for many, in one order everywhere, so that two such transactions never cross."""
    await session.execute(
        select(PostRow.id)
        .where(is_among(PostRow.id, set(post_ids)))
        .order_by(PostRow.id)
        .with_for_update(key_share=True)  # rows that refer to the post may be written meanwhile
    )


async def derive_post_status(session: AsyncSession, post_id: UUID) -> None:
    """Bring a locked post's status up to its current deliveries'."""
    await derive_post_statuses(session, [post_id])


async def derive_post_statuses(session: AsyncSession, post_ids: Iterable[UUID]) -> None:
    """The same for many locked posts."""
    query = select(DeliveryRow.post_id, DeliveryRow.status).where(
        is_among(DeliveryRow.post_id, set(post_ids)), ~DeliveryRow.superseded
    )
    present: defaultdict[UUID, list[DeliveryStatus]] = defaultdict(list)
    for post_id, status in await session.execute(query):
        present[post_id].append(status)
    derived = unnested(
        "derived",
        post_id=(Uuid(), list(present)),
        status=(Text(), [str(post_status(statuses)) for statuses in present.values()]),
    )
    await session.execute(
        update(PostRow)
        .where(PostRow.id == derived.c.post_id, PostRow.status != derived.c.status)
        .values(status=derived.c.status, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
