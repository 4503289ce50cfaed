"""Decides that people are told something, in the transaction in which it happens."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from domain.notifications import NotificationKind, SubjectType
from storage.jobs import JobKind, put, put_many

RECIPIENTS_A_JOB: Final = 500
"""So that one job is one short transaction."""

GATHERED: Final = timedelta(seconds=2)
"""What happens within it is told together: messages of one conversation, deliveries of one post;
and a burst is told of when it is over."""


async def notify(
    session: AsyncSession,
    kind: NotificationKind,
    *,
    user_ids: Iterable[UUID],
    actor_id: UUID | None,
    subject_type: SubjectType,
    subject_id: UUID,
    cause_id: UUID,
) -> None:
    """Tell these people, after the commit, what the actor did to the subject.

    News of one kind about one subject is one notification until it is read. `cause_id` is what
    nobody is told of twice: the comment, the message; for a like, a repost or a follow the actor.
    Of a follow the subject is the one who is followed. Left out are the actor, who has blocked or
    muted the actor or is blocked by them, and who does not want to hear of the kind.
    """
    recipients = [str(user_id) for user_id in dict.fromkeys(user_ids) if user_id != actor_id]
    about = news(kind, actor_id=actor_id, subject_type=subject_type, cause_id=cause_id)
    await put_many(
        session,
        JobKind.NOTIFY,
        [
            (subject_id, {**about, "user_ids": recipients[start : start + RECIPIENTS_A_JOB]})
            for start in range(0, len(recipients), RECIPIENTS_A_JOB)
        ],
        run_at=_gathered() if kind is NotificationKind.MESSAGE else None,
    )


def news(
    kind: NotificationKind, *, actor_id: UUID | None, subject_type: SubjectType, cause_id: UUID
) -> dict[str, str | None]:
    """What a job tells to its `user_ids`."""
    return {
        "kind": kind,
        "actor_id": None if actor_id is None else str(actor_id),
        "subject_type": subject_type,
        "cause_id": str(cause_id),
    }


async def take_back(
    session: AsyncSession,
    kind: NotificationKind,
    *,
    user_id: UUID,
    actor_id: UUID,
    subject_id: UUID,
) -> None:
    """Let somebody hear no more of what the actor undid, unless they have read of it.

    It waits a moment, in which the actor may do it again after all. `kind` is one of UNDOABLE.
    """
    if user_id != actor_id:
        await put(
            session,
            JobKind.TAKE_BACK,
            subject_id=subject_id,
            payload={"kind": kind, "user_id": str(user_id), "actor_id": str(actor_id)},
            run_at=_gathered(),
        )


async def delivery_settled(
    session: AsyncSession, settled: Iterable[tuple[UUID, DeliveryStatus]]
) -> None:
    """Tell those whose posts these are how the deliveries ended; one statement for all."""
    await put_many(
        session,
        JobKind.DELIVERY_SETTLED,
        [(delivery_id, {"status": status}) for delivery_id, status in settled],
        run_at=_gathered(),
    )


async def account_needs_reconnecting(session: AsyncSession, account_id: UUID) -> None:
    """Tell the workspace that posts wait for its account; call it when that begins."""
    await put(
        session,
        JobKind.ACCOUNT_RECONNECT,
        subject_id=account_id,
        payload={"cause_id": str(new_id())},
    )


def _gathered() -> datetime:
    return datetime.now(UTC) + GATHERED
