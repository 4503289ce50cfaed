"""Posts changed while nothing of them was sent, stopped, tried again, settled by a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, func, insert, literal, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.content import PostContent
from domain.deliveries import WAITING, DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.lateness import NO_LATE_CHOICE, LateChoice
from storage.arming import tell_armed
from storage.contents import to_json
from storage.post_status import derive_post_status, derive_post_statuses
from storage.posts.post import Delivery, Post, PublishTime, TargetAccount
from storage.tables import DeliveryRow, PostRevisionRow, PostRow


async def add_deliveries(
    session: AsyncSession,
    *,
    post_id: UUID,
    workspace_id: UUID,
    revision: int,
    targets: Sequence[TargetAccount],
    publish_at: datetime | None,
) -> None:
    """Insert a delivery for each target."""
    if not targets:
        return
    rows = []
    for target in targets:
        delivery_id = new_id()
        rows.append(
            {
                "id": delivery_id,
                "root_id": delivery_id,
                "post_id": post_id,
                "workspace_id": workspace_id,
                "account_id": target.account_id,
                "network": target.network,
                "status": DeliveryStatus.SCHEDULED,
                "revision": revision,
                "publish_at": publish_at,
            }
        )
    await session.execute(insert(DeliveryRow), rows)


async def add_retry(
    session: AsyncSession, delivery: Delivery, *, post: Post, now: datetime
) -> UUID:
    """Put a new delivery in a failed one's place: it goes on after the parts that are public."""
    await session.execute(
        update(DeliveryRow).where(DeliveryRow.id == delivery.id).values(superseded=True)
    )
    delivery_id = new_id()
    await session.execute(
        insert(DeliveryRow).values(
            id=delivery_id,
            root_id=delivery.root_id,
            post_id=post.id,
            workspace_id=post.workspace_id,
            account_id=delivery.account_id,
            network=delivery.network,
            status=DeliveryStatus.SCHEDULED,
            revision=post.revision,
            publish_at=now,
            remote_id=delivery.remote_id,
            permalink=delivery.permalink,
            sent_at=delivery.sent_at,
        )
    )
    await derive_post_status(session, post.id)
    return delivery_id


async def revise(
    session: AsyncSession,
    post: Post,
    *,
    content: PostContent,
    publish_time: PublishTime | None,
    priority: int,
    created_by: UUID,
    late: LateChoice = NO_LATE_CHOICE,
) -> int:
    """Write a new revision of a locked post whose deliveries are untouched; its number."""
    revision = post.revision + 1
    if any(one.status is DeliveryStatus.ARMED for one in post.current_deliveries):
        tell_armed(session, post.id)  # or they would wait for their old second
    await _insert_revision(session, post.id, revision, content, created_by)
    status = PostStatus.DRAFT if publish_time is None else PostStatus.SCHEDULED
    await session.execute(
        update(PostRow)
        .where(PostRow.id == post.id)
        .values(
            revision=revision,
            status=status,
            priority=priority,
            late_policy=late.policy,
            late_after_seconds=late.after_seconds,
            updated_at=func.now(),
            **_time_values(publish_time),
        )
    )
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.post_id == post.id, DeliveryRow.status.in_(WAITING))
        .values(
            revision=revision,
            status=DeliveryStatus.SCHEDULED,
            publish_at=publish_time.at if publish_time else None,
            deferred_until=None,
            reason=None,
            updated_at=func.now(),
        )
    )
    return revision


async def remove_deliveries(session: AsyncSession, delivery_ids: Sequence[UUID]) -> None:
    """Take back deliveries that an edit dropped or replaces: cancelled, and no longer counted."""
    await session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id.in_(delivery_ids),
            DeliveryRow.status.in_(WAITING | {DeliveryStatus.CANCELLED}),
        )
        .values(status=DeliveryStatus.CANCELLED, superseded=True, updated_at=func.now())
    )


async def cancel(session: AsyncSession, post_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Cancel untouched deliveries of a locked post; a post without any is cancelled itself."""
    await cancel_many(session, {post_id: delivery_ids})


async def cancel_many(session: AsyncSession, chosen: Mapping[UUID, Sequence[UUID]]) -> None:
    """The same for many locked posts: the untouched deliveries to cancel, by post."""
    delivery_ids = [one for deliveries in chosen.values() for one in deliveries]
    if delivery_ids:
        await session.execute(
            update(DeliveryRow)
            .where(
                DeliveryRow.id == any_(literal(delivery_ids, ARRAY(Uuid))),
                DeliveryRow.status.in_(WAITING),
            )
            .values(status=DeliveryStatus.CANCELLED, deferred_until=None, updated_at=func.now())
            .execution_options(synchronize_session=False)
        )
        going = [post_id for post_id, deliveries in chosen.items() if deliveries]
        await derive_post_statuses(session, going)
        # A draft that goes to one account less is still a draft.
        await _mark(
            session,
            PostStatus.DRAFT,
            PostRow.id.in_(going),
            PostRow.publish_at.is_(None),
            PostRow.status == PostStatus.SCHEDULED,
        )
    nowhere = [post_id for post_id, deliveries in chosen.items() if not deliveries]
    if nowhere:
        await _mark(session, PostStatus.CANCELLED, PostRow.id.in_(nowhere))


async def resolve_delivery(
    session: AsyncSession,
    delivery: Delivery,
    *,
    status: DeliveryStatus,
    permalink: str | None,
    reason: Mapping[str, Any],
) -> None:
    """A person settles an unconfirmed delivery of a locked post."""
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery.id, DeliveryRow.status == DeliveryStatus.UNCONFIRMED)
        .values(
            status=status,
            permalink=permalink or delivery.permalink,
            reason=dict(reason),
            updated_at=func.now(),
        )
    )
    await derive_post_status(session, delivery.post_id)


async def _mark(session: AsyncSession, status: PostStatus, *which: ColumnElement[bool]) -> None:
    await session.execute(
        update(PostRow)
        .where(*which)
        .values(status=status, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def _insert_revision(
    session: AsyncSession, post_id: UUID, revision: int, content: PostContent, created_by: UUID
) -> None:
    await session.execute(
        insert(PostRevisionRow).values(
            post_id=post_id, revision=revision, content=to_json(content), created_by=created_by
        )
    )


def _time_values(publish_time: PublishTime | None) -> dict[str, Any]:
    return {
        "publish_at": publish_time.at if publish_time else None,
        "wall_time": publish_time.wall_time if publish_time else None,
        "time_zone": publish_time.time_zone if publish_time else None,
    }
