"""Mailed permissions to choose a new password."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from storage.tables import PasswordResetRow


async def allow(session: AsyncSession, user_id: UUID, *, lifetime: timedelta) -> UUID:
    """Let the user choose a new password for a while; returns the permission's id."""
    await session.execute(
        delete(PasswordResetRow).where(
            PasswordResetRow.user_id == user_id, PasswordResetRow.expires_at < func.now()
        )
    )
    reset_id = new_id()
    await session.execute(
        insert(PasswordResetRow).values(
            id=reset_id, user_id=user_id, expires_at=func.now() + lifetime
        )
    )
    return reset_id


async def find_open(session: AsyncSession, reset_id: UUID) -> UUID | None:
    """Whose password may be chosen anew with it; None when it is used, too old or unknown."""
    user_id: UUID | None = await session.scalar(
        select(PasswordResetRow.user_id).where(
            PasswordResetRow.id == reset_id,
            PasswordResetRow.used_at.is_(None),
            PasswordResetRow.expires_at > func.now(),
        )
    )
    return user_id


async def use(session: AsyncSession, reset_id: UUID) -> UUID | None:
    """Use the permission up, once: whose it was; None when it is used, too old or unknown."""
    used = await session.scalars(
        update(PasswordResetRow)
        .where(
            PasswordResetRow.id == reset_id,
            PasswordResetRow.used_at.is_(None),
            PasswordResetRow.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(PasswordResetRow.user_id)
    )
    return used.one_or_none()


async def withdraw_all(session: AsyncSession, user_id: UUID) -> None:
    """Make every other permission of the user worthless."""
    await session.execute(
        update(PasswordResetRow)
        .where(PasswordResetRow.user_id == user_id, PasswordResetRow.used_at.is_(None))
        .values(used_at=func.now())
    )
