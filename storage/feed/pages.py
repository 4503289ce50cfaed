"""Pages: users that nobody signs in to, for whom a workspace publishes.

A feed account speaks for a user, whose id is its remote id: the account is called as the user is.
"""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import FeedProfileRow, UserRow
from storage.users import users
from storage.users.users import User


async def claim(
    session: AsyncSession, workspace_id: UUID, *, handle: str, display_name: str
) -> UUID | None:
    """The workspace's page of that handle, made if nobody has it; None when somebody else has."""
    created = await users.create(
        session, handle=handle, display_name=display_name, email=None, password_hash=None
    )
    if created is not None:
        await session.execute(
            insert(FeedProfileRow).values(user_id=created.id, workspace_id=workspace_id)
        )
        return created.id
    query = (
        select(UserRow.id)
        .join(FeedProfileRow, FeedProfileRow.user_id == UserRow.id)
        .where(
            func.lower(UserRow.handle) == handle.lower(),
            FeedProfileRow.workspace_id == workspace_id,
        )
    )
    owned = await session.scalar(query)
    if owned is not None:
        await session.execute(
            update(UserRow)
            .where(UserRow.id == owned)
            .values(handle=handle, display_name=display_name, updated_at=func.now())
        )
    return owned


async def find(session: AsyncSession, remote_id: str) -> User | None:
    """The user that a feed account of that remote id speaks for; None when it names nobody."""
    try:
        user_id = UUID(remote_id)
    except ValueError:  # connected by an old version, and not published through since
        return None
    return await users.find(session, user_id)
