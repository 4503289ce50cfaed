"""What people hear of, and what it is about."""

from enum import StrEnum
from typing import Final


class NotificationKind(StrEnum):
    """What happened."""

    LIKE = "like"
    COMMENT = "comment"
    """On a post of theirs."""
    REPLY = "reply"
    """To a comment of theirs."""
    FOLLOW = "follow"
    MENTION = "mention"
    REPOST = "repost"
    MESSAGE = "message"
    POST_PUBLISHED = "post_published"
    """A scheduled post of theirs went out; so do the next three speak of scheduled posts."""
    POST_FAILED = "post_failed"
    POST_UNCONFIRMED = "post_unconfirmed"
    ACCOUNT_RECONNECT = "account_reconnect"
    """An account of theirs has to be connected again, and its posts wait for that."""
    CONTENT_REMOVED = "content_removed"
    """A moderator took something of theirs away; `GET /v1/decisions` says why."""
    WARNING = "warning"
    """A moderator left something of theirs, and warns them."""


UNDOABLE: Final = frozenset(
    {NotificationKind.LIKE, NotificationKind.REPOST, NotificationKind.FOLLOW}
)
"""What people can undo as if it had never been, and each does once: who did it is the cause."""


class SubjectType(StrEnum):
    """What a notification is about, and so where it leads to."""

    FEED_POST = "feed_post"
    COMMENT = "comment"
    USER = "user"
    CONVERSATION = "conversation"
    POST = "post"
    """A scheduled post."""
    ACCOUNT = "account"
    MESSAGE = "message"
    LISTING = "listing"
