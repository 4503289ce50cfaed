"""Deliveries that cannot leave in time: skipped, or left to a person, as their author wants it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Row, Select, Text, Uuid, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import WAITING, DeliveryStatus, sources_of
from domain.lateness import SHORTEST, LatePolicy, LateTerms, is_unannounced
from storage import outbox, timeline
from storage.outbox import NewItem, OutboxKind
from storage.outcomes import Reason
from storage.post_status import derive_post_statuses
from storage.tables import DeliveryRow, PostRow, WorkspaceRow
from storage.timeline import Event, NewEvent
from storage.unnested import is_among, unnested

LATE: Final = "late"
"""The type of the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LateDelivery:
    """A delivery that waits, with what its author wants should it be late."""

    delivery_id: UUID
    post_id: UUID
    workspace_id: UUID
    status: DeliveryStatus
    reason_type: str | None
    publish_at: datetime
    """UTC."""
    is_public: bool
    """In part."""
    terms: LateTerms

    def verdict(self, now: datetime) -> LatePolicy:
        """What becomes of it if it could leave now."""
        return self.terms.verdict(
            publish_at=self.publish_at, leaves_at=now, is_public=self.is_public
        )

    def reason(self, verdict: LatePolicy, now: datetime, why: str) -> Reason:
        """How late it is, and what follows; `why` is the sentence that ends in a full stop."""
        late = timedelta(seconds=round((now - self.publish_at).total_seconds()))
        follows = {
            LatePolicy.SKIP: "so it was skipped",
            LatePolicy.ASK: "so a person decides: POST /v1/deliveries/{id}/decide",
        }
        return Reason(
            type=LATE,
            message=f"It could leave {late} after its publish time, {self.terms.after} at most was"
            f" wanted, {follows[verdict]}. {why}",
            evidence={
                "late_policy": verdict,
                "late_seconds": int(late.total_seconds()),
                "late_after_seconds": int(self.terms.after.total_seconds()),
            },
        )


async def settle_late(
    session: AsyncSession, delivery_ids: Sequence[UUID], now: datetime
) -> dict[UUID, LatePolicy]:
    """Apply the late policy to deliveries that are about to be armed; their posts are locked.

    Answers for those that must not be armed: SKIP, it is cancelled now; ASK, it is deferred now
    without a time, and a decision will resume it. Asks nothing of the database without ids: leave
    out what is less than `SHORTEST` late.
    """
    if not delivery_ids:
        return {}
    query = late_deliveries().where(
        is_among(DeliveryRow.id, delivery_ids),
        DeliveryRow.status.in_(WAITING),
        DeliveryRow.publish_at < now - SHORTEST,
    )
    found = [late_delivery(row) for row in await session.execute(query)]
    verdicts = {
        one: one.verdict(now) for one in found if is_unannounced(one.status, one.reason_type)
    }
    late = {one: verdict for one, verdict in verdicts.items() if verdict is not LatePolicy.PUBLISH}
    fresh = {one: verdict for one, verdict in late.items() if one.reason_type != LATE}
    await apply(session, fresh, now, why="Nothing was published at its time.")
    return {one.delivery_id: verdict for one, verdict in late.items()}


async def find(session: AsyncSession, delivery_id: UUID) -> LateDelivery | None:
    """One that waits for a person to decide; None when it does not."""
    query = late_deliveries().where(
        DeliveryRow.id == delivery_id, DeliveryRow.status == DeliveryStatus.DEFERRED
    )
    row = (await session.execute(query)).one_or_none()
    return late_delivery(row) if row is not None and row.reason_type == LATE else None


