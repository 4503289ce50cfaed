"""The right to send, given once: a conditional update, and the attempt written ahead with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    Integer,
    SmallInteger,
    Table,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from storage import timeline
from storage.admission import Admission, Candidate, Refusal
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.pace import Pace
from storage.post_status import derive_post_statuses, lock_posts
from storage.tables import AttemptRow, DeliveryRow, DepartureRow
from storage.timeline import Event, NewEvent
from storage.unnested import unnested


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One part that its worker wants to send."""

    state: DeliveryState
    part: int
    evidence: Mapping[str, Any]
    leaves_at: datetime
    """When its request is to leave, UTC."""
    departure_id: UUID | None = None
    """Set when it is claimed ahead of then, with others."""

    @property
    def candidate(self) -> Candidate:
        """The same, as admission is asked."""
        return Candidate(
            delivery_id=self.state.delivery_id,
            post_id=self.state.post_id,
            workspace_id=self.state.workspace_id,
            account_id=self.state.account.account_id,
            network=self.state.network,
            part=self.part,
            leaves_at=self.leaves_at,
        )


Claimed = OpenAttempt | Refusal | None
"""The attempt; or why it may not be sent now; or None: cancelled, edited or moved meanwhile."""


async def claim_many(
    session: AsyncSession, claims: Sequence[Claim], admission: Admission, pace: Pace
) -> list[Claimed]:
    """Move each to `sending` and write its attempt ahead, unless it changed since it was armed."""
    await lock_posts(session, {claim.state.post_id for claim in claims})
    firsts = _firsts(claims)
    refused = await admission.refused(session, [claim.candidate for claim in firsts.values()])
    admitted = [claim for key, claim in firsts.items() if key not in refused]
    moved = await _move(session, admitted)
    winners = [claim for claim in admitted if _id(claim) in moved]
    moments = await pace.moments(session, [(c.state.network, c.leaves_at) for c in winners])
    won = {
        id(claim): (claim, _attempt(claim, moment))
        for claim, moment in zip(winners, moments, strict=True)
    }
    await _add_departures(session, winners)
    await _add_attempts(session, list(won.values()))
    await derive_post_statuses(session, {claim.state.post_id for claim in winners})
    return [won[id(claim)][1] if id(claim) in won else refused.get(_id(claim)) for claim in claims]


def _firsts(claims: Sequence[Claim]) -> dict[UUID, Claim]:
    """One claim of each delivery: of two dispatches that meet here the first one counts."""
    firsts: dict[UUID, Claim] = {}
    for claim in claims:
        firsts.setdefault(_id(claim), claim)
    return firsts


def _id(claim: Claim) -> UUID:
    return claim.state.delivery_id


def _attempt(claim: Claim, leaves_at: datetime) -> OpenAttempt:
    return OpenAttempt(
        attempt_id=new_id(),
        part=claim.part,
        revision=claim.state.revision,
        evidence=dict(claim.evidence),
        started_at=leaves_at,
        lookups=0,
        departure_id=claim.departure_id,
    )


