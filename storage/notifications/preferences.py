"""What people want to hear of: everything, but for what they declined."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.notifications import NotificationKind
from storage.tables import NotificationPreferenceRow


async def read(session: AsyncSession, user_id: UUID) -> dict[NotificationKind, bool]:
    """Whether the person is told, for every kind."""
    query = select(NotificationPreferenceRow).where(NotificationPreferenceRow.user_id == user_id)
    decided = {row.kind: row.in_app for row in (await session.scalars(query)).all()}
    return {kind: decided.get(str(kind), True) for kind in NotificationKind}


async def decide(
    session: AsyncSession, user_id: UUID, kind: NotificationKind, *, in_app: bool
) -> None:
    """From now on they are told of the kind, or not; what they were told stays."""
    statement = insert(NotificationPreferenceRow).values(
        user_id=user_id, kind=str(kind), in_app=in_app
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id", "kind"], set_={"in_app": statement.excluded.in_app}
        )
    )
