"""Comments and replies. Each method is one transaction."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from api.feed.comment_schemas import CommentWanted
from api.feed.problems import no_such_comment, no_such_post, not_your_comment
from api.idempotency import IdempotencyKeyReused
from api.pagination import PageRequest
from api.problems import FieldProblem, InvalidRequest
from storage.database import Database
from storage.feed import comments, posts, reactions
from storage.feed.comments import Comment, Placed


class FeedComments:
    """What people say to posts."""

    def __init__(self, database: Database) -> None:
        """Everything it does is in that database."""
        self._database = database

    async def write(
        self, user_id: UUID, post_id: UUID, wanted: CommentWanted, key: str | None
    ) -> Comment:
        """Comment on a post or reply, or answer with what was written under the key before.

        Raises NotFound, InvalidRequest, IdempotencyKeyReused.
        """
        async with self._database.transaction() as session:
            post = await reactions.hold(session, user_id, post_id)
            if post is None:
                raise no_such_post(post_id)
            reply_to = await _replied_to(session, user_id, post_id, wanted.reply_to)
            comment_id = await comments.write(
                session,
                user_id,
                post,
                comment_key=key or str(uuid4()),
                text=wanted.text,
                reply_to=reply_to,
            )
            written = await comments.find(session, user_id, comment_id)
        if written is None:
            raise no_such_comment(comment_id)
        if (written.text, written.post_id) != (wanted.text, post_id):
            raise IdempotencyKeyReused
        return written

    async def list_of_post(
        self, viewer: UUID | None, post_id: UUID, wanted: PageRequest
    ) -> Sequence[Comment]:
        """A post's comments without their replies, newest first. Raises NotFound."""
        async with self._database.transaction() as session:
            if await posts.find(session, viewer, post_id) is None:
                raise no_such_post(post_id)
            return await comments.list_of_post(
                session, viewer, post_id, before=wanted.before, limit=wanted.fetch
            )

    async def list_replies(
        self, viewer: UUID | None, comment_id: UUID, wanted: PageRequest
    ) -> Sequence[Comment]:
        """A comment's replies, newest first. Raises NotFound."""
        async with self._database.transaction() as session:
            if await comments.place(session, viewer, comment_id) is None:
                raise no_such_comment(comment_id)
            return await comments.list_replies(
                session, viewer, comment_id, before=wanted.before, limit=wanted.fetch
            )

    async def delete(self, user_id: UUID, comment_id: UUID) -> None:
        """Take a comment away with its replies. Raises NotFound, Problem for another's."""
        async with self._database.transaction() as session:
            comment = await comments.place(session, user_id, comment_id)
            if comment is None:
                raise no_such_comment(comment_id)
            post = await reactions.hold(session, user_id, comment.post_id)
            if post is None:
                raise no_such_comment(comment_id)
            if user_id not in {comment.author_id, post.author_id}:
                raise not_your_comment()
            await comments.remove(session, comment)


async def _replied_to(
    session: AsyncSession, user_id: UUID, post_id: UUID, reply_to: UUID | None
) -> Placed | None:
    if reply_to is None:
        return None
    found = await comments.place(session, user_id, reply_to)
    if found is None or found.post_id != post_id:
        raise InvalidRequest(
            FieldProblem(
                field="reply_to",
                rule="unknown_comment",
                message="The post has no comment of that id.",
                fix="Name a comment of this post, or leave reply_to out.",
            )
        )
    return found
