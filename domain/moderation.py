"""What people report, what becomes of it, and what is written down of those who decide."""

from enum import StrEnum


class Reportable(StrEnum):
    """What can be reported."""

    FEED_POST = "feed_post"
    COMMENT = "comment"
    USER = "user"
    MESSAGE = "message"
    LISTING = "listing"


class ReportReason(StrEnum):
    """What is wrong with it."""

    SPAM = "spam"
    HARASSMENT = "harassment"
    HATE = "hate"
    VIOLENCE = "violence"
    SEXUAL = "sexual"
    FRAUD = "fraud"
    ILLEGAL = "illegal"
    OTHER = "other"


class CaseStatus(StrEnum):
    """How far moderators are with what was reported of one thing."""

    OPEN = "open"
    TAKEN = "taken"
    """A moderator looks at it."""
    RESOLVED = "resolved"


class Decision(StrEnum):
    """What a moderator makes of it."""

    NOTHING = "nothing"
    REMOVE = "remove"
    """Nobody sees it any more."""
    WARN = "warn"
    """It stays, and whose it is hears that it was too much."""
    SUSPEND = "suspend"
    """Whose it is, is shut out."""


class Act(StrEnum):
    """What moderators and admins do to others' things; each is written down."""

    GRANT_ROLE = "grant_role"
    SUSPEND_USER = "suspend_user"
    RESTORE_USER = "restore_user"
    TAKE_CASE = "take_case"
    GIVE_CASE_BACK = "give_case_back"
    RESOLVE_CASE = "resolve_case"
    REMOVE_CONTENT = "remove_content"
    REMOVE_LISTING = "remove_listing"
    RESTORE_LISTING = "restore_listing"
    SET_SWITCH = "set_switch"
    RETRY_OUTBOX = "retry_outbox"
    DROP_OUTBOX = "drop_outbox"
    RETRY_JOBS = "retry_jobs"
    DROP_JOBS = "drop_jobs"