async def _move(session: AsyncSession, claims: Sequence[Claim]) -> set[UUID]:
    """Those that are as they were when they were armed, and now `sending`."""
    claimed = unnested(
        "claimed",
        id=(Uuid(), [claim.state.delivery_id for claim in claims]),
        revision=(Integer(), [claim.state.revision for claim in claims]),
        publish_at=(DateTime(timezone=True), [claim.state.publish_at for claim in claims]),
        goes_on=(Boolean(), [bool(claim.state.receipts) for claim in claims]),
    )
    is_sending = DeliveryRow.status == DeliveryStatus.SENDING
    statement = (
        update(DeliveryRow)
        .where(
            DeliveryRow.id == claimed.c.id,
            or_(
                DeliveryRow.status == DeliveryStatus.ARMED,
                and_(claimed.c.goes_on, is_sending),  # a later part
            ),
            DeliveryRow.revision == claimed.c.revision,
            DeliveryRow.publish_at == claimed.c.publish_at,
        )
        .values(status=DeliveryStatus.SENDING, updated_at=func.now())
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    return set((await session.scalars(statement)).all())


async def _add_departures(session: AsyncSession, claims: Sequence[Claim]) -> None:
    departures = {claim.departure_id: claim.leaves_at for claim in claims if claim.departure_id}
    if departures:
        rows = [{"id": key, "leaves_at": leaves_at} for key, leaves_at in departures.items()]
        await session.execute(insert(DepartureRow), rows)


async def _add_attempts(
    session: AsyncSession, claimed: Sequence[tuple[Claim, OpenAttempt]]
) -> None:
    """Write them down, open, each numbered within its delivery and part."""
    if not claimed:
        return
    claims = [claim for claim, _ in claimed]
    attempts = [attempt for _, attempt in claimed]
    new = unnested(
        "new",
        id=(Uuid(), [attempt.attempt_id for attempt in attempts]),
        delivery_id=(Uuid(), [claim.state.delivery_id for claim in claims]),
        root_id=(Uuid(), [claim.state.root_id for claim in claims]),
        account_id=(Uuid(), [claim.state.account.account_id for claim in claims]),
        part=(SmallInteger(), [claim.part for claim in claims]),
        revision=(Integer(), [claim.state.revision for claim in claims]),
        evidence=(JSONB(), [dict(attempt.evidence) for attempt in attempts]),
        departure_id=(Uuid(), [claim.departure_id for claim in claims]),
        started_at=(DateTime(timezone=True), [attempt.started_at for attempt in attempts]),
    )
    earlier = (
        select(func.count() + 1)
        .where(AttemptRow.delivery_id == new.c.delivery_id, AttemptRow.part == new.c.part)
        .scalar_subquery()
    )
    columns = [column.name for column in new.c]
    numbers = await session.execute(
        insert(AttemptRow)
        .from_select([*columns, "number"], select(*new.c, earlier))
        .returning(AttemptRow.id, AttemptRow.number)
        .execution_options(synchronize_session=False)
    )
    number_of = {row.id: row.number for row in numbers}
    await timeline.append_many(
        session,
        [
            NewEvent(
                post_id=claim.state.post_id,
                event=Event.SENDING,
                delivery_id=claim.state.delivery_id,
                details={"part": attempt.part, "attempt": number_of[attempt.attempt_id]},
            )
            for claim, attempt in claimed
        ],
    )


_DEPARTURES = cast(Table, inspect(DepartureRow).local_table)
_RELEASE = (  # built once: it runs when a second has come, and nothing may be slow then
    update(_DEPARTURES)
    .where(_DEPARTURES.c.id == bindparam("departure_id"), _DEPARTURES.c.revoked_at.is_(None))
    .values(released_at=func.now())
    .returning(_DEPARTURES.c.id)
)


async def release(session: AsyncSession, departure_id: UUID) -> bool:
    """Say that the requests of a departure may leave from now on; False when it was revoked."""
    released = await session.execute(_RELEASE, {"departure_id": departure_id})
    return released.scalar_one_or_none() is not None


async def revoke(session: AsyncSession, departure_id: UUID) -> bool:
    """Keep a departure from being released, now or ever; False when it was released before.

    True proves that none of its requests left, whatever its worker is doing.
    """
    await session.execute(
        update(DepartureRow)
        .where(DepartureRow.id == departure_id, DepartureRow.released_at.is_(None))
        .values(revoked_at=func.coalesce(DepartureRow.revoked_at, func.now()))
    )
    query = select(DepartureRow.released_at.is_(None)).where(DepartureRow.id == departure_id)
    return bool((await session.execute(query)).scalar_one_or_none())


async def forget_departures(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove old ones, whose attempts were settled long ago; how many."""
    old = select(DepartureRow.id).where(DepartureRow.leaves_at < before).limit(limit)
    removed = await session.scalars(
        delete(DepartureRow).where(DepartureRow.id.in_(old)).returning(DepartureRow.id)
    )
    return len(removed.all())
