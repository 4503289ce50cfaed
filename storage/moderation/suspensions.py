"""What is held because somebody is suspended, and goes on when they are restored.

Held is what a suspended user wrote (the revision that would go out), what goes to a feed account
that speaks for them, and everything of a workspace whose owners are all suspended. Whether that is
so is asked of the users themselves at every claim: there is no second truth to keep up to date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Select, Uuid, case, delete, func, or_, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.networks import Network
from domain.roles import WorkspaceRole
from storage.admission import Candidate, Refusal
from storage.outcomes import Reason
from storage.switches import turns
from storage.switches.holding import HELD, LOOKED_AFTER, SPREAD
from storage.tables import (
    AccountRow,
    DeliveryRow,
    MembershipRow,
    PostRevisionRow,
    PostRow,
    SuspendedDeliveryRow,
    UserRow,
)
from storage.unnested import unnested

_AN_ID: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_MESSAGE: Final = "Who it is published for is suspended; it goes out when they are restored."


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed:
    """How much goes on after a restore."""

    deliveries: int


async def suspended(
    session: AsyncSession, candidates: Sequence[Candidate], now: datetime
) -> Mapping[UUID, Refusal]:
    """Those of the candidates that are held for a suspension, by delivery.

    One statement when there are none. Whoever is refused has to become `deferred`. A restore waits
    until the transaction ends, and then finds what was held here.
    """
    if not candidates:
        return {}
    found = await _look(session, candidates)
    if not found:
        return {}
    standing = await _lock_suspended(session, set(found.values()))
    held = [one for one in candidates if found.get(one.delivery_id) in standing]
    rows = [
        {
            "delivery_id": one.delivery_id,
            "user_id": found[one.delivery_id],
            "workspace_id": one.workspace_id,
        }
        for one in held
    ]
    if rows:
        await session.execute(insert(SuspendedDeliveryRow).on_conflict_do_nothing(), rows)
    return {one.delivery_id: _refusal(one, found[one.delivery_id], now) for one in held}


async def resume(session: AsyncSession, user_id: UUID, now: datetime) -> Resumed:
    """Give what was held for a user a turn, now that they are restored: the drain lets it go.

    The user's row is changed by this transaction. What somebody else's suspension still holds is
    held again at its next claim.
    """
    owned = select(MembershipRow.workspace_id).where(
        MembershipRow.user_id == user_id, MembershipRow.role == WorkspaceRole.OWNER
    )
    held = SuspendedDeliveryRow
    gone = (
        delete(held)
        .where(or_(held.user_id == user_id, held.workspace_id.in_(owned)))
        .returning(held.delivery_id)
        .cte("gone")
    )
    query = select(
        DeliveryRow.id,
        DeliveryRow.post_id,
        DeliveryRow.workspace_id,
        DeliveryRow.account_id,
        DeliveryRow.network,
    ).join(gone, gone.c.delivery_id == DeliveryRow.id)
    rows = (await session.execute(query)).all()
    waiting = [
        Candidate(
            delivery_id=row.id,
            post_id=row.post_id,
            workspace_id=row.workspace_id,
            account_id=row.account_id,
            network=row.network,
            part=0,
            leaves_at=now,
        )
        for row in rows
    ]
    await turns.take(session, waiting, now)
    return Resumed(deliveries=len(waiting))


async def _look(session: AsyncSession, candidates: Sequence[Candidate]) -> dict[UUID, UUID]:
    """The suspended user behind each, by delivery: four looks by a key for each candidate."""
    asked = unnested(
        "asked",
        delivery_id=(Uuid(), [one.delivery_id for one in candidates]),
        post_id=(Uuid(), [one.post_id for one in candidates]),
        account_id=(Uuid(), [one.account_id for one in candidates]),
        workspace_id=(Uuid(), [one.workspace_id for one in candidates]),
        to_feed=(Boolean(), [one.network is Network.FEED for one in candidates]),
    )
    is_suspended = UserRow.suspended_at.is_not(None)
    by_author = (
        select(asked.c.delivery_id, UserRow.id)
        .join_from(asked, PostRow, PostRow.id == asked.c.post_id)
        .join(
            PostRevisionRow,
            (PostRevisionRow.post_id == PostRow.id)
            & (PostRevisionRow.revision == PostRow.revision),
        )
        .join(UserRow, UserRow.id == PostRevisionRow.created_by)
        .where(is_suspended)
    )
    remote = AccountRow.remote_id
    speaks_for = case((remote.regexp_match(_AN_ID), func.cast(remote, Uuid())))
    spoken_for = (
        select(asked.c.delivery_id, UserRow.id)
        .join_from(asked, AccountRow, AccountRow.id == asked.c.account_id)
        .join(UserRow, UserRow.id == speaks_for)
        .where(asked.c.to_feed, is_suspended)
    )
    looks = union_all(by_author, spoken_for, _owned(candidates, asked))
    return {row[0]: row[1] for row in await session.execute(looks)}


def _owned(candidates: Sequence[Candidate], asked: Any) -> Select[UUID, UUID]:
    """Workspaces whose owners are all suspended; those that have none are run by their keys."""
    spaces = unnested(
        "spaces", workspace_id=(Uuid(), sorted({one.workspace_id for one in candidates}))
    )
    orphaned = (
        select(
            MembershipRow.workspace_id,
            func.array_agg(aggregate_order_by(UserRow.id, UserRow.id))[1].label("user_id"),
        )
        .join(UserRow, UserRow.id == MembershipRow.user_id)
        .where(
            MembershipRow.workspace_id.in_(select(spaces.c.workspace_id)),
            MembershipRow.role == WorkspaceRole.OWNER,
        )
        .group_by(MembershipRow.workspace_id)
        .having(func.bool_and(UserRow.suspended_at.is_not(None)))
        .subquery("orphaned")
    )
    return select(asked.c.delivery_id, orphaned.c.user_id).join_from(
        asked, orphaned, orphaned.c.workspace_id == asked.c.workspace_id
    )


async def _lock_suspended(session: AsyncSession, user_ids: set[UUID]) -> set[UUID]:
    """Those of them who are suspended, and stay so until the transaction ends."""
    query = (
        select(UserRow.id)
        .where(UserRow.id.in_(user_ids), UserRow.suspended_at.is_not(None))
        .order_by(UserRow.id)  # one order of locking for all
        .with_for_update(read=True)
    )
    return set((await session.scalars(query)).all())


def _refusal(candidate: Candidate, user_id: UUID, now: datetime) -> Refusal:
    share = (candidate.delivery_id.int & 0xFFFF) / 0x10000
    evidence = {"reach": "user", "subject": str(user_id), "by": "suspension"}
    return Refusal(
        until=now + LOOKED_AFTER + SPREAD * share,
        reason=Reason(type=HELD, message=_MESSAGE, evidence=evidence),
    )
