"""Where users are signed in: one session a sign-in, until it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.roles import UserRole
from storage.tables import RefreshTokenRow, SessionRow, UserRow

CHANNEL: Final = "punctual_sessions"
"""The NOTIFY channel that tells, at commit, whose sessions are not what they were."""

KEPT_FOR: Final = timedelta(days=30)
"""How long a session that ended or expired can still be looked up."""

DEVICE_LENGTH: Final = 200

_TOLD: Final = "told of sessions"


class EndReason(StrEnum):
    """Why a session ended."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    NEW_PASSWORD = "new_password"  # noqa: S105  a reason, no secret
    REUSE = "reuse"
    SUSPENDED = "suspended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One sign-in on one device."""

    id: UUID
    user_id: UUID
    device: str
    address: str
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOwner:
    """Whose session it is, and whether it counts."""

    user_id: UUID
    handle: str
    role: UserRole
    suspended: bool
    ended: bool


async def begin(
    session: AsyncSession,
    user_id: UUID,
    *,
    fingerprint: bytes,
    device: str,
    address: str,
    lifetime: timedelta,
) -> UUID:
    """Sign a user in; returns the session's id. `fingerprint` is its first refresh token's."""
    await session.execute(
        delete(SessionRow).where(
            SessionRow.user_id == user_id, SessionRow.expires_at < func.now() - KEPT_FOR
        )
    )
    session_id = new_id()
    await session.execute(
        insert(SessionRow).values(
            id=session_id,
            user_id=user_id,
            device=device[:DEVICE_LENGTH],
            address=address,
            expires_at=func.now() + lifetime,
        )
    )
    await session.execute(
        insert(RefreshTokenRow).values(fingerprint=fingerprint, session_id=session_id)
    )
    return session_id


async def find_owner(session: AsyncSession, user_id: UUID, session_id: UUID) -> SessionOwner | None:
    """That session of that user; None when it never was, or is long gone."""
    query = (
        select(
            UserRow.handle,
            UserRow.role,
            UserRow.suspended_at.is_not(None),
            SessionRow.ended_at.is_not(None) | (SessionRow.expires_at <= func.now()),
        )
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(SessionRow.id == session_id, SessionRow.user_id == user_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    handle, role, suspended, ended = found
    return SessionOwner(
        user_id=user_id, handle=handle, role=UserRole(role), suspended=suspended, ended=ended
    )


async def list_open(
    session: AsyncSession, user_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Session]:
    """Where a user is signed in, newest sign-in first."""
    query = (
        select(SessionRow)
        .where(
            SessionRow.user_id == user_id,
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > func.now(),
        )
        .order_by(SessionRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(SessionRow.id < before)
    return [_session(row) for row in await session.scalars(query)]


async def end(session: AsyncSession, user_id: UUID, session_id: UUID, *, reason: EndReason) -> bool:
    """End one session of a user; ending it again is fine. False when they have no such session."""
    ended = await session.scalars(
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.user_id == user_id)
        .values(
            ended_at=func.coalesce(SessionRow.ended_at, func.now()),
            end_reason=func.coalesce(SessionRow.end_reason, reason),
        )
        .returning(SessionRow.id)
    )
    if ended.one_or_none() is None:
        return False
    await tell_changed(session, user_id, session_id)
    return True


async def end_all(
    session: AsyncSession, user_id: UUID, *, reason: EndReason, but: UUID | None = None
) -> int:
    """End a user's sessions, all `but` one; how many there were."""
    statement = (
        update(SessionRow)
        .where(SessionRow.user_id == user_id, SessionRow.ended_at.is_(None))
        .values(ended_at=func.now(), end_reason=reason)
        .returning(SessionRow.id)
    )
    if but is not None:
        statement = statement.where(SessionRow.id != but)
    ended = (await session.scalars(statement)).all()
    await tell_changed(session, user_id)
    return len(ended)


async def tell_changed(
    session: AsyncSession, user_id: UUID, session_id: UUID | None = None
) -> None:
    """Let every process look again, at commit, at one session of a user or at all of them."""
    payload = f"{user_id}" if session_id is None else f"{user_id} {session_id}"
    await session.execute(select(func.pg_notify(CHANNEL, payload)))
    session.info.setdefault(_TOLD, []).append(payload)


def told_by(session: AsyncSession) -> Sequence[str]:
    """What a transaction told on CHANNEL."""
    told: Sequence[str] = session.info.get(_TOLD, ())
    return told


def _session(row: SessionRow) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        device=row.device,
        address=row.address,
        created_at=row.created_at,
        refreshed_at=row.refreshed_at,
        expires_at=row.expires_at,
    )
