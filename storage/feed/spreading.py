"""How an entry reaches those who follow its actor.

Entries of ordinary people are written to each follower's home feed, in batches, after the
transaction that published them. Those of people with very many followers are not: followers look
them up when they read, and only those with an open socket are told. Which way an entry goes is
decided once, when it is made.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage import jobs
from storage.feed import trends
from storage.feed.trimming import trim, whose_turn
from storage.jobs import JobKind
from storage.tables import (
    FeedEntryRow,
    FeedProfileRow,
    FollowRow,
    HomeEntryRow,
    PresenceRow,
    SocketProcessRow,
)
from storage.unnested import unnested

BACKFILL: Final = 50
"""Entries of somebody that a new follower finds at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """One step on the way of an entry."""

    entry_id: UUID
    post_id: UUID
    author_id: UUID
    actor_id: UUID
    on_read: bool
    """Followers look it up; it is written to nobody."""
    reached: tuple[UUID, ...]
    """Followers whose home feeds have it now."""
    done: bool


async def enter(
    session: AsyncSession,
    *,
    entry_id: UUID,
    post_id: UUID,
    author_id: UUID,
    actor_id: UUID,
    fan_out_limit: int,
) -> bool:
    """Let a post appear for a first or another time; False when this actor made it appear before.

    Whoever acts sees it in their own home feed at once, followers soon after the commit.
    """
    counted = await session.scalar(
        select(FeedProfileRow.follower_count).where(FeedProfileRow.user_id == actor_id)
    )
    on_read = (counted or 0) > fan_out_limit
    entered = await session.scalars(
        insert(FeedEntryRow)
        .values(
            id=entry_id, post_id=post_id, author_id=author_id, actor_id=actor_id, on_read=on_read
        )
        .on_conflict_do_nothing(index_elements=["actor_id", "post_id"])
        .returning(FeedEntryRow.id)
    )
    if entered.one_or_none() is None:
        return False
    if on_read:
        await session.execute(
            update(FeedProfileRow)
            .where(FeedProfileRow.user_id == actor_id, ~FeedProfileRow.on_read)
            .values(on_read=True)
        )
    await session.execute(
        insert(HomeEntryRow).values(
            user_id=actor_id, entry_id=entry_id, actor_id=actor_id, post_id=post_id
        )
    )
    await jobs.put(session, JobKind.FAN_OUT_POST, subject_id=entry_id, payload={})
    return True


async def spread(session: AsyncSession, entry_id: UUID, *, limit: int) -> Spread | None:
    """Write an entry to the next followers' home feeds; None when it was taken back.

    Goes on where the step before it ended, whoever did that one; the same step again changes
    nothing.
    """
    entry = (
        await session.scalars(
            select(FeedEntryRow).where(FeedEntryRow.id == entry_id).with_for_update()
        )
    ).one_or_none()
    if entry is None:
        return None
    reached: tuple[UUID, ...] = ()
    done = entry.spread_at is not None or entry.on_read
    if not done:
        await _wait_for_new_followers(session, entry.actor_id)
        next_follows = await _next_follows(session, entry, limit)
        reached = tuple(follower for follower, _ in next_follows)
        done = len(reached) < limit
        if reached:
            await _write(session, entry, reached)
            entry.spread_to = next_follows[-1][1]
    await trim(session, whose_turn(entry.id, (*reached, entry.actor_id)))
    if done and entry.spread_at is None:
        entry.spread_at = await session.scalar(select(func.now()))
        if entry.id == entry.post_id:
            await trends.count_hashtags_of(session, entry.post_id)
    return Spread(
        entry_id=entry.id,
        post_id=entry.post_id,
        author_id=entry.author_id,
        actor_id=entry.actor_id,
        on_read=entry.on_read,
        reached=reached,
        done=done,
    )


async def list_connected(
    session: AsyncSession, actor_id: UUID, *, after: UUID | None, limit: int
) -> list[UUID]:
    """Followers who have a socket open right now, in the order of their ids.

    Whoever has very many followers has few who look at a screen: those are asked, not all.
    """
    query = (
        select(PresenceRow.user_id)
        .join(SocketProcessRow, SocketProcessRow.id == PresenceRow.process_id)
        .join(
            FollowRow,
            (FollowRow.follower_id == PresenceRow.user_id) & (FollowRow.followee_id == actor_id),
        )
        .where(SocketProcessRow.alive_until > func.now())
        .distinct()
        .order_by(PresenceRow.user_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(PresenceRow.user_id > after)
    return list((await session.scalars(query)).all())


async def backfill(session: AsyncSession, follower_id: UUID, followee_id: UUID) -> None:
    """Write what somebody published lately to a new follower's home feed."""
    recent = (
        select(
            literal(follower_id),
            FeedEntryRow.id,
            FeedEntryRow.actor_id,
            FeedEntryRow.post_id,
        )
        .where(FeedEntryRow.actor_id == followee_id, ~FeedEntryRow.on_read)
        .order_by(FeedEntryRow.id.desc())
        .limit(BACKFILL)
    )
    columns = ["user_id", "entry_id", "actor_id", "post_id"]
    await session.execute(
        insert(HomeEntryRow).from_select(columns, recent).on_conflict_do_nothing()
    )


async def _wait_for_new_followers(session: AsyncSession, actor_id: UUID) -> None:
    """Those who are just about to follow are seen; whoever comes later finds the entry alone."""
    # The first to follow makes the row, and a row that is not committed cannot be waited for.
    await session.execute(insert(FeedProfileRow).values(user_id=actor_id).on_conflict_do_nothing())
    await session.execute(
        select(FeedProfileRow.user_id)
        .where(FeedProfileRow.user_id == actor_id)
        .with_for_update(read=True)
    )


async def _next_follows(
    session: AsyncSession, entry: FeedEntryRow, limit: int
) -> list[tuple[UUID, UUID]]:
    query = (
        select(FollowRow.follower_id, FollowRow.id)
        .where(FollowRow.followee_id == entry.actor_id)
        .order_by(FollowRow.id)
        .limit(limit)
    )
    if entry.spread_to is not None:
        query = query.where(FollowRow.id > entry.spread_to)
    return [(follower, follow) for follower, follow in (await session.execute(query)).all()]


async def _write(session: AsyncSession, entry: FeedEntryRow, followers: tuple[UUID, ...]) -> None:
    rows = unnested("reached", user_id=(Uuid(), followers))
    written = select(
        rows.c.user_id, literal(entry.id), literal(entry.actor_id), literal(entry.post_id)
    )
    columns = ["user_id", "entry_id", "actor_id", "post_id"]
    await session.execute(
        insert(HomeEntryRow).from_select(columns, written).on_conflict_do_nothing()
    )