def late_deliveries() -> Select[Any]:
    """Deliveries with their authors' terms, to be narrowed down; see `late_delivery`."""
    return (
        select(
            DeliveryRow.id,
            DeliveryRow.post_id,
            DeliveryRow.workspace_id,
            DeliveryRow.status,
            DeliveryRow.reason["type"].astext.label("reason_type"),
            DeliveryRow.publish_at,
            DeliveryRow.remote_id,
            func.coalesce(PostRow.late_policy, WorkspaceRow.late_policy).label("late_policy"),
            func.coalesce(PostRow.late_after_seconds, WorkspaceRow.late_after_seconds).label(
                "late_after_seconds"
            ),
        )
        .join(PostRow, PostRow.id == DeliveryRow.post_id)
        .join(WorkspaceRow, WorkspaceRow.id == DeliveryRow.workspace_id)
    )


def late_delivery(row: Row[Any]) -> LateDelivery:
    """What a row of `late_deliveries` tells."""
    return LateDelivery(
        delivery_id=row.id,
        post_id=row.post_id,
        workspace_id=row.workspace_id,
        status=row.status,
        reason_type=row.reason_type,
        publish_at=row.publish_at,
        is_public=row.remote_id is not None,
        terms=LateTerms(
            policy=LatePolicy(row.late_policy), after=timedelta(seconds=row.late_after_seconds)
        ),
    )


async def apply(
    session: AsyncSession, verdicts: Mapping[LateDelivery, LatePolicy], now: datetime, *, why: str
) -> None:
    """Skip them, or leave them to a person; their posts are locked."""
    reasons = {one: one.reason(verdict, now, why) for one, verdict in verdicts.items()}
    skip = {one: reasons[one] for one, it in verdicts.items() if it is LatePolicy.SKIP}
    ask = {one: reasons[one] for one, it in verdicts.items() if it is LatePolicy.ASK}
    skipped = await move(session, skip, DeliveryStatus.CANCELLED, until=None)
    asked = await move(session, ask, DeliveryStatus.DEFERRED, until=None)
    await timeline.append_many(
        session,
        [
            NewEvent(
                post_id=one.post_id,
                event=event,
                delivery_id=one.delivery_id,
                details={"type": LATE, "message": reasons[one].message},
            )
            for event, moved in ((Event.CANCELLED, skipped), (Event.DEFERRED, asked))
            for one in moved
        ],
    )
    await tell(session, OutboxKind.CANCEL_DELIVERIES, skipped, now)


async def move(
    session: AsyncSession,
    reasons: Mapping[LateDelivery, Reason],
    status: DeliveryStatus,
    *,
    until: datetime | None,
) -> list[LateDelivery]:
    """Those that are as they were read, and have that status and reason now; posts are locked.

    What is deferred already only learns of another reason.
    """
    legal = [one for one in reasons if one.status in sources_of(status) | {status}]
    if not legal:
        return []
    told = unnested(
        "told",
        id=(Uuid(), [one.delivery_id for one in legal]),
        status=(Text(), [str(one.status) for one in legal]),
        publish_at=(DateTime(timezone=True), [one.publish_at for one in legal]),
        reason=(JSONB(), [reasons[one].as_json() for one in legal]),
    )
    statement = (
        update(DeliveryRow)
        .where(
            DeliveryRow.id == told.c.id,
            DeliveryRow.status == told.c.status,
            DeliveryRow.publish_at == told.c.publish_at,
        )
        .values(status=status, deferred_until=until, reason=told.c.reason, updated_at=func.now())
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    moved = set((await session.scalars(statement)).all())
    changed = [one for one in legal if one.delivery_id in moved]
    elsewhere = {one.post_id for one in changed if one.status is not status}
    if elsewhere:
        await derive_post_statuses(session, elsewhere)
    return changed


async def tell(
    session: AsyncSession, kind: OutboxKind, deliveries: Sequence[LateDelivery], now: datetime
) -> None:
    """Let their workflows know."""
    await outbox.put_many(
        session,
        [
            NewItem(
                kind=kind,
                workspace_id=one.workspace_id,
                post_id=one.post_id,
                due_at=now,
                payload={"deliveries": [str(one.delivery_id)]},
            )
            for one in deliveries
        ],
    )
