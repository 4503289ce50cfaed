"""The built-in network: posts, and what people do with them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class FeedPostRow(Table):
    """A public post of the built-in network."""

    __tablename__ = "feed_posts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """A trigger fills it in when a worker of an older version leaves it out."""
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    """The account it was published through; null when its author wrote it here."""
    publish_key: Mapped[str] = mapped_column(unique=True)
    """Ours, chosen before sending: the same key again publishes nothing new."""
    text: Mapped[str]
    media: Mapped[dict[str, Any]]
    """{items: [{media_id, alt_text}]}"""
    like_count: Mapped[int] = mapped_column(server_default="0")
    comment_count: Mapped[int] = mapped_column(server_default="0")
    """Replies included."""
    repost_count: Mapped[int] = mapped_column(server_default="0")
    published_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "account_id", "id"),  # what was published through an account
        Index(None, "author_id", "id"),  # an author's posts, for moderation
        Index(  # posts that show a picture, when it is to be deleted
            "ix_feed_posts_media",
            "media",
            postgresql_using="gin",
            postgresql_ops={"media": "jsonb_path_ops"},
            postgresql_where=sql("media <> '{\"items\": []}' AND deleted_at IS NULL"),
        ),
    )


class FeedEntryRow(Table):
    """One appearance of a post: its publication, or a repost of it."""

    __tablename__ = "feed_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The post's own when it was published; ids sort by time."""
    post_id: Mapped[UUID] = mapped_column(ForeignKey("feed_posts.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Who wrote the post."""
    actor_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Who published or reposted it."""
    on_read: Mapped[bool]
    """Followers look it up when they read, instead of having it written to each of them."""
    spread_to: Mapped[UUID | None]
    """The last follow that it was written to, while that goes on."""
    spread_at: Mapped[datetime | None]
    """When every follower of that moment had it."""

    __table_args__ = (
        UniqueConstraint("actor_id", "post_id"),  # a post is reposted once by one person
        Index(None, "actor_id", "id"),  # a profile; what followers look up
        Index(None, "post_id", "id"),  # who reposted a post
        Index(  # earlier reposts that followers look up
            "ix_feed_entries_on_read_post_id",
            "post_id",
            "id",
            postgresql_where=sql("on_read"),
        ),
        Index(  # what followers of busy authors have not seen yet
            "ix_feed_entries_on_read", "id", postgresql_where=sql("on_read")
        ),
    )


class HomeEntryRow(Table):
    """An entry written to one follower's home feed. Whether it still shows is asked when read."""

    __tablename__ = "home_entries"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: what was taken back is passed over, and not searched for everywhere."""
    actor_id: Mapped[UUID]
    post_id: Mapped[UUID]

    __table_args__ = (Index(None, "user_id", "post_id"),)  # shown before through somebody else?


class FeedProfileRow(Table):
    """What the feed counts and remembers of one user."""

    __tablename__ = "feed_profiles"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    """Whose page it is; null for a person."""
    follower_count: Mapped[int] = mapped_column(server_default="0")
    following_count: Mapped[int] = mapped_column(server_default="0")
    on_read: Mapped[bool] = mapped_column(server_default=sql("false"))
    """Has entries that followers look up; stays true."""
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Counts what the user did: what was cached for them before is not shown any more."""

    __table_args__ = (
        Index("ix_feed_profiles_on_read", "user_id", postgresql_where=sql("on_read")),
    )


class FeedModerationRow(Table):
    """The one row that counts what moderators took from everybody's feeds, or gave back."""

    __tablename__ = "feed_moderation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    """Part of the version of everything that is kept of feeds."""

    __table_args__ = (CheckConstraint("id = 1", name="one"),)


class FollowRow(Table):
    """Somebody wants to read what another publishes."""

    __tablename__ = "follows"

    follower_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    followee_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    id: Mapped[UUID]
    """Sorts by time."""

    __table_args__ = (
        CheckConstraint("follower_id <> followee_id", name="other"),
        Index(None, "follower_id", "id"),  # whom somebody follows
        Index(None, "followee_id", "id"),  # who follows somebody; writing to all of them
    )


class BlockRow(Table):
    """Two people who do not see each other, because one of them wants so."""

    __tablename__ = "blocks"

    blocker_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    blocked_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    id: Mapped[UUID]
    """Sorts by time."""

    __table_args__ = (
        CheckConstraint("blocker_id <> blocked_id", name="other"),
        Index(None, "blocker_id", "id"),  # whom somebody blocks
        Index(None, "blocked_id", "blocker_id"),  # whether the other one blocks
    )


class MuteRow(Table):
    """Somebody does not want to read another; the other does not learn of it."""

    __tablename__ = "mutes"

    muter_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    muted_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    id: Mapped[UUID]
    """Sorts by time."""

    __table_args__ = (
        CheckConstraint("muter_id <> muted_id", name="other"),
        Index(None, "muter_id", "id"),  # whom somebody mutes
    )


class FeedLikeRow(Table):
    """Somebody likes a post."""

    __tablename__ = "feed_likes"

    post_id: Mapped[UUID] = mapped_column(
        ForeignKey("feed_posts.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    id: Mapped[UUID]
    """Sorts by time."""

    __table_args__ = (Index(None, "post_id", "id"),)  # who likes a post


class FeedBookmarkRow(Table):
    """Somebody keeps a post for later; nobody else learns of it."""

    __tablename__ = "feed_bookmarks"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    post_id: Mapped[UUID] = mapped_column(
        ForeignKey("feed_posts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[UUID]
    """Sorts by time."""

    __table_args__ = (Index(None, "user_id", "id"),)  # somebody's bookmarks


class FeedCommentRow(Table):
    """A comment on a post, or a reply to a comment."""

    __tablename__ = "feed_comments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    post_id: Mapped[UUID] = mapped_column(ForeignKey("feed_posts.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("feed_comments.id", ondelete="CASCADE")
    )
    """The comment that it replies to; a reply to a reply belongs to the same comment."""
    comment_key: Mapped[str]
    """Chosen by who writes it: the same key again writes nothing new."""
    text: Mapped[str]
    reply_count: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("author_id", "comment_key"),
        Index(  # a post's comments
            "ix_feed_comments_post_id_id",
            "post_id",
            "id",
            postgresql_where=sql("parent_id IS NULL"),
        ),
        Index(None, "parent_id", "id"),  # a comment's replies
    )


class FeedHashtagRow(Table):
    """A post has a hashtag."""

    __tablename__ = "feed_hashtags"

    hashtag: Mapped[str] = mapped_column(primary_key=True)
    """Case-folded, without #."""
    post_id: Mapped[UUID] = mapped_column(
        ForeignKey("feed_posts.id", ondelete="CASCADE"), primary_key=True
    )

    __table_args__ = (Index(None, "post_id"),)  # a post's hashtags


class FeedPostTrendRow(Table):
    """How much is going on around a post lately."""

    __tablename__ = "feed_post_trends"

    post_id: Mapped[UUID] = mapped_column(
        ForeignKey("feed_posts.id", ondelete="CASCADE"), primary_key=True
    )
    score: Mapped[float]
    """See domain/trends.py: its order needs no ageing."""

    __table_args__ = (Index(None, "score", "post_id"),)  # what trends most


class FeedHashtagTrendRow(Table):
    """How much a hashtag is used lately."""

    __tablename__ = "feed_hashtag_trends"

    hashtag: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[float]
    """See domain/trends.py: its order needs no ageing."""

    __table_args__ = (Index(None, "score", "hashtag"),)  # what trends most
