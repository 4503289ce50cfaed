"""Refresh tokens: found by fingerprint, good once, and answered again for a few seconds.

A token has 256 random bits, so a keyed fast hash finds it safely: whoever reads the database can
neither use what is there nor try guesses without the key. The successor of a token follows from
it and the key alone. So when two tabs of one client refresh at once, both get the same successor,
and it need not be kept.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import UserRole
from storage.tables import RefreshTokenRow, SessionRow, UserRow
from storage.users import sessions
from storage.users.sessions import EndReason

_SHAPE: Final = re.compile(r"rt_[A-Za-z0-9_-]{43}")


class RefreshTokens:
    """Makes them, and their fingerprints."""

    def __init__(self, keys: Sequence[str]) -> None:
        """The first key makes fingerprints, all find them."""
        self._find = [_derived(key, "fingerprint") for key in keys]
        self._follow = _derived(keys[0], "successor")

    def new(self) -> str:
        """A fresh random token."""
        return f"rt_{secrets.token_urlsafe(32)}"

    def successor(self, token: str) -> str:
        """What the token is exchanged for."""
        digest = hmac.digest(self._follow, token.encode(), "sha256")
        return f"rt_{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    def fingerprint(self, token: str) -> bytes:
        """What is kept of a new token."""
        return hmac.digest(self._find[0], token.encode(), "sha256")

    def fingerprints(self, token: str) -> list[bytes]:
        """What may have been kept of a presented one: one a key; none for what is no token."""
        if not _SHAPE.fullmatch(token):
            return []
        return [hmac.digest(key, token.encode(), "sha256") for key in self._find]


def _derived(key: str, purpose: str) -> bytes:
    return hmac.digest(key.encode(), f"punctual refresh tokens: {purpose}".encode(), "sha256")


class Exchange(StrEnum):
    """What became of a refresh."""

    ROTATED = "rotated"
    REPEATED = "repeated"
    """It was exchanged seconds ago: the same successor is told again."""
    REUSED = "reused"
    """It was exchanged before, so it is in two hands: the session was ended just now."""
    ENDED = "ended"
    SUSPENDED = "suspended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """A session whose refresh token was presented."""

    exchange: Exchange
    session_id: UUID
    user_id: UUID
    role: UserRole


async def find_user(session: AsyncSession, fingerprints: Sequence[bytes]) -> UUID | None:
    """Whose token it is, used or not; None for one that is not known."""
    query = (
        select(SessionRow.user_id)
        .join(RefreshTokenRow, RefreshTokenRow.session_id == SessionRow.id)
        .where(RefreshTokenRow.fingerprint.in_(fingerprints))
    )
    user_id: UUID | None = await session.scalar(query)
    return user_id


async def exchange(
    session: AsyncSession,
    fingerprints: Sequence[bytes],
    *,
    successor: bytes,
    address: str,
    lifetime: timedelta,
    grace: timedelta,
) -> Refreshed | None:
    """Use a refresh token up and keep its successor's fingerprint; None when it is not known.

    One that was used longer than `grace` ago ends its session. Of two that come at the same
    moment, the second waits for the first and finds it used just now. `lifetime` is how long the
    session lasts from now on.
    """
    query = (
        select(RefreshTokenRow, SessionRow, UserRow.role, UserRow.suspended_at, func.now())
        .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(RefreshTokenRow.fingerprint.in_(fingerprints))
        .with_for_update(of=(RefreshTokenRow, SessionRow))
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    token, of, role, suspended_at, now = found
    became = _judge(token.used_at, of, suspended_at, now=now, grace=grace)
    match became:
        case Exchange.ROTATED:
            await _use_up(session, token, of, address=address, lifetime=lifetime)
        case Exchange.REUSED:
            await sessions.end(session, of.user_id, of.id, reason=EndReason.REUSE)
    if became in {Exchange.ROTATED, Exchange.REPEATED}:
        await session.execute(
            insert(RefreshTokenRow)
            .values(fingerprint=successor, session_id=of.id)
            .on_conflict_do_nothing()
        )
    return Refreshed(exchange=became, session_id=of.id, user_id=of.user_id, role=UserRole(role))


def _judge(
    used_at: datetime | None,
    of: SessionRow,
    suspended_at: datetime | None,
    *,
    now: datetime,
    grace: timedelta,
) -> Exchange:
    if suspended_at is not None:
        return Exchange.SUSPENDED
    if of.ended_at is not None or of.expires_at <= now:
        return Exchange.ENDED
    if used_at is None:
        return Exchange.ROTATED
    return Exchange.REPEATED if now - used_at < grace else Exchange.REUSED


async def _use_up(
    session: AsyncSession,
    token: RefreshTokenRow,
    of: SessionRow,
    *,
    address: str,
    lifetime: timedelta,
) -> None:
    await session.execute(
        update(RefreshTokenRow)
        .where(RefreshTokenRow.fingerprint == token.fingerprint)
        .values(used_at=func.now())
    )
    await session.execute(
        update(SessionRow)
        .where(SessionRow.id == of.id)
        .values(refreshed_at=func.now(), expires_at=func.now() + lifetime, address=address)
    )
    # A token older than a session lasts is refused all the same: as one that is not known.
    await session.execute(
        delete(RefreshTokenRow).where(
            RefreshTokenRow.session_id == of.id,
            RefreshTokenRow.created_at < func.now() - lifetime,
            RefreshTokenRow.used_at.is_not(None),
        )
    )
