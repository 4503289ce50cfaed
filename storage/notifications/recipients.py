"""Who is to hear how scheduled posts and accounts fare."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.roles import WorkspaceRole
from storage.tables import AccountRow, DeliveryRow, MembershipRow, PostRevisionRow

_LOOKS_ON = WorkspaceRole.VIEWER.value


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledDelivery:
    """A delivery, its post, and who is to hear of it."""

    delivery_id: UUID
    post_id: UUID
    user_ids: tuple[UUID, ...]


async def of_deliveries(
    session: AsyncSession, delivery_ids: Collection[UUID]
) -> dict[UUID, SettledDelivery]:
    """The member who wrote the post; when no member did, everybody who may write posts there."""
    author = aliased(MembershipRow)
    everybody = (
        select(func.array_agg(MembershipRow.user_id))
        .where(
            MembershipRow.workspace_id == DeliveryRow.workspace_id,
            MembershipRow.role != _LOOKS_ON,
        )
        .scalar_subquery()
    )
    query = (
        select(DeliveryRow.id, DeliveryRow.post_id, author.user_id, everybody.label("everybody"))
        .join(
            PostRevisionRow,
            and_(PostRevisionRow.post_id == DeliveryRow.post_id, PostRevisionRow.revision == 1),
        )
        .outerjoin(
            author,
            and_(
                author.workspace_id == DeliveryRow.workspace_id,
                author.user_id == PostRevisionRow.created_by,
            ),
        )
        .where(DeliveryRow.id.in_(delivery_ids))
    )
    return {
        row.id: SettledDelivery(
            delivery_id=row.id,
            post_id=row.post_id,
            user_ids=(row.user_id,) if row.user_id else tuple(row.everybody or ()),
        )
        for row in (await session.execute(query)).all()
    }


async def of_accounts(
    session: AsyncSession, account_ids: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """Everybody who may write posts in the account's workspace."""
    query = (
        select(AccountRow.id, MembershipRow.user_id)
        .join(MembershipRow, MembershipRow.workspace_id == AccountRow.workspace_id)
        .where(AccountRow.id.in_(account_ids), MembershipRow.role != _LOOKS_ON)
    )
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for account_id, user_id in (await session.execute(query)).all():
        found[account_id].append(user_id)
    return found
