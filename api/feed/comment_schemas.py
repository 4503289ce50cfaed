"""How comments are written and shown."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.feed.schemas import PersonShown
from api.texts import PlainText, UnusableText
from storage.feed.comments import Comment
from storage.media_links import MediaLinks


class _NothingSaid(UnusableText):
    rule = "text_empty"
    fix = "Write something."


def _require_words(text: str) -> str:
    if not text.strip():
        raise _NothingSaid("There is nothing in the comment.")
    return text


class CommentWanted(BaseModel):
    """A comment on a post, or a reply to a comment of it."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        PlainText,
        Field(min_length=1, max_length=2000, examples=["Which flour is it?"]),
        AfterValidator(_require_words),
    ]
    reply_to: Annotated[
        UUID | None,
        Field(description="A comment or reply; a reply to a reply belongs to the same comment."),
    ] = None


class CommentShown(BaseModel):
    """One comment, or one reply."""

    id: UUID
    post_id: UUID
    parent_id: Annotated[UUID | None, Field(description="The comment that it replies to.")]
    author: PersonShown
    text: str
    reply_count: int
    created_at: datetime

    @classmethod
    def of(cls, comment: Comment, links: MediaLinks) -> Self:
        """As it is shown."""
        return cls(
            id=comment.id,
            post_id=comment.post_id,
            parent_id=comment.parent_id,
            author=PersonShown.of(comment.author, links),
            text=comment.text,
            reply_count=comment.reply_count,
            created_at=comment.created_at,
        )
