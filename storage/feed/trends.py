"""What people are busy with: scores kept up to date by what they do, read from an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.ids import made_at
from domain.trends import HALF_LIFE, Weight, share_of
from storage.feed.visibility import can_meet, wants
from storage.tables import (
    FeedHashtagRow,
    FeedHashtagTrendRow,
    FeedPostRow,
    FeedPostTrendRow,
)

_NEGLIGIBLE = 60.0
"""A share that is so many halvings smaller changes no float."""

_ONLY_SHARE = 1e-6
"""As near as that to the whole score, there is nothing else in it."""

Score = InstrumentedAttribute[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class HashtagTrend:
    """A hashtag that is used a lot."""

    hashtag: str
    posts_lately: float
    """How many posts use it, each counting half after the half-life."""


async def count_post(session: AsyncSession, post_id: UUID, weight: Weight, event: UUID) -> None:
    """Somebody did something with a post; `event` is the id of what they did, and tells when."""
    share = share_of(weight, made_at(event))
    statement = insert(FeedPostTrendRow).values(post_id=post_id, score=share)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["post_id"], set_={"score": _with(FeedPostTrendRow.score, share)}
        )
    )


async def uncount_post(session: AsyncSession, post_id: UUID, weight: Weight, event: UUID) -> None:
    """They took it back: the score is what it would be without it."""
    share = share_of(weight, made_at(event))
    await _take(session, FeedPostTrendRow, FeedPostTrendRow.post_id, [post_id], share)


async def forget_post(session: AsyncSession, post_id: UUID) -> None:
    """It trends no more."""
    await session.execute(delete(FeedPostTrendRow).where(FeedPostTrendRow.post_id == post_id))


async def count_hashtags_of(session: AsyncSession, post_id: UUID) -> None:
    """A post with these hashtags was published when its id was made."""
    share = share_of(Weight.USE, made_at(post_id))
    used = (
        select(FeedHashtagRow.hashtag, literal(share))
        .where(FeedHashtagRow.post_id == post_id)
        .order_by(FeedHashtagRow.hashtag)  # one order of locking for all
    )
    statement = insert(FeedHashtagTrendRow).from_select(["hashtag", "score"], used)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["hashtag"], set_={"score": _with(FeedHashtagTrendRow.score, share)}
        )
    )


async def uncount_hashtags(session: AsyncSession, hashtags: Sequence[str], *, used: UUID) -> None:
    """The post that used them is gone."""
    share = share_of(Weight.USE, made_at(used))
    await _take(session, FeedHashtagTrendRow, FeedHashtagTrendRow.hashtag, hashtags, share)


async def trending_posts(session: AsyncSession, viewer: UUID | None, *, limit: int) -> list[UUID]:
    """Posts that people are busy with, busiest first."""
    query = (
        select(FeedPostTrendRow.post_id)
        .join(FeedPostRow, FeedPostRow.id == FeedPostTrendRow.post_id)
        .where(
            FeedPostRow.deleted_at.is_(None),
            can_meet(viewer, FeedPostRow.author_id),
            wants(viewer, FeedPostRow.author_id),
        )
        .order_by(FeedPostTrendRow.score.desc(), FeedPostTrendRow.post_id.desc())
        .limit(limit)
    )
    return list((await session.scalars(query)).all())


async def trending_hashtags(session: AsyncSession, *, limit: int) -> list[HashtagTrend]:
    """Hashtags that are used most lately."""
    now = func.extract("epoch", func.now()) / HALF_LIFE.total_seconds()
    query = (
        select(
            FeedHashtagTrendRow.hashtag,
            func.power(2.0, func.greatest(FeedHashtagTrendRow.score - now, -_NEGLIGIBLE)),
        )
        .order_by(FeedHashtagTrendRow.score.desc(), FeedHashtagTrendRow.hashtag.desc())
        .limit(limit)
    )
    return [
        HashtagTrend(hashtag=hashtag, posts_lately=round(float(lately), 3))
        for hashtag, lately in (await session.execute(query)).all()
    ]


async def _take(
    session: AsyncSession, table: Any, key: Any, subjects: Sequence[Any], share: float
) -> None:
    """Without the share; a score that was nothing else is gone."""
    mine = key.in_(subjects)
    await session.execute(delete(table).where(and_(mine, table.score <= share + _ONLY_SHARE)))
    await session.execute(update(table).where(mine).values(score=_without(table.score, share)))


def _with(score: Score, share: float) -> ColumnElement[float]:
    apart = func.least(func.abs(score - share), _NEGLIGIBLE)
    return func.greatest(score, share) + _log2(1.0 + func.power(2.0, -apart))


def _without(score: Score, share: float) -> ColumnElement[Any]:
    apart = func.least(score - share, _NEGLIGIBLE)
    return case(
        (score > share + _ONLY_SHARE, score + _log2(1.0 - func.power(2.0, -apart))), else_=score
    )


def _log2(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.ln(value) / func.ln(2.0)
