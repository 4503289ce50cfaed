"""The moves of a delivery, each one unit of work: arm, claim, and what came of it.

A post is locked before its deliveries are touched, here and in `posts.py`, so that edit, cancel and
claim see one another whole and in one order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import SETTLED, WAITING, DeliveryStatus, sources_of
from domain.ids import new_id
from domain.receipts import Receipt
from storage import attempts, timeline
from storage.admission import Admission, Everybody
from storage.arming import Arrival, arm_many, moved, prepare_many
from storage.claims import Claim, Claimed, claim_many, release, revoke
from storage.database import Database
from storage.delivery_state import DeliveryState, OpenAttempt, load
from storage.group_commit import GroupCommit, in_streams
from storage.held_lately import was_held_since
from storage.notifications.deciding import delivery_settled
from storage.outcomes import (
    Aftermath,
    AttemptOutcome,
    Fail,
    IllegalTransition,
    Reason,
    Wait,
    WithoutComment,
)
from storage.pace import Pace
from storage.post_status import derive_post_status, lock_post
from storage.quotas import hold_account
from storage.receipts import Publication, record_many
from storage.tables import AttemptRow, DeliveryRow
from storage.timeline import Event

LATE = timedelta(seconds=1)
"""Behind its second by so much, a delivery belongs to a backlog, and may share a transaction."""


def _now() -> datetime:
    return datetime.now(UTC)


class PublishingStore:
    """Keeps what workers do to deliveries. Moves that many make at once share a transaction."""

    def __init__(
        self,
        database: Database,
        admission: Admission | None = None,
        pace: Pace | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """Each method is one unit of work. Without `admission` and `pace` nobody has to wait.

        `now` tells the present moment, UTC, for what is late.
        """
        self._database = database
        self._admission = admission or Everybody()
        self._pace = pace or Pace({})
        self._now = now
        self._arming = GroupCommit(database, self._arm_many, gathering=self._unhurried)
        self._preparing = GroupCommit(database, prepare_many, gathering=in_streams)
        self._claims = GroupCommit(database, self._claim_many, gathering=self._backlog)
        self._publications = GroupCommit(database, record_many, gathering=in_streams)

    async def load(self, delivery_id: UUID) -> DeliveryState:
        """Read a delivery's state. Raises LookupError."""
        async with self._database.transaction() as session:
            return await load(session, delivery_id)

    async def was_held_since(self, delivery_id: UUID, since: datetime) -> bool:
        """Whether people kept it from leaving at some time since, UTC, or do now."""
        async with self._database.transaction() as session:
            return await was_held_since(session, delivery_id, since)

    async def start_preparing(
        self, delivery_id: UUID, due_by: datetime | None = None
    ) -> DeliveryState:
        """Move what waits, and is due by then, to `preparing`; its state as it is now.

        Raises LookupError.
        """
        return await self._preparing(Arrival(delivery_id=delivery_id, due_by=due_by))

    async def arm(self, delivery_id: UUID, due_by: datetime | None = None) -> DeliveryState:
        """Move what waits, and is due by then, to `armed`; its state as it is now.

        Raises LookupError.
        """
        return await self._arming(Arrival(delivery_id=delivery_id, due_by=due_by))

    async def moved(self, states: Sequence[DeliveryState]) -> set[UUID]:
        """Those of armed deliveries that somebody changed since they were read."""
        async with self._database.transaction() as session:
            return await moved(session, states)

    async def claim(
        self, state: DeliveryState, part: int, evidence: Mapping[str, Any], leaves_at: datetime
    ) -> Claimed:
        """Move to `sending` and write the attempt ahead, in one transaction."""
        return await self._claims(
            Claim(state=state, part=part, evidence=evidence, leaves_at=leaves_at)
        )

    async def claim_together(self, claims: Sequence[Claim]) -> Sequence[Claimed]:
        """The same for a whole departure."""
        async with self._database.transaction() as session:
            return await claim_many(session, claims, self._admission, self._pace)

    async def _arm_many(
        self, session: AsyncSession, arrivals: Sequence[Arrival]
    ) -> Sequence[DeliveryState | Exception]:
        return await arm_many(session, arrivals, self._now())

    def _unhurried(self, arrivals: Sequence[Arrival]) -> float:
        """What is due now waits for nobody."""
        now = self._now()
        is_due = any(one.due_by is not None and abs(one.due_by - now) <= LATE for one in arrivals)
        return 0.0 if is_due else in_streams(arrivals)

    def _backlog(self, claims: Sequence[Claim]) -> float:
        is_late = all(one.state.publish_at + LATE < self._now() for one in claims)
        return in_streams(claims) if is_late else 0.0

    async def _claim_many(
        self, session: AsyncSession, claims: Sequence[Claim]
    ) -> Sequence[Claimed | Exception]:
        return await claim_many(session, claims, self._admission, self._pace)

    async def release(self, departure_id: UUID) -> bool:
        """Say that its requests may leave; False when somebody revoked it."""
        async with self._database.transaction() as session:
            return await release(session, departure_id)

    async def revoke(self, departure_id: UUID) -> bool:
        """Keep it from ever being released; False when it was: then its requests may have left."""
        async with self._database.transaction() as session:
            return await revoke(session, departure_id)

    async def keep_prepared(
        self, state: DeliveryState, part: int, prepared: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Remember what preparing left at the network; answers what counts for this revision.

        The first to prepare a part wins: a second container, made meanwhile by a dispatch that was
        withdrawn, must not take the place of one that may be on its way.
        """
        async with self._database.transaction() as session:
            await lock_post(session, state.post_id)
            query = select(
                DeliveryRow.revision, DeliveryRow.prepared_revision, DeliveryRow.prepared
            ).where(DeliveryRow.id == state.delivery_id)
            revision, prepared_revision, kept = (await session.execute(query)).one()
            if revision != state.revision:
                return prepared
            kept = (kept or {}) if prepared_revision == revision else {}
            if (earlier := kept.get(str(part))) is not None:
                first: Mapping[str, Any] = earlier
                return first
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.id == state.delivery_id)
                .values(
                    prepared={**kept, str(part): dict(prepared)}, prepared_revision=state.revision
                )
            )
            await timeline.append(
                session,
                state.post_id,
                Event.PREPARED,
                delivery_id=state.delivery_id,
                details={"part": part},
            )
            return prepared

    async def forget_prepared(self, state: DeliveryState) -> None:
        """What was prepared from this revision is gone at the network."""
        async with self._database.transaction() as session:
            await session.execute(
                update(DeliveryRow)
                .where(
                    DeliveryRow.id == state.delivery_id,
                    DeliveryRow.prepared_revision == state.revision,
                )
                .values(prepared=None, prepared_revision=None)
            )

    async def hold_account(self, account_id: UUID, until: datetime, reason: Reason) -> None:
        """Let nothing of the account leave before then, UTC: its network said so."""
        async with self._database.transaction() as session:
            await hold_account(session, account_id, until, reason)

    async def is_elsewhere(self, state: DeliveryState, receipt: Receipt) -> bool:
        """Whether what was found is another delivery's: the same text was posted twice."""
        query = select(AttemptRow.id).where(
            AttemptRow.account_id == state.account.account_id,
            AttemptRow.remote_id == receipt.remote_id,
            AttemptRow.outcome == AttemptOutcome.PUBLISHED,
            AttemptRow.root_id != state.root_id,
        )
        async with self._database.transaction() as session:
            return (await session.execute(query.limit(1))).scalar_one_or_none() is not None

    async def record_published(
        self,
        state: DeliveryState,
        attempt: OpenAttempt,
        receipt: Receipt,
        *,
        last_part: bool,
        sent_at: datetime | None = None,
    ) -> None:
        """Keep the receipt; the delivery is published once its last part is.

        `sent_at` is when the request left, where that is known better than when it was claimed.
        Raises IllegalTransition when the attempt was settled by another, or when another delivery
        has that receipt.
        """
        publication = Publication(
            state=state,
            attempt=attempt,
            receipt=receipt,
            sent_at=sent_at or attempt.started_at,
            last_part=last_part,
        )
        try:
            await self._publications(publication)
        except IntegrityError as error:
            raise IllegalTransition(f"{receipt.remote_id} is another delivery's") from error

    async def record_not_sent(
        self,
        state: DeliveryState,
        attempt: OpenAttempt,
        reason: Reason,
        *,
        counted: bool,
        then: Aftermath,
    ) -> None:
        """Close the try, certainly nothing of it became public, and say what happens next."""
        async with self._database.transaction() as session:
            await lock_post(session, state.post_id)
            await attempts.close(
                session, attempt, AttemptOutcome.NOT_SENT, error=reason, counted=counted
            )
            await _tell(session, state, Event.NOT_SENT, reason)
            await _apply(session, state, then, reason)

    async def take_over(self, attempt: OpenAttempt) -> OpenAttempt:
        """Say that the try is about to be sent again under its own key.

        Whoever sent it before may be alive, and refused: that no longer proves that it is not
        public. Raises IllegalTransition when another was first.
        """
        async with self._database.transaction() as session:
            await attempts.write_open(session, attempt, fenced=True, resends=AttemptRow.resends + 1)
        return replace(attempt, resends=attempt.resends + 1)

    async def record_lookup(
        self, state: DeliveryState, attempt: OpenAttempt, reason: Reason, *, found: str
    ) -> None:
        """Count one look for a try of unknown fate, with what it brought.

        What the send itself was answered stays: it is the better evidence.
        """
        async with self._database.transaction() as session:
            told = func.coalesce(AttemptRow.error, literal(reason.as_json(), AttemptRow.error.type))
            await attempts.write_open(session, attempt, lookups=AttemptRow.lookups + 1, error=told)
            await timeline.append(
                session,
                state.post_id,
                Event.LOOKED_UP,
                delivery_id=state.delivery_id,
                details={"part": attempt.part, "found": found},
            )

    async def record_unknown(
        self, state: DeliveryState, attempt: OpenAttempt, reason: Reason
    ) -> None:
        """Keep why the fate of a try is unknown; the try stays open."""
        async with self._database.transaction() as session:
            await attempts.write_open(session, attempt, error=reason.as_json())
            await timeline.append(
                session,
                state.post_id,
                Event.OUTCOME_UNKNOWN,
                delivery_id=state.delivery_id,
                details={"part": attempt.part, "message": reason.message},
            )

    async def put_off(self, state: DeliveryState, reason: Reason, *, then: Aftermath) -> None:
        """Nothing was tried, or nothing is open: wait, or give up, and say why."""
        async with self._database.transaction() as session:
            await lock_post(session, state.post_id)
            await _apply(session, state, then, reason)

    async def record_unready(
        self, state: DeliveryState, reason: Reason, *, counted: bool, then: Aftermath, at: datetime
    ) -> None:
        """Nothing could be sent: use up a try of the part whose turn it was, if that counts."""
        async with self._database.transaction() as session:
            await lock_post(session, state.post_id)
            if counted:
                attempt = OpenAttempt(
                    attempt_id=new_id(),
                    part=state.next_part,
                    revision=state.revision,
                    evidence={},
                    started_at=at,
                    lookups=0,
                )
                await attempts.add(session, state, attempt)
                await attempts.close(session, attempt, AttemptOutcome.NOT_SENT, error=reason)
            await _apply(session, state, then, reason)

    async def leave_unconfirmed(
        self, state: DeliveryState, attempt: OpenAttempt, reason: Reason
    ) -> None:
        """Nobody can prove what became of it: a person decides.

        Of a comment it is only told: the post that it hangs under is public.
        """
        async with self._database.transaction() as session:
            await lock_post(session, state.post_id)
            await attempts.close(session, attempt, AttemptOutcome.UNCONFIRMED, error=reason)
            if state.is_comment(attempt.part):
                await _apply(session, state, WithoutComment(), reason)
                return
            await _move(session, state, DeliveryStatus.UNCONFIRMED, reason=reason.as_json())
            await _tell(session, state, Event.UNCONFIRMED, reason)


async def _apply(
    session: AsyncSession, state: DeliveryState, then: Aftermath, reason: Reason
) -> None:
    match then:
        case Wait(until=until):
            values: dict[str, Any] = {"deferred_until": until}
            status, event = DeliveryStatus.DEFERRED, Event.DEFERRED
        case Fail():
            values, status, event = {}, DeliveryStatus.FAILED, Event.FAILED
        case WithoutComment():
            values, status, event = {}, DeliveryStatus.PUBLISHED, Event.COMMENT_FAILED
            await _resume_sending(session, state)
    await _move(session, state, status, reason=reason.as_json(), **values)
    await _tell(session, state, event, reason)


async def _resume_sending(session: AsyncSession, state: DeliveryState) -> None:
    """A delivery that waits for its comment goes on to the end by way of the legal states."""
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == state.delivery_id, DeliveryRow.status.in_(WAITING))
        .values(status=DeliveryStatus.SENDING, deferred_until=None)
    )


async def _tell(session: AsyncSession, state: DeliveryState, event: Event, reason: Reason) -> None:
    await timeline.append(
        session,
        state.post_id,
        event,
        delivery_id=state.delivery_id,
        details={"type": reason.type, "message": reason.message},
    )


async def _move(
    session: AsyncSession, state: DeliveryState, status: DeliveryStatus, **values: Any
) -> None:
    statement = (
        update(DeliveryRow)
        .where(DeliveryRow.id == state.delivery_id, DeliveryRow.status.in_(sources_of(status)))
        .values(status=status, updated_at=func.now(), **values)
        .returning(DeliveryRow.id)
    )
    if (await session.execute(statement)).scalar_one_or_none() is None:
        raise IllegalTransition(f"delivery {state.delivery_id} cannot become {status}")
    await derive_post_status(session, state.post_id)
    if status in SETTLED:
        await delivery_settled(session, [(state.delivery_id, status)])
