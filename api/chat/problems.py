"""Why something cannot be done in a conversation."""

from uuid import UUID

from api.problems import Conflict, FieldProblem, InvalidRequest, NotFound, Problem


class NoSuchConversation(NotFound):
    """None that the user is in."""

    def __init__(self, conversation_id: UUID) -> None:
        """See Problem."""
        super().__init__("conversation", conversation_id, place="among yours")


class NoSuchMessage(NotFound):
    """None of that id in the conversation."""

    def __init__(self, message_id: UUID) -> None:
        """See Problem."""
        super().__init__("message", message_id, place="in this conversation")


class NotReachable(Problem):
    """One of the two has blocked the other; the answer does not tell which."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "You cannot write to this person.",
            status=403,
            slug="not-reachable",
            title="Not reachable",
        )


class NotYours(Problem):
    """Somebody else's to decide."""

    def __init__(self, detail: str) -> None:
        """`detail` says whose."""
        super().__init__(detail, status=403, slug="not-yours", title="Not allowed")


class Deleted(Conflict):
    """The message is gone."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "This message was deleted.", slug="message-deleted", title="The message is deleted"
        )


class NoGroup(Conflict):
    """Done with groups only."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "A direct conversation has no title and always the same two people. Make a group.",
            slug="not-a-group",
            title="Not a group",
        )


class TooManyMembers(Conflict):
    """A group would grow over its limit."""

    def __init__(self, limit: int, actual: int) -> None:
        """`actual` is how many there would be."""
        super().__init__(
            f"A group has at most {limit} members; it would have {actual}.",
            slug="too-many-members",
            title="Too many members",
            errors=[
                FieldProblem(
                    field="user_ids",
                    rule="too_many_members",
                    message=f"The group would have {actual} members.",
                    fix=f"Keep it to {limit}, you included.",
                    limit=limit,
                    actual=actual,
                )
            ],
        )


class TooManyEmoji(Conflict):
    """A message has enough different reactions."""

    def __init__(self, limit: int) -> None:
        """See Problem."""
        super().__init__(
            f"A message takes {limit} different emoji. Use one that is there.",
            slug="too-many-emoji",
            title="Too many emoji",
        )


def cannot_be_added(positions: list[int]) -> InvalidRequest:
    """People who do not exist, are suspended, or have blocked or are blocked: told alike."""
    return InvalidRequest(
        *(
            FieldProblem(
                field=f"user_ids[{position}]",
                rule="not_reachable",
                message="This person cannot be added.",
                fix="Leave them out.",
            )
            for position in positions
        )
    )


def unusable_media(positions: list[int]) -> InvalidRequest:
    """Media items that are not the sender's."""
    return InvalidRequest(
        *(
            FieldProblem(
                field=f"media_ids[{position}]",
                rule="unknown_media",
                message="You have uploaded no media item of this id.",
                fix="Upload it first, and send the id that you get.",
            )
            for position in positions
        )
    )


def unknown_reply() -> InvalidRequest:
    """A reply to what is not in the conversation."""
    return InvalidRequest(
        FieldProblem(
            field="reply_to",
            rule="unknown_message",
            message="There is no such message in this conversation.",
            fix="Send the id of one of its messages, or leave it out.",
        )
    )
