"""Users as moderators look for them: by how a handle or an address begins, or newest first."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import UserRole
from storage.tables import UserRow
from storage.users.users import User, user_of

_BEYOND = "\U0010ffff"
"""Sorts behind everything that a handle or an address can go on with."""

BY_BYTES = "C"
"""The collation of the indexes: ranges of beginnings, whatever the database's own order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UserFilter:
    """Which users; what is None is not asked for."""

    suspended: bool | None = None
    role: UserRole | None = None


async def list_newest(
    session: AsyncSession, chosen: UserFilter, *, before: UUID | None, limit: int
) -> list[User]:
    """Users, newest first."""
    query = select(UserRow).where(*_conditions(chosen)).order_by(UserRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(UserRow.id < before)
    return [user_of(row) for row in (await session.scalars(query)).all()]


async def list_by_beginning(
    session: AsyncSession, beginning: str, chosen: UserFilter, *, after: str | None, limit: int
) -> list[User]:
    """Users whose handle begins so, whatever its case, in the order of the handles.

    With an @ in it, whose address begins so. `after` is the last page's last handle or address.
    """
    wanted = beginning.lower()
    column = UserRow.email if "@" in wanted else UserRow.handle
    named = func.lower(column.collate(BY_BYTES))
    query = (
        select(UserRow)
        .where(named >= wanted, named < wanted + _BEYOND, *_conditions(chosen))
        .order_by(named)
        .limit(limit)
    )
    if after is not None:
        query = query.where(named > after.lower())
    return [user_of(row) for row in (await session.scalars(query)).all()]


def _conditions(chosen: UserFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.suspended is not None:
        is_suspended = UserRow.suspended_at.is_not(None)
        conditions.append(is_suspended if chosen.suspended else ~is_suspended)
    if chosen.role is not None:
        conditions.append(UserRow.role == chosen.role)
        if chosen.role is not UserRole.USER:
            conditions.append(UserRow.role != "user")
    return conditions
