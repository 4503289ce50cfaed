"""What a workspace decides once for all its posts."""

from enum import StrEnum


class AmbiguityPolicy(StrEnum):
    """What happens to a send without an answer that was absent at every look.

    Asked only on networks that can merely be searched; the others prove it one way or the other.
    """

    HOLD = "hold"
    """It is left unconfirmed: a person decides."""

    RESEND = "resend"
    """Absent each time counts as proof that nothing was published: it is sent again."""
