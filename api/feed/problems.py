"""What can stand against a request about the feed."""

from uuid import UUID

from api.problems import Conflict, NotFound, Problem

_PLACE = "on the feed"


def no_such_post(post_id: UUID) -> NotFound:
    """Nothing is public under that id, or not for this reader."""
    return NotFound("feed post", post_id, place=_PLACE)


def no_such_comment(comment_id: UUID) -> NotFound:
    """There is no such comment, or not for this reader."""
    return NotFound("comment", comment_id, place=_PLACE)


def no_such_person(user_id: UUID) -> NotFound:
    """There is nobody of that id, or not for this reader."""
    return NotFound("user", user_id, place=_PLACE)


class NoSuchHandle(Problem):
    """Nobody has that handle, or not for this reader."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "There is nobody of that handle on the feed.",
            status=404,
            slug="not-found",
            title="Not found",
        )


def own_repost() -> Conflict:
    """Followers have the post already."""
    return Conflict(
        "This post is your own: your followers have it already.",
        slug="own-post",
        title="Your own post",
    )


def oneself() -> Conflict:
    """Between somebody and themselves there is nothing to set."""
    return Conflict(
        "This is you. Name somebody else.", slug="oneself", title="Not for your own profile"
    )


def not_your_comment() -> Problem:
    """Neither the comment nor the post is the caller's."""
    return Problem(
        "Only who wrote the comment, or the post, can delete it.",
        status=403,
        slug="not-yours",
        title="Not yours",
    )
