"""What can be reported: found as moderators have to see it, and taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.conversations import ChatEventKind
from domain.listings import ListingStatus
from domain.moderation import Reportable
from storage.chat import events, messages
from storage.chat.events import ChatEvent
from storage.feed import comments, publishing
from storage.feed.comments import Placed
from storage.feed.versions import note_moderation
from storage.marketplace import moderating
from storage.tables import (
    ConversationMemberRow,
    FeedCommentRow,
    FeedPostRow,
    ListingRow,
    MessageRow,
    UserRow,
)

REMOVABLE: Final = frozenset(Reportable) - {Reportable.USER}
"""What a moderator can take away; a user is suspended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One thing that somebody put there."""

    owner_id: UUID
    seen: Mapping[str, Any]
    """What it says now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """Something that nobody sees any more."""

    event: ChatEvent | None
    """What sockets have to hear after the commit; None when nothing is told live."""


async def find(
    session: AsyncSession, kind: Reportable, subject_id: UUID, reporter_id: UUID
) -> Subject | None:
    """What somebody wants to report; None when there is no such thing, or not for them.

    Who blocks somebody, or is blocked, can still report them.
    """
    match kind:
        case Reportable.FEED_POST:
            return await _feed_post(session, subject_id)
        case Reportable.COMMENT:
            return await _comment(session, subject_id)
        case Reportable.USER:
            return await _user(session, subject_id)
        case Reportable.MESSAGE:
            return await _message(session, subject_id, reporter_id)
        case Reportable.LISTING:
            return await _listing(session, subject_id)


async def remove(
    session: AsyncSession, kind: Reportable, subject_id: UUID, *, reason: str
) -> Removed | None:
    """Take it away for everybody, at once; None when it is gone already."""
    match kind:
        case Reportable.FEED_POST:
            gone = await publishing.remove(session, subject_id)
            await note_moderation(session)
        case Reportable.COMMENT:
            gone = await _remove_comment(session, subject_id)
        case Reportable.MESSAGE:
            return await _remove_message(session, subject_id)
        case Reportable.LISTING:
            gone = await moderating.remove(session, subject_id, reason)
        case Reportable.USER:
            raise ValueError("a user is suspended, not removed")
    return Removed(event=None) if gone else None


async def _feed_post(session: AsyncSession, post_id: UUID) -> Subject | None:
    post = await session.get(FeedPostRow, post_id)
    if post is None or post.deleted_at is not None:
        return None
    media_ids = [item["media_id"] for item in post.media["items"]]
    return Subject(owner_id=post.author_id, seen={"text": post.text, "media_ids": media_ids})


async def _comment(session: AsyncSession, comment_id: UUID) -> Subject | None:
    comment = await session.get(FeedCommentRow, comment_id)
    if comment is None or comment.deleted_at is not None:
        return None
    seen = {"text": comment.text, "feed_post_id": str(comment.post_id)}
    return Subject(owner_id=comment.author_id, seen=seen)


async def _user(session: AsyncSession, user_id: UUID) -> Subject | None:
    user = await session.get(UserRow, user_id)
    if user is None:
        return None
    seen = {"handle": user.handle, "display_name": user.display_name}
    return Subject(owner_id=user.id, seen=seen)


async def _message(session: AsyncSession, message_id: UUID, reporter_id: UUID) -> Subject | None:
    member = ConversationMemberRow
    query = (
        select(MessageRow)
        .join(member, member.conversation_id == MessageRow.conversation_id)
        .where(
            MessageRow.id == message_id,
            MessageRow.deleted_at.is_(None),
            MessageRow.seq > member.joined_seq,
            member.user_id == reporter_id,
            member.left_at.is_(None),
        )
    )
    message = (await session.scalars(query)).one_or_none()
    if message is None:
        return None
    seen = {
        "text": message.text,
        "media_ids": [str(one) for one in message.media_ids],
        "conversation_id": str(message.conversation_id),
    }
    return Subject(owner_id=message.sender_id, seen=seen)


async def _listing(session: AsyncSession, listing_id: UUID) -> Subject | None:
    listing = await session.get(ListingRow, listing_id)
    if listing is None or listing.status == ListingStatus.REMOVED:
        return None
    seen = {"title": listing.title, "text": listing.description}
    return Subject(owner_id=listing.seller_id, seen=seen)


async def _remove_comment(session: AsyncSession, comment_id: UUID) -> bool:
    """As its author would, whoever that is and whether or not they are suspended."""
    post_id = await session.scalar(
        select(FeedCommentRow.post_id).where(FeedCommentRow.id == comment_id)
    )
    # Whoever counts a post's comments holds the post.
    await session.execute(
        select(FeedPostRow.id).where(FeedPostRow.id == post_id).with_for_update(key_share=True)
    )
    row = await session.get(FeedCommentRow, comment_id, populate_existing=True)
    if row is None or row.deleted_at is not None:
        return False
    placed = Placed(
        id=row.id, post_id=row.post_id, parent_id=row.parent_id, author_id=row.author_id
    )
    await comments.remove(session, placed)
    return True


async def _remove_message(session: AsyncSession, message_id: UUID) -> Removed | None:
    """The event names who sent it: members need not know which moderator it was."""
    row = await session.get(MessageRow, message_id)
    if row is None:
        return None
    event = await events.append(
        session,
        row.conversation_id,
        ChatEventKind.MESSAGE_DELETED,
        actor_id=row.sender_id,
        message_id=message_id,
    )
    # The conversation is locked by now: nobody else deletes it meanwhile.
    await session.refresh(row)
    if row.deleted_at is not None:
        return None
    deleted = await messages.delete_content(session, message_id, seq=event.seq)
    return Removed(event=event.about(deleted))
