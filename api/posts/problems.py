"""What can stand against a change of a post."""

from collections.abc import Sequence
from typing import Self

from api.problems import Conflict, Problem
from domain.deliveries import WAITING
from storage.posts import Delivery


class RevisionMissing(Problem):
    """A change has to name the revision it was made from."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "Send If-Match with the post's ETag, so that nobody's text is overwritten unseen.",
            status=428,
            slug="if-match-missing",
            title="If-Match is missing",
        )


class ChangedMeanwhile(Problem):
    """Somebody else changed the post since the caller read it."""

    def __init__(self, revision: int) -> None:
        """`revision` is the current one."""
        super().__init__(
            f"The post is at revision {revision} by now. Read it again, and decide again.",
            status=412,
            slug="changed-meanwhile",
            title="Changed meanwhile",
            headers={"ETag": f'"{revision}"'},
        )


class TooLate(Conflict):
    """Something of the post may be public already."""

    @classmethod
    def under_way(cls, deliveries: Sequence[Delivery]) -> Self:
        """Names each delivery that cannot be taken back."""
        named = ", ".join(
            f"{one.network} ({one.handle}) is {one.status}"
            + (" and public in part" if one.remote_id and one.status in WAITING else "")
            for one in deliveries
        )
        return cls(
            f"Too late: {named}. What waits for other accounts can be stopped one by one with"
            " POST /v1/deliveries/{id}/cancel.",
            slug="too-late",
            title="Too late to change",
        )

    @classmethod
    def cancelled(cls) -> Self:
        """The post was stopped before."""
        return cls(
            "The post was cancelled. Create a new one.",
            slug="post-cancelled",
            title="The post was cancelled",
        )
