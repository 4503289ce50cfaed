"""Posts read: one, a page of them, or one that is about to be changed."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.lateness import late_choice
from storage.contents import from_json
from storage.post_status import lock_posts
from storage.posts.post import Delivery, Post, PostFilter, PublishTime
from storage.tables import AccountRow, DeliveryRow, PostRevisionRow, PostRow
from storage.unnested import is_among


async def lock(session: AsyncSession, workspace_id: UUID, post_id: UUID) -> Post | None:
    """Read a post for changing it: nobody else moves it or its deliveries meanwhile."""
    query = (
        select(PostRow.id)
        .where(PostRow.id == post_id, PostRow.workspace_id == workspace_id)
        .with_for_update()
    )
    if (await session.execute(query)).scalar_one_or_none() is None:
        return None
    return await get(session, workspace_id, post_id)


async def lock_batch(
    session: AsyncSession, workspace_id: UUID, batch_id: UUID, *, limit: int
) -> list[Post]:
    """Read all posts of a batch for changing them, oldest first."""
    of_batch = (PostRow.batch_id == batch_id, PostRow.workspace_id == workspace_id)
    ids = (await session.scalars(select(PostRow.id).where(*of_batch).limit(limit))).all()
    await lock_posts(session, ids)
    found = await _posts(session, is_among(PostRow.id, ids), limit=limit)
    return found[::-1]


async def get(session: AsyncSession, workspace_id: UUID, post_id: UUID) -> Post | None:
    """One post of that workspace."""
    found = await _posts(
        session, PostRow.id == post_id, PostRow.workspace_id == workspace_id, limit=1
    )
    return found[0] if found else None


async def get_many(session: AsyncSession, post_ids: Collection[UUID]) -> dict[UUID, Post]:
    """Posts of whichever workspace, by id: for work that the workspaces have ordered already."""
    found = await _posts(session, is_among(PostRow.id, post_ids), limit=len(post_ids))
    return {post.id: post for post in found}


async def list_by_workspace(
    session: AsyncSession,
    workspace_id: UUID,
    chosen: PostFilter,
    *,
    before: UUID | None,
    limit: int,
) -> list[Post]:
    """A workspace's posts, newest first."""
    conditions: list[ColumnElement[bool]] = [PostRow.workspace_id == workspace_id]
    if before is not None:
        conditions.append(PostRow.id < before)
    if chosen.status is not None:
        conditions.append(PostRow.status == chosen.status)
    if chosen.batch_id is not None:
        conditions.append(PostRow.batch_id == chosen.batch_id)
    if chosen.publish_from is not None:
        conditions.append(PostRow.publish_at >= chosen.publish_from)
    if chosen.publish_until is not None:
        conditions.append(PostRow.publish_at < chosen.publish_until)
    if chosen.network is not None or chosen.account_id is not None:
        deliveries = select(DeliveryRow.id).where(
            DeliveryRow.post_id == PostRow.id,
            DeliveryRow.workspace_id == workspace_id,
            ~DeliveryRow.superseded,  # as the partial indexes have it
        )
        if chosen.network is not None:
            deliveries = deliveries.where(DeliveryRow.network == chosen.network)
        if chosen.account_id is not None:
            deliveries = deliveries.where(DeliveryRow.account_id == chosen.account_id)
        conditions.append(deliveries.exists())
    return await _posts(session, *conditions, limit=limit)


async def find_delivery(
    session: AsyncSession, workspace_id: UUID, delivery_id: UUID
) -> UUID | None:
    """The post that a delivery of that workspace belongs to."""
    query = select(DeliveryRow.post_id).where(
        DeliveryRow.id == delivery_id, DeliveryRow.workspace_id == workspace_id
    )
    return (await session.execute(query)).scalar_one_or_none()


async def _posts(session: AsyncSession, *conditions: ColumnElement[bool], limit: int) -> list[Post]:
    query = (
        select(PostRow, PostRevisionRow.content)
        .join(
            PostRevisionRow,
            (PostRevisionRow.post_id == PostRow.id)
            & (PostRevisionRow.revision == PostRow.revision),
        )
        .where(*conditions)
        .order_by(PostRow.id.desc())
        .limit(limit)
    )
    found = (await session.execute(query)).all()
    deliveries = await _deliveries(session, [post.id for post, _ in found])
    return [
        Post(
            id=post.id,
            workspace_id=post.workspace_id,
            batch_id=post.batch_id,
            revision=post.revision,
            status=post.status,
            content=from_json(content),
            publish_time=PublishTime(
                at=post.publish_at, wall_time=post.wall_time, time_zone=post.time_zone
            )
            if post.publish_at
            else None,
            priority=post.priority,
            late=late_choice(post.late_policy, post.late_after_seconds),
            created_at=post.created_at,
            updated_at=post.updated_at,
            deliveries=tuple(deliveries.get(post.id, ())),
        )
        for post, content in found
    ]


async def _deliveries(
    session: AsyncSession, post_ids: Sequence[UUID]
) -> dict[UUID, list[Delivery]]:
    if not post_ids:
        return {}
    query = (
        select(DeliveryRow, AccountRow.handle)
        .join(AccountRow, AccountRow.id == DeliveryRow.account_id)
        .where(is_among(DeliveryRow.post_id, post_ids))
        .order_by(DeliveryRow.id)
    )
    by_post: dict[UUID, list[Delivery]] = {}
    for row, handle in (await session.execute(query)).all():
        by_post.setdefault(row.post_id, []).append(
            Delivery(
                id=row.id,
                root_id=row.root_id,
                post_id=row.post_id,
                account_id=row.account_id,
                network=row.network,
                handle=handle,
                status=row.status,
                publish_at=row.publish_at,
                deferred_until=row.deferred_until,
                reason=row.reason,
                remote_id=row.remote_id,
                permalink=row.permalink,
                sent_at=row.sent_at,
                superseded=row.superseded,
            )
        )
    return by_post
