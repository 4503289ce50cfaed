"""The life of a delivery and of its post: the states, and the legal moves between them."""

from collections.abc import Iterable
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Where one post's way to one account stands."""

    SCHEDULED = "scheduled"
    PREPARING = "preparing"
    ARMED = "armed"
    SENDING = "sending"
    DEFERRED = "deferred"
    PUBLISHED = "published"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"


class PostStatus(StrEnum):
    """Where a post stands, derived from its deliveries."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    PARTIALLY_PUBLISHED = "partially_published"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = DeliveryStatus

TRANSITIONS: dict[DeliveryStatus, frozenset[DeliveryStatus]] = {
    _S.SCHEDULED: frozenset({_S.PREPARING, _S.ARMED, _S.DEFERRED, _S.FAILED, _S.CANCELLED}),
    _S.PREPARING: frozenset(
        {_S.SCHEDULED, _S.PREPARING, _S.ARMED, _S.DEFERRED, _S.FAILED, _S.CANCELLED}
    ),
    _S.ARMED: frozenset(
        {_S.SCHEDULED, _S.PREPARING, _S.ARMED, _S.SENDING, _S.DEFERRED, _S.FAILED, _S.CANCELLED}
    ),
    _S.DEFERRED: frozenset({_S.SCHEDULED, _S.PREPARING, _S.ARMED, _S.FAILED, _S.CANCELLED}),
    # A send that is proven not to have happened goes back to waiting.
    _S.SENDING: frozenset({_S.SENDING, _S.DEFERRED, _S.PUBLISHED, _S.FAILED, _S.UNCONFIRMED}),
    # A person settles it: it was published there, or it was not.
    _S.UNCONFIRMED: frozenset({_S.PUBLISHED, _S.FAILED}),
    _S.PUBLISHED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""Every legal move. What is not here cannot be stored."""

TERMINAL = frozenset({_S.PUBLISHED, _S.FAILED, _S.CANCELLED})
"""States that never change again. To publish once more is a new delivery."""

SETTLED = TERMINAL | {_S.UNCONFIRMED}
"""States in which no worker has anything left to do."""

WAITING = frozenset({_S.SCHEDULED, _S.PREPARING, _S.ARMED, _S.DEFERRED})
"""States in which nothing was sent yet: edit, reschedule and cancel are safe."""

_NOT_STARTED = frozenset({_S.SCHEDULED, _S.PREPARING, _S.ARMED})


def sources_of(target: DeliveryStatus) -> frozenset[DeliveryStatus]:
    """The states from which a delivery may move to `target`."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


def post_status(deliveries: Iterable[DeliveryStatus]) -> PostStatus:
    """What a scheduled post's status is, given those of its current deliveries.

    Raises ValueError without any delivery: a post with nowhere to go is a draft.
    """
    present = frozenset(deliveries)
    if not present:
        raise ValueError("a post without deliveries has no publishing status")
    if present == {_S.CANCELLED}:
        return PostStatus.CANCELLED
    if present <= _NOT_STARTED | {_S.CANCELLED}:
        return PostStatus.SCHEDULED
    if present - TERMINAL:
        return PostStatus.PUBLISHING
    if _S.PUBLISHED not in present:
        return PostStatus.FAILED
    return PostStatus.PARTIALLY_PUBLISHED if _S.FAILED in present else PostStatus.PUBLISHED
