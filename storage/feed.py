"""Posts of the built-in network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from storage.tables import AccountRow, FeedPostRow


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPost:
    """One public post of the feed."""

    id: UUID
    workspace_id: UUID
    account_id: UUID
    handle: str
    display_name: str
    text: str
    media: tuple[tuple[UUID, str], ...]
    """(media id, alt text)"""
    published_at: datetime


async def insert_once(
    session: AsyncSession,
    *,
    account_id: UUID,
    publish_key: str,
    text: str,
    media: Sequence[tuple[UUID, str]],
) -> UUID:
    """Insert a feed post unless its key is taken; the id of the one that stands."""
    statement = (
        insert(FeedPostRow)
        .values(
            id=new_id(),
            account_id=account_id,
            publish_key=publish_key,
            text=text,
            media={"items": [{"media_id": str(i), "alt_text": alt} for i, alt in media]},
        )
        .on_conflict_do_nothing(index_elements=["publish_key"])
        .returning(FeedPostRow.id)
    )
    inserted = (await session.execute(statement)).scalar_one_or_none()
    if inserted is not None:
        return inserted
    found = await find_by_key(session, publish_key)
    if found is None:
        raise LookupError("a feed post vanished between two statements")
    return found


async def find_by_key(session: AsyncSession, publish_key: str) -> UUID | None:
    """The post published under that key."""
    query = select(FeedPostRow.id).where(FeedPostRow.publish_key == publish_key)
    return (await session.execute(query)).scalar_one_or_none()


async def get(session: AsyncSession, feed_post_id: UUID) -> FeedPost | None:
    """One public feed post, whoever asks."""
    query = (
        select(FeedPostRow, AccountRow)
        .join(AccountRow, AccountRow.id == FeedPostRow.account_id)
        .where(FeedPostRow.id == feed_post_id)
    )
    found = (await session.execute(query)).one_or_none()
    return _feed_post(*found) if found else None


async def list_by_account(
    session: AsyncSession, account_id: UUID, *, before: UUID | None, limit: int
) -> list[FeedPost]:
    """A profile's posts, newest first."""
    query = (
        select(FeedPostRow, AccountRow)
        .join(AccountRow, AccountRow.id == FeedPostRow.account_id)
        .where(FeedPostRow.account_id == account_id)
        .order_by(FeedPostRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(FeedPostRow.id < before)
    return [_feed_post(*row) for row in (await session.execute(query)).all()]


def _feed_post(post: FeedPostRow, account: AccountRow) -> FeedPost:
    return FeedPost(
        id=post.id,
        workspace_id=account.workspace_id,
        account_id=account.id,
        handle=account.handle,
        display_name=account.display_name,
        text=post.text,
        media=tuple((UUID(item["media_id"]), item["alt_text"]) for item in post.media["items"]),
        published_at=post.published_at,
    )
