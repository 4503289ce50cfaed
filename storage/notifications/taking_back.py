"""Takes back what somebody was told, and has not read, of what another undid."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.notifications import NotificationKind
from storage.tables import (
    FeedEntryRow,
    FeedLikeRow,
    FollowRow,
    NotificationActorRow,
    NotificationCauseRow,
    NotificationRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Undone:
    """What one person did to something of another's, and undid."""

    kind: NotificationKind
    """One of UNDOABLE."""
    user_id: UUID
    """Who was told, or is about to be."""
    actor_id: UUID
    subject_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenBack:
    """An unread notification that speaks of one person less."""

    notification_id: UUID
    gone: bool
    """It spoke of nobody else."""


async def take_back(session: AsyncSession, undone: Undone) -> TakenBack | None:
    """Let the notification speak of the actor no more; None when nothing has to be changed.

    It stays as it is when it was read, or when the actor did the same again meanwhile. What was
    taken back is told again should it be done again.
    """
    if not await _forget_told(session, undone):
        return None
    # Whoever tells of the same waits from here on until the transaction ends; so look only now.
    found = None if await _stands(session, undone) else await _lock_unread(session, undone)
    if found is None:
        await _keep_told(session, undone)
        return None
    await session.execute(
        delete(NotificationActorRow).where(
            NotificationActorRow.notification_id == found.id,
            NotificationActorRow.actor_id == undone.actor_id,
        )
    )
    gone = found.actor_count <= 1
    if gone:
        await session.execute(delete(NotificationRow).where(NotificationRow.id == found.id))
    else:
        others = [one for one in found.latest_actors if one != undone.actor_id]
        await session.execute(
            update(NotificationRow)
            .where(NotificationRow.id == found.id)
            .values(
                actor_count=found.actor_count - 1,
                event_count=found.event_count - 1,
                latest_actors=others,
            )
            .execution_options(synchronize_session=False)
        )
    return TakenBack(notification_id=found.id, gone=gone)


async def _forget_told(session: AsyncSession, undone: Undone) -> bool:
    cause = NotificationCauseRow
    forgotten = await session.scalars(
        delete(cause)
        .where(
            cause.user_id == undone.user_id,
            cause.kind == str(undone.kind),
            cause.subject_id == undone.subject_id,
            cause.cause_id == undone.actor_id,
        )
        .returning(cause.cause_id)
    )
    return forgotten.one_or_none() is not None


async def _keep_told(session: AsyncSession, undone: Undone) -> None:
    await session.execute(
        insert(NotificationCauseRow).values(
            user_id=undone.user_id,
            kind=str(undone.kind),
            subject_id=undone.subject_id,
            cause_id=undone.actor_id,
        )
    )


async def _stands(session: AsyncSession, undone: Undone) -> bool:
    """Whether the actor did it again."""
    match undone.kind:
        case NotificationKind.LIKE:
            query = select(FeedLikeRow.id).where(
                FeedLikeRow.post_id == undone.subject_id, FeedLikeRow.user_id == undone.actor_id
            )
        case NotificationKind.REPOST:
            query = select(FeedEntryRow.id).where(
                FeedEntryRow.post_id == undone.subject_id,
                FeedEntryRow.actor_id == undone.actor_id,
                FeedEntryRow.id != undone.subject_id,
            )
        case NotificationKind.FOLLOW:
            query = select(FollowRow.id).where(
                FollowRow.follower_id == undone.actor_id, FollowRow.followee_id == undone.subject_id
            )
        case _:
            raise ValueError(f"{undone.kind} cannot be undone")
    return await session.scalar(query) is not None


async def _lock_unread(session: AsyncSession, undone: Undone) -> NotificationRow | None:
    """The unread notification that counts the actor, if there is one."""
    query = (
        select(NotificationRow)
        .join(
            NotificationActorRow,
            (NotificationActorRow.notification_id == NotificationRow.id)
            & (NotificationActorRow.actor_id == undone.actor_id),
        )
        .where(
            NotificationRow.user_id == undone.user_id,
            NotificationRow.kind == str(undone.kind),
            NotificationRow.subject_id == undone.subject_id,
            NotificationRow.read_at.is_(None),
        )
        .with_for_update(of=NotificationRow)
    )
    return (await session.scalars(query)).one_or_none()
