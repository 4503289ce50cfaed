"""Why an activity gave up for now or for good: the `type` of its failure in the Temporal web UI."""

from enum import StrEnum


class FailureType(StrEnum):
    """Each name says what the publish activity waits for before Temporal runs it again."""

    TRY_LATER = "TryLater"
    """Certainly not sent; the retry plan has a try left."""
    RATE_LIMITED = "RateLimited"
    """The network named a time to wait; costs no attempt."""
    PREPARATION_PENDING = "PreparationPending"
    """The network still processes the media, or it has to be transferred again."""
    NOT_ADMITTED = "NotAdmitted"
    """Its account's quota is used up, or a switch holds it; costs no attempt."""
    RECONNECT = "Reconnect"
    """Only the user can repair the account; connecting it again resumes the delivery."""
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    """Sent without an answer; looked for before anything else happens."""
    ELSEWHERE = "Elsewhere"
    """The worker that runs the workflow has no room for it: its network's queue takes it."""
    WORKER_STOPPING = "WorkerStopping"
    """The worker shuts down before the publish time; another one takes over."""
