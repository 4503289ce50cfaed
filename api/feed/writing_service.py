"""What people do with posts. Each method is one transaction; followers have it soon after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.scopes import Scope
from api.auth.service import Caller, SignedIn
from api.feed.problems import no_such_post, own_repost
from api.feed.schemas import FeedPostWanted
from api.idempotency import IdempotencyKeyReused
from api.problems import FieldProblem, InvalidRequest
from domain.content import Attachment, Content
from domain.networks import Network
from domain.rules import check
from storage import media as media_rows
from storage.database import Database
from storage.feed import posts, publishing, reactions
from storage.feed.posts import FeedPost
from storage.feed.reactions import HeldPost
from storage.feed.versions import note_own_write
from storage.media import Media


class FeedWriting:
    """What a signed-in user does."""

    def __init__(self, database: Database, *, fan_out_limit: int) -> None:
        """Authors with more than `fan_out_limit` followers are looked up by them."""
        self._database = database
        self._fan_out_limit = fan_out_limit

    async def publish(self, user_id: UUID, wanted: FeedPostWanted, key: str | None) -> FeedPost:
        """Publish a post, or answer with the one that was published under the key before.

        Raises InvalidRequest, IdempotencyKeyReused; NotFound when that one was deleted since.
        """
        async with self._database.transaction() as session:
            attachments = await _attachments(session, user_id, wanted)
            post_id = await publishing.publish(
                session,
                author_id=user_id,
                account_id=None,
                publish_key=f"{user_id}:{key or uuid4()}",
                text=wanted.text,
                media=attachments,
                fan_out_limit=self._fan_out_limit,
            )
            if not await publishing.says(session, post_id, text=wanted.text, media=attachments):
                raise IdempotencyKeyReused
            post = await posts.find(session, user_id, post_id)
        if post is None:
            raise no_such_post(post_id)
        return post

    async def delete(self, by: SignedIn | Caller, post_id: UUID) -> None:
        """Take a post out of every feed for good: one's own, or one of the workspace's accounts.

        Raises NotFound; Forbidden for who may not write the workspace's posts.
        """
        async with self._database.transaction() as session:
            if by.user_id and await publishing.remove(session, post_id, author_id=by.user_id):
                return
            if not isinstance(by, Caller) or not await posts.went_out_through(
                session, by.workspace_id, post_id
            ):
                raise no_such_post(post_id)
            by.require(Scope.POSTS_WRITE)
            if not await publishing.remove(session, post_id):
                raise no_such_post(post_id)
            if by.user_id:
                await note_own_write(session, by.user_id)

    async def like(self, user_id: UUID, post_id: UUID) -> None:
        """Once, however often it is said. Raises NotFound."""
        async with self._held(user_id, post_id) as (session, post):
            await reactions.like(session, user_id, post)

    async def unlike(self, user_id: UUID, post_id: UUID) -> None:
        """Take a like back. Raises NotFound."""
        async with self._held(user_id, post_id) as (session, post):
            await reactions.unlike(session, user_id, post)

    async def repost(self, user_id: UUID, post_id: UUID) -> None:
        """Show it to one's followers, once. Raises NotFound, Conflict for one's own."""
        async with self._held(user_id, post_id) as (session, post):
            if post.author_id == user_id:
                raise own_repost()
            await reactions.repost(session, user_id, post, fan_out_limit=self._fan_out_limit)

    async def unrepost(self, user_id: UUID, post_id: UUID) -> None:
        """Take a repost back. Raises NotFound."""
        async with self._held(user_id, post_id) as (session, post):
            await reactions.unrepost(session, user_id, post)

    async def bookmark(self, user_id: UUID, post_id: UUID) -> None:
        """Keep it for later. Raises NotFound."""
        async with self._held(user_id, post_id) as (session, post):
            await reactions.bookmark(session, user_id, post)

    async def unbookmark(self, user_id: UUID, post_id: UUID) -> None:
        """Keep it no more, whatever became of the post."""
        async with self._database.transaction() as session:
            await reactions.unbookmark(session, user_id, post_id)

    @asynccontextmanager
    async def _held(
        self, user_id: UUID, post_id: UUID
    ) -> AsyncIterator[tuple[AsyncSession, HeldPost]]:
        async with self._database.transaction() as session:
            post = await reactions.hold(session, user_id, post_id)
            if post is None:
                raise no_such_post(post_id)
            yield session, post


async def _attachments(
    session: AsyncSession, user_id: UUID, wanted: FeedPostWanted
) -> list[tuple[UUID, str]]:
    """The pictures with their alt texts, kept from deletion. Raises InvalidRequest."""
    ids = [one.media_id for one in wanted.media]
    owned = await media_rows.find_of_user_to_use(session, user_id, ids) if ids else {}
    unknown = [_unknown_media(index) for index, media_id in enumerate(ids) if media_id not in owned]
    if unknown:
        raise InvalidRequest(*unknown)
    attachments = [
        (one.media_id, owned[one.media_id].alt_text if one.alt_text is None else one.alt_text)
        for one in wanted.media
    ]
    _require_publishable(wanted.text, attachments, owned)
    return attachments


def _require_publishable(
    text: str, attachments: list[tuple[UUID, str]], owned: dict[UUID, Media]
) -> None:
    """By the same rules as a scheduled post. Raises InvalidRequest."""
    content = Content(
        text=text,
        media=tuple(Attachment(media_id=one, alt_text=alt) for one, alt in attachments),
    )
    facts = {media_id: media.facts() for media_id, media in owned.items()}
    refused = [
        FieldProblem(
            field=violation.field,
            rule=violation.rule,
            message=violation.message,
            fix=violation.fix,
            limit=violation.limit,
            actual=violation.actual,
        )
        for violation in check(Network.FEED, content, facts)
    ]
    if refused:
        raise InvalidRequest(*refused)


def _unknown_media(index: int) -> FieldProblem:
    return FieldProblem(
        field=f"media[{index}].media_id",
        rule="unknown_media",
        message="You have no uploaded picture of that id.",
        fix="Upload it first, with POST /v1/users/me/media.",
    )
