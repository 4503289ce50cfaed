"""Who follows, blocks and mutes whom. Each holds at once for every list."""

from uuid import UUID

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from storage.feed.spreading import backfill
from storage.feed.versions import note_own_write
from storage.feed.visibility import can_meet
from storage.notifications.deciding import notify, take_back
from storage.tables import BlockRow, FeedProfileRow, FollowRow, MuteRow, UserRow


async def follow(session: AsyncSession, follower_id: UUID, followee_id: UUID) -> bool:
    """Follow somebody, and find what they published lately; following again is fine.

    False when there is nobody of that id to be followed by this user.
    """
    await _lock(session, follower_id, followee_id)
    if not await _is_there(session, follower_id, followee_id):
        return False
    followed = await session.scalars(
        insert(FollowRow)
        .values(id=new_id(), follower_id=follower_id, followee_id=followee_id)
        .on_conflict_do_nothing()
        .returning(FollowRow.id)
    )
    if followed.one_or_none() is None:
        return True
    await _count(session, follower_id, followee_id, 1)
    await backfill(session, follower_id, followee_id)
    await notify(
        session,
        NotificationKind.FOLLOW,
        user_ids=[followee_id],
        actor_id=follower_id,
        subject_type=SubjectType.USER,
        subject_id=followee_id,
        cause_id=follower_id,
    )
    return True


async def unfollow(session: AsyncSession, follower_id: UUID, followee_id: UUID) -> None:
    """Follow somebody no more; fine for those who never did."""
    await _lock(session, follower_id, followee_id)
    await _unfollow(session, follower_id, followee_id)


async def block(session: AsyncSession, blocker_id: UUID, blocked_id: UUID) -> bool:
    """Neither sees the other from now on, nor follows. False when there is nobody of that id."""
    if await session.get(UserRow, blocked_id) is None:
        return False
    await _lock(session, blocker_id, blocked_id)
    await session.execute(
        insert(BlockRow)
        .values(id=new_id(), blocker_id=blocker_id, blocked_id=blocked_id)
        .on_conflict_do_nothing()
    )
    await _unfollow(session, blocker_id, blocked_id)
    await _unfollow(session, blocked_id, blocker_id)
    await note_own_write(session, blocker_id, blocked_id)
    return True


async def unblock(session: AsyncSession, blocker_id: UUID, blocked_id: UUID) -> None:
    """They may see each other again; who followed whom before does not come back."""
    await session.execute(
        delete(BlockRow).where(BlockRow.blocker_id == blocker_id, BlockRow.blocked_id == blocked_id)
    )
    await note_own_write(session, blocker_id)


async def mute(session: AsyncSession, muter_id: UUID, muted_id: UUID) -> bool:
    """Read nothing of them in one's lists. False when there is nobody of that id."""
    if not await _is_there(session, muter_id, muted_id):
        return False
    await session.execute(
        insert(MuteRow)
        .values(id=new_id(), muter_id=muter_id, muted_id=muted_id)
        .on_conflict_do_nothing()
    )
    await note_own_write(session, muter_id)
    return True


async def unmute(session: AsyncSession, muter_id: UUID, muted_id: UUID) -> None:
    """Read them again."""
    await session.execute(
        delete(MuteRow).where(MuteRow.muter_id == muter_id, MuteRow.muted_id == muted_id)
    )
    await note_own_write(session, muter_id)


async def _lock(session: AsyncSession, one: UUID, other: UUID) -> None:
    """One follow or block between two people at a time, and none while an entry spreads."""
    both = sorted((one, other))
    there = select(UserRow.id).where(UserRow.id.in_(both)).order_by(UserRow.id)
    await session.execute(
        insert(FeedProfileRow).from_select(["user_id"], there).on_conflict_do_nothing()
    )
    await session.execute(
        select(FeedProfileRow.user_id)
        .where(FeedProfileRow.user_id.in_(both))
        .order_by(FeedProfileRow.user_id)
        .with_for_update(key_share=True)
    )


async def _is_there(session: AsyncSession, viewer: UUID, person: UUID) -> bool:
    query = select(UserRow.id).where(UserRow.id == person, can_meet(viewer, UserRow.id))
    return await session.scalar(query) is not None


async def _unfollow(session: AsyncSession, follower_id: UUID, followee_id: UUID) -> None:
    gone = await session.scalars(
        delete(FollowRow)
        .where(FollowRow.follower_id == follower_id, FollowRow.followee_id == followee_id)
        .returning(FollowRow.id)
    )
    if gone.one_or_none() is None:
        return
    await _count(session, follower_id, followee_id, -1)
    await take_back(
        session,
        NotificationKind.FOLLOW,
        user_id=followee_id,
        actor_id=follower_id,
        subject_id=followee_id,
    )


async def _count(session: AsyncSession, follower_id: UUID, followee_id: UUID, more: int) -> None:
    follows = FeedProfileRow.user_id == follower_id
    await session.execute(
        update(FeedProfileRow)
        .where(or_(follows, FeedProfileRow.user_id == followee_id))
        .values(
            following_count=FeedProfileRow.following_count + case((follows, more), else_=0),
            follower_count=FeedProfileRow.follower_count + case((follows, 0), else_=more),
            version=FeedProfileRow.version + case((follows, 1), else_=0),
        )
    )
