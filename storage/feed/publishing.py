"""How posts come into the feed, and leave it: each once, with everything that follows from it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.mentions import hashtags_in, mentioned_handles
from domain.notifications import NotificationKind, SubjectType
from storage import pictures
from storage.feed import spreading, trends
from storage.feed.versions import note_own_write
from storage.notifications.deciding import notify
from storage.tables import FeedEntryRow, FeedHashtagRow, FeedPostRow, UserRow

FAN_OUT_LIMIT: Final = 5_000
"""Followers up to which a post is written to each of them, unless settings say otherwise."""


async def publish_for_account(
    session: AsyncSession,
    *,
    account_id: UUID,
    publish_key: str,
    text: str,
    media: Sequence[tuple[UUID, str]],
    fan_out_limit: int = FAN_OUT_LIMIT,
) -> UUID:
    """Publish what a workspace scheduled, unless the key is taken; the id of the post that stands.

    `media` is (media id, alt text).
    """
    speaks_for = select(func.feed_author_of(account_id, type_=Uuid()))
    author = (await session.scalars(speaks_for)).one()
    return await publish(
        session,
        author_id=author,
        account_id=account_id,
        publish_key=publish_key,
        text=text,
        media=media,
        fan_out_limit=fan_out_limit,
    )


async def publish(
    session: AsyncSession,
    *,
    author_id: UUID,
    account_id: UUID | None,
    publish_key: str,
    text: str,
    media: Sequence[tuple[UUID, str]],
    fan_out_limit: int,
) -> UUID:
    """Publish a post unless its key is taken; the id of the one that stands."""
    statement = (
        insert(FeedPostRow)
        .values(
            id=new_id(),
            author_id=author_id,
            account_id=account_id,
            publish_key=publish_key,
            text=text,
            media=media_json(media),
        )
        .on_conflict_do_nothing(index_elements=["publish_key"])
        .returning(FeedPostRow.id)
    )
    inserted = (await session.execute(statement)).scalar_one_or_none()
    if inserted is None:
        found = await find_by_key(session, publish_key)
        if found is None:
            raise LookupError("a feed post vanished between two statements")
        return found
    await pictures.ask_for(session, {media_id for media_id, _ in media})
    await spreading.enter(
        session,
        entry_id=inserted,
        post_id=inserted,
        author_id=author_id,
        actor_id=author_id,
        fan_out_limit=fan_out_limit,
    )
    if hashtags := hashtags_in(text):
        rows = [{"hashtag": hashtag, "post_id": inserted} for hashtag in hashtags]
        await session.execute(insert(FeedHashtagRow), rows)
    await tell_mentioned(session, author_id, text, SubjectType.FEED_POST, inserted)
    return inserted


async def find_by_key(session: AsyncSession, publish_key: str) -> UUID | None:
    """The post published under that key, deleted ones included."""
    query = select(FeedPostRow.id).where(FeedPostRow.publish_key == publish_key)
    return (await session.execute(query)).scalar_one_or_none()


async def says(
    session: AsyncSession, post_id: UUID, *, text: str, media: Sequence[tuple[UUID, str]]
) -> bool:
    """Whether that is what the post says."""
    query = select(FeedPostRow.id).where(
        FeedPostRow.id == post_id, FeedPostRow.text == text, FeedPostRow.media == media_json(media)
    )
    return await session.scalar(query) is not None


async def remove(session: AsyncSession, post_id: UUID, *, author_id: UUID | None = None) -> bool:
    """Take a post out of every feed for good; only if it is the author's, where one is named.

    The row stays, for whoever has to judge it. False when there is no such post any more.
    """
    statement = (
        update(FeedPostRow)
        .where(FeedPostRow.id == post_id, FeedPostRow.deleted_at.is_(None))
        .values(deleted_at=func.now())
        .returning(FeedPostRow.author_id)
    )
    if author_id is not None:
        statement = statement.where(FeedPostRow.author_id == author_id)
    author = (await session.scalars(statement)).one_or_none()
    if author is None:
        return False
    gone = await session.execute(
        delete(FeedEntryRow)
        .where(FeedEntryRow.post_id == post_id)
        .returning(FeedEntryRow.id, FeedEntryRow.spread_at)
    )
    counted = any(entry == post_id and spread_at for entry, spread_at in gone.all())
    hashtags = await session.scalars(
        delete(FeedHashtagRow)
        .where(FeedHashtagRow.post_id == post_id)
        .returning(FeedHashtagRow.hashtag)
    )
    if counted:
        await trends.uncount_hashtags(session, sorted(hashtags.all()), used=post_id)
    await trends.forget_post(session, post_id)
    await note_own_write(session, author)
    return True


async def tell_mentioned(
    session: AsyncSession, author_id: UUID, text: str, subject_type: SubjectType, subject_id: UUID
) -> None:
    """Let those whom a text calls by @handle hear of it."""
    handles = mentioned_handles(text)
    if not handles:
        return
    query = select(UserRow.id).where(
        func.lower(UserRow.handle).in_(handles), UserRow.suspended_at.is_(None)
    )
    await notify(
        session,
        NotificationKind.MENTION,
        user_ids=(await session.scalars(query)).all(),
        actor_id=author_id,
        subject_type=subject_type,
        subject_id=subject_id,
        cause_id=subject_id,
    )


def media_json(media: Sequence[tuple[UUID, str]]) -> dict[str, Any]:
    """(media id, alt text) as a post's row has it."""
    return {"items": [{"media_id": str(one), "alt_text": alt} for one, alt in media]}
