"""What to do after a network said no: one table, read by everything that talks to a network."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from contracts.failures import FailureType
from domain.retry import RetryPlan
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    CredentialsExpired,
    MediaNotReady,
    NetworkError,
    PreparationLost,
    RateLimited,
    TryLater,
)

MEDIA_POLL = timedelta(seconds=5)
"""Between two looks at media that the network still processes."""

MEDIA_PATIENCE = timedelta(minutes=30)
"""After the publish time; media that is not processed by then never will be."""

RECONNECT_POLL = timedelta(minutes=15)
"""Between two looks whether the account was connected again; doing so resumes at once."""

RECONNECT_PATIENCE = timedelta(days=1)
"""After the publish time; later, nobody would want the post any more."""

AT_ONCE = timedelta(milliseconds=100)

REFRESH_POLL = timedelta(seconds=1)
"""Between two looks at credentials that another worker is refreshing."""


class Remedy(Enum):
    """What has to be put right before the next try."""

    NOTHING = auto()
    REFRESH_CREDENTIALS = auto()
    PREPARE_AGAIN = auto()
    RECONNECT_ACCOUNT = auto()
    UNBLOCK_ACCOUNT = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Wait or give up, and what to put right."""

    wait: timedelta | None
    """Until the next try; None: give up."""
    failure: FailureType = FailureType.TRY_LATER
    counted: bool = True
    """Whether the try counts against the retry plan."""
    remedy: Remedy = Remedy.NOTHING


def decide(error: NetworkError, *, tries: int, overdue: timedelta, retries: RetryPlan) -> Decision:
    """What follows from `error` when it was the `tries`-th counted try.

    `overdue` is how long ago the publish time was.
    """
    delay = retries.delay_after(tries)
    at_once = AT_ONCE if delay is not None else None
    patience = MEDIA_POLL if overdue < MEDIA_PATIENCE else None
    pending = FailureType.PREPARATION_PENDING
    match error:
        case RateLimited(retry_after=named):
            decision = Decision(wait=named, failure=FailureType.RATE_LIMITED, counted=False)
        case MediaNotReady():
            decision = Decision(wait=patience, failure=pending, counted=False)
        case PreparationLost():
            decision = Decision(wait=at_once, failure=pending, remedy=Remedy.PREPARE_AGAIN)
        case CredentialsExpired():
            decision = Decision(wait=at_once, remedy=Remedy.REFRESH_CREDENTIALS)
        case TryLater():
            decision = Decision(wait=delay)
        case AccountDisconnected():
            decision = Decision(
                wait=RECONNECT_POLL if overdue < RECONNECT_PATIENCE else None,
                failure=FailureType.RECONNECT,
                counted=False,
                remedy=Remedy.RECONNECT_ACCOUNT,
            )
        case AccountBlocked():
            decision = Decision(wait=None, remedy=Remedy.UNBLOCK_ACCOUNT)
        case _:
            decision = Decision(wait=None)
    return decision
