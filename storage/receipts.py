"""What a network gave for a part that became public: kept once, for one delivery only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Text, Uuid, and_, case, func, null, or_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus, sources_of
from domain.receipts import Receipt
from storage import account_limits, timeline
from storage.account_limits import Hold
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.notifications.deciding import delivery_settled
from storage.outcomes import AttemptOutcome, IllegalTransition, Reason
from storage.post_status import derive_post_statuses, lock_posts
from storage.tables import AttemptRow, DeliveryRow
from storage.timeline import Event, NewEvent
from storage.unnested import unnested


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A part that is public, with the network's proof."""

    state: DeliveryState
    attempt: OpenAttempt
    receipt: Receipt
    sent_at: datetime
    """When its request left, UTC; as near as is known for one that had no answer."""
    last_part: bool
    """Nothing comes after it: the delivery is published."""


async def record_many(
    session: AsyncSession, publications: Sequence[Publication]
) -> list[Exception | None]:
    """Keep the receipts; IllegalTransition for one whose attempt was moved on by another.

    Raises IntegrityError when a receipt is another delivery's already.
    """
    await lock_posts(session, {one.state.post_id for one in publications})
    # Two dispatches may meet here with the same attempt; one receipt is kept.
    firsts = list({one.attempt.attempt_id: one for one in reversed(publications)}.values())
    closed = await _close_attempts(session, firsts)
    kept = [one for one in firsts if one.attempt.attempt_id in closed]
    moved = await _move_deliveries(session, kept)
    for one in kept:
        if one.state.delivery_id not in moved:
            # Its attempt is closed in this transaction: nothing of that may stay.
            raise IllegalTransition(f"delivery {one.state.delivery_id} cannot be published")
    await timeline.append_many(session, [_event(one) for one in kept])
    ended = [one for one in kept if one.last_part]
    await derive_post_statuses(session, {one.state.post_id for one in ended})
    await delivery_settled(
        session, [(one.state.delivery_id, DeliveryStatus.PUBLISHED) for one in ended]
    )
    await account_limits.hold(session, [hold for one in kept for hold in _holds(one)])
    return [
        None
        if one.attempt.attempt_id in closed
        else IllegalTransition(f"attempt {one.attempt.attempt_id} was moved on by another")
        for one in publications
    ]


async def _close_attempts(session: AsyncSession, publications: Sequence[Publication]) -> set[UUID]:
    """Those that were still open."""
    proven = unnested(
        "proven",
        id=(Uuid(), [one.attempt.attempt_id for one in publications]),
        remote_id=(Text(), [one.receipt.remote_id for one in publications]),
        permalink=(Text(), [one.receipt.permalink for one in publications]),
        details=(JSONB(), [dict(one.receipt.details) for one in publications]),
        sent_at=(DateTime(timezone=True), [one.sent_at for one in publications]),
    )
    statement = (
        update(AttemptRow)
        .where(AttemptRow.id == proven.c.id, AttemptRow.outcome.is_(None))
        .values(
            outcome=AttemptOutcome.PUBLISHED,
            ended_at=func.now(),
            started_at=proven.c.sent_at,
            remote_id=proven.c.remote_id,
            permalink=proven.c.permalink,
            details=proven.c.details,
            error=null(),
        )
        .returning(AttemptRow.id)
        .execution_options(synchronize_session=False)
    )
    return set((await session.scalars(statement)).all())


async def _move_deliveries(session: AsyncSession, publications: Sequence[Publication]) -> set[UUID]:
    """Those that could be moved on; a delivery's own receipt is that of its first part."""
    proven = unnested(
        "proven",
        id=(Uuid(), [one.state.delivery_id for one in publications]),
        is_first=(Boolean(), [one.attempt.part == 0 for one in publications]),
        is_last=(Boolean(), [one.last_part for one in publications]),
        remote_id=(Text(), [one.receipt.remote_id for one in publications]),
        permalink=(Text(), [one.receipt.permalink for one in publications]),
        sent_at=(DateTime(timezone=True), [one.sent_at for one in publications]),
    )
    published, sending = DeliveryStatus.PUBLISHED, DeliveryStatus.SENDING

    def of_first(name: str) -> Any:
        return case((proven.c.is_first, proven.c[name]), else_=getattr(DeliveryRow, name))

    statement = (
        update(DeliveryRow)
        .where(
            DeliveryRow.id == proven.c.id,
            or_(
                and_(proven.c.is_last, DeliveryRow.status.in_(sources_of(published))),
                and_(~proven.c.is_last, DeliveryRow.status.in_(sources_of(sending))),
            ),
        )
        .values(
            status=case((proven.c.is_last, str(published)), else_=str(sending)),
            reason=null(),
            deferred_until=null(),
            remote_id=of_first("remote_id"),
            permalink=of_first("permalink"),
            sent_at=of_first("sent_at"),
            updated_at=func.now(),
        )
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    return set((await session.scalars(statement)).all())


def _holds(one: Publication) -> Iterator[Hold]:
    """The network's word, given with the receipt, that the account has used up what it may."""
    if (until := one.receipt.wait_until) is not None:
        message = "The answer to the last send said that the account has used up what it may."
        reason = Reason(type="rate_limited", message=message, evidence={})
        yield Hold(account_id=one.state.account.account_id, until=until, reason=reason)


def _event(one: Publication) -> NewEvent:
    return NewEvent(
        post_id=one.state.post_id,
        event=Event.PUBLISHED if one.last_part else Event.PART_PUBLISHED,
        delivery_id=one.state.delivery_id,
        details={"part": one.attempt.part, "permalink": one.receipt.permalink},
    )
