"""Posts as their authors see them: created, edited, moved, cancelled, listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.content import PostContent
from domain.deliveries import WAITING, DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from storage.contents import from_json, to_json
from storage.post_status import derive_post_status
from storage.tables import AccountRow, DeliveryRow, PostRevisionRow, PostRow


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetAccount:
    """Where one delivery goes."""

    account_id: UUID
    network: Network


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishTime:
    """When a post goes out, and how that was asked for."""

    at: datetime
    """UTC."""
    wall_time: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One post to one account, as its author sees it."""

    id: UUID
    root_id: UUID
    post_id: UUID
    account_id: UUID
    network: Network
    handle: str
    status: DeliveryStatus
    publish_at: datetime | None
    deferred_until: datetime | None
    reason: Mapping[str, Any] | None
    remote_id: str | None
    permalink: str | None
    sent_at: datetime | None
    superseded: bool

    @property
    def is_retry(self) -> bool:
        """Whether it took a failed one's place; then it has a workflow of its own."""
        return self.id != self.root_id

    @property
    def movable(self) -> bool:
        """Whether it goes with its post when that is edited, moved or cancelled."""
        return self.untouched and not self.is_retry

    @property
    def untouched(self) -> bool:
        """Whether nothing of it can be public: edit, reschedule and cancel are safe."""
        return self.status in WAITING and self.remote_id is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A post with its current content and all its deliveries."""

    id: UUID
    workspace_id: UUID
    revision: int
    status: PostStatus
    content: PostContent = field(repr=False)
    publish_time: PublishTime | None
    priority: int
    created_at: datetime
    updated_at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def current_deliveries(self) -> tuple[Delivery, ...]:
        """Without those that a retry took the place of."""
        return tuple(delivery for delivery in self.deliveries if not delivery.superseded)

    @property
    def standing_deliveries(self) -> tuple[Delivery, ...]:
        """The current ones that nobody cancelled."""
        return tuple(
            delivery
            for delivery in self.current_deliveries
            if delivery.status is not DeliveryStatus.CANCELLED
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PostFilter:
    """Which posts of a workspace to list."""

    status: PostStatus | None = None
    network: Network | None = None
    account_id: UUID | None = None
    publish_from: datetime | None = None
    publish_until: datetime | None = None


async def create(
    session: AsyncSession,
    *,
    workspace_id: UUID,
    content: PostContent,
    targets: Sequence[TargetAccount],
    publish_time: PublishTime | None,
    priority: int,
    created_by: UUID,
) -> UUID:
    """Insert a post, its first revision and its deliveries; a draft has no publish time."""
    post_id = new_id()
    status = PostStatus.DRAFT if publish_time is None else PostStatus.SCHEDULED
    await session.execute(
        insert(PostRow).values(
            id=post_id,
            workspace_id=workspace_id,
            revision=1,
            status=status,
            priority=priority,
            **_time_values(publish_time),
        )
    )
    await _insert_revision(session, post_id, 1, content, created_by)
    await add_deliveries(
        session,
        post_id=post_id,
        workspace_id=workspace_id,
        revision=1,
        targets=targets,
        publish_at=publish_time.at if publish_time else None,
    )
    return post_id


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


async def get(session: AsyncSession, workspace_id: UUID, post_id: UUID) -> Post | None:
    """One post of that workspace."""
    found = await _posts(
        session, PostRow.id == post_id, PostRow.workspace_id == workspace_id, limit=1
    )
    return found[0] if found else None


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


async def revise(
    session: AsyncSession,
    post: Post,
    *,
    content: PostContent,
    publish_time: PublishTime | None,
    priority: int,
    created_by: UUID,
) -> int:
    """Write a new revision of a locked post whose deliveries are untouched; its number."""
    revision = post.revision + 1
    await _insert_revision(session, post.id, revision, content, created_by)
    status = PostStatus.DRAFT if publish_time is None else PostStatus.SCHEDULED
    await session.execute(
        update(PostRow)
        .where(PostRow.id == post.id)
        .values(
            revision=revision,
            status=status,
            priority=priority,
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
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id.in_(delivery_ids), DeliveryRow.status.in_(WAITING))
        .values(status=DeliveryStatus.CANCELLED, deferred_until=None, updated_at=func.now())
    )
    if delivery_ids:
        await derive_post_status(session, post_id)
        # A draft that goes to one account less is still a draft.
        await session.execute(
            update(PostRow)
            .where(
                PostRow.id == post_id,
                PostRow.publish_at.is_(None),
                PostRow.status == PostStatus.SCHEDULED,
            )
            .values(status=PostStatus.DRAFT)
        )
        return
    await session.execute(
        update(PostRow)
        .where(PostRow.id == post_id)
        .values(status=PostStatus.CANCELLED, updated_at=func.now())
    )


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
            revision=post.revision,
            status=post.status,
            content=from_json(content),
            publish_time=PublishTime(
                at=post.publish_at, wall_time=post.wall_time, time_zone=post.time_zone
            )
            if post.publish_at
            else None,
            priority=post.priority,
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
        .where(DeliveryRow.post_id.in_(post_ids))
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
