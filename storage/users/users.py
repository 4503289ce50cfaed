"""Users by handle and address; suspension."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.networks import Network
from domain.roles import UserRole
from storage.feed.versions import note_moderation, note_own_write
from storage.tables import AccountRow, MediaRow, UserRow
from storage.users import sessions
from storage.users.sessions import EndReason


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person, or a page of the feed that nobody signs in to."""

    id: UUID
    handle: str
    display_name: str
    email: str | None
    """Lower case; null for a page."""
    password_hash: str | None = field(repr=False)
    role: UserRole
    avatar_media_id: UUID | None
    suspended_at: datetime | None
    suspension_reason: str | None
    created_at: datetime


async def create(
    session: AsyncSession,
    *,
    handle: str,
    display_name: str,
    email: str | None,
    password_hash: str | None,
    role: UserRole = UserRole.USER,
) -> User | None:
    """A new user; None when somebody has the handle, whatever its case, or the address."""
    created = await session.scalars(
        insert(UserRow)
        .values(
            id=new_id(),
            handle=handle,
            display_name=display_name,
            email=email,
            password_hash=password_hash,
            role=role,
        )
        .on_conflict_do_nothing()
        .returning(UserRow)
    )
    row = created.one_or_none()
    return None if row is None else user_of(row)


async def find(session: AsyncSession, user_id: UUID) -> User | None:
    """The user of that id."""
    row = await session.get(UserRow, user_id)
    return None if row is None else user_of(row)


async def lock(session: AsyncSession, user_id: UUID) -> User | None:
    """The user of that id, whom nobody else changes until the transaction ends."""
    query = (
        select(UserRow)
        .where(UserRow.id == user_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else user_of(row)


async def find_by_handle(session: AsyncSession, handle: str) -> User | None:
    """Who has that handle, whatever its case."""
    return await _one(session, func.lower(UserRow.handle) == handle.lower())


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Who signs in with that address; `email` is lower case."""
    return await _one(session, UserRow.email == email)


async def taken(session: AsyncSession, *, handle: str, email: str) -> tuple[bool, bool]:
    """Whether somebody has the handle, and whether somebody has the address."""
    same_handle = func.lower(UserRow.handle) == handle.lower()
    rows = await session.execute(
        select(same_handle, func.coalesce(UserRow.email == email, False)).where(
            or_(same_handle, UserRow.email == email)
        )
    )
    found = rows.all()
    return any(row[0] for row in found), any(row[1] for row in found)


async def change(session: AsyncSession, user_id: UUID, **changes: Any) -> User:
    """Set columns of a user, who has to exist. Raises IntegrityError for a taken handle.

    Feed accounts that speak for the user are called as the user is.
    """
    changed = await session.scalars(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(**changes, updated_at=func.now())
        .returning(UserRow)
    )
    row = changed.one()
    if {"handle", "display_name"} & changes.keys():
        await session.execute(
            update(AccountRow)
            .where(AccountRow.network == Network.FEED, AccountRow.remote_id == str(user_id))
            .values(handle=row.handle, display_name=row.display_name)
        )
    if {"handle", "display_name", "avatar_media_id"} & changes.keys():
        await note_own_write(session, user_id)
    await sessions.tell_changed(session, user_id)
    return user_of(row)


async def owns_media(session: AsyncSession, user_id: UUID, media_id: UUID) -> bool:
    """Whether the user uploaded that media item as themselves; then it stays meanwhile."""
    query = (
        select(MediaRow.id)
        .where(MediaRow.id == media_id, MediaRow.user_id == user_id)
        .with_for_update(read=True, key_share=True)
    )
    return await session.scalar(query) is not None


async def set_password(
    session: AsyncSession, user_id: UUID, password_hash: str, *, in_place_of: str | None = None
) -> bool:
    """Keep a password's hash; False when it would not replace the one it was to."""
    statement = (
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(password_hash=password_hash, updated_at=func.now())
        .returning(UserRow.id)
    )
    if in_place_of is not None:
        statement = statement.where(UserRow.password_hash == in_place_of)
    return (await session.scalars(statement)).one_or_none() is not None


async def has_password(session: AsyncSession, user_id: UUID, password_hash: str) -> bool:
    """Whether that is still the user's; it stays so until the running transaction is over."""
    query = (
        select(UserRow.id)
        .where(UserRow.id == user_id, UserRow.password_hash == password_hash)
        .with_for_update(read=True)
    )
    return await session.scalar(query) is not None


async def suspend(session: AsyncSession, user_id: UUID, *, reason: str) -> bool:
    """Shut a user out: nobody signs in as them, and their tokens count no more.

    False when there is no such user. Suspending again changes the reason only.
    """
    suspended = await session.scalars(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(
            suspended_at=func.coalesce(UserRow.suspended_at, func.now()),
            suspension_reason=reason,
            updated_at=func.now(),
        )
        .returning(UserRow.id)
    )
    if suspended.one_or_none() is None:
        return False
    await sessions.end_all(session, user_id, reason=EndReason.SUSPENDED)
    await note_moderation(session)
    return True


async def restore(session: AsyncSession, user_id: UUID) -> bool:
    """Let a suspended user sign in again; their old sessions stay ended.

    False when there is no such user.
    """
    restored = await session.scalars(
        update(UserRow)
        .where(UserRow.id == user_id)
        .values(suspended_at=None, suspension_reason=None, updated_at=func.now())
        .returning(UserRow.id)
    )
    if restored.one_or_none() is None:
        return False
    await note_moderation(session)
    return True


async def _one(session: AsyncSession, condition: Any) -> User | None:
    row = (await session.scalars(select(UserRow).where(condition))).one_or_none()
    return None if row is None else user_of(row)


def user_of(row: UserRow) -> User:
    """What a row says."""
    return User(
        id=row.id,
        handle=row.handle,
        display_name=row.display_name,
        email=row.email,
        password_hash=row.password_hash,
        role=UserRole(row.role),
        avatar_media_id=row.avatar_media_id,
        suspended_at=row.suspended_at,
        suspension_reason=row.suspension_reason,
        created_at=row.created_at,
    )
