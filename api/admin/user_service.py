"""Finds users, shuts them out and lets them in again, and says who moderates."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.admin.guard import MissingRole
from api.pagination import PageRequest
from api.problems import Conflict, NotFound
from domain.moderation import Act
from domain.roles import UserRole
from storage import mails
from storage.database import Database
from storage.mails import MailKind
from storage.moderation import audit, suspensions
from storage.moderation.audit import Actor
from storage.users import searching, users
from storage.users.searching import UserFilter
from storage.users.users import User


class AdminUsers:
    """Each method is one transaction, with its entry in the audit log."""

    def __init__(self, database: Database) -> None:
        """`database` keeps users."""
        self._database = database

    async def list_newest(self, chosen: UserFilter, wanted: PageRequest) -> Sequence[User]:
        """Users, newest first."""
        async with self._database.transaction() as session:
            return await searching.list_newest(
                session, chosen, before=wanted.before, limit=wanted.fetch
            )

    async def search(
        self, beginning: str, chosen: UserFilter, *, after: str | None, limit: int
    ) -> Sequence[User]:
        """Users whose handle or address begins so."""
        async with self._database.transaction() as session:
            return await searching.list_by_beginning(
                session, beginning, chosen, after=after, limit=limit
            )

    async def show(self, user_id: UUID) -> User:
        """One user. Raises NotFound."""
        async with self._database.transaction() as session:
            found = await users.find(session, user_id)
        if found is None:
            raise no_such_user(user_id)
        return found

    async def suspend(self, by: Actor, role: UserRole, user_id: UUID, reason: str) -> User:
        """Shut somebody out. Raises NotFound, Conflict for oneself, MissingRole for staff."""
        async with self._database.transaction() as session:
            return await suspend(session, by, role, user_id, reason)

    async def restore(
        self, by: Actor, role: UserRole, user_id: UUID, reason: str
    ) -> tuple[User, int]:
        """Let somebody in again, and what was held go out; how many deliveries that are.

        Raises NotFound, MissingRole.
        """
        async with self._database.transaction() as session:
            before = await _lock(session, user_id)
            _require_may_judge(by, role, before)
            await users.restore(session, user_id)
            resumed = await suspensions.resume(session, user_id, datetime.now(UTC))
            after = await _lock(session, user_id)
            await audit.record(
                session,
                by,
                Act.RESTORE_USER,
                subject_type="user",
                subject_id=user_id,
                reason=reason,
                before=_state(before),
                after={**_state(after), "resumed_deliveries": resumed.deliveries},
            )
        return after, resumed.deliveries

    async def grant(self, by: Actor, user_id: UUID, role: UserRole, reason: str | None) -> User:
        """Say what somebody may do to others' things. Raises NotFound, Conflict for oneself."""
        async with self._database.transaction() as session:
            before = await _lock(session, user_id)
            if before.id == by.user_id:
                raise _oneself()
            after = await users.change(session, user_id, role=role)
            await audit.record(
                session,
                by,
                Act.GRANT_ROLE,
                subject_type="user",
                subject_id=user_id,
                reason=reason,
                before=_state(before),
                after=_state(after),
            )
        return after


async def suspend(
    session: AsyncSession, by: Actor, role: UserRole, user_id: UUID, reason: str
) -> User:
    """Shut somebody out, within a transaction.

    Raises NotFound, Conflict for oneself, MissingRole for moderators who would judge staff.
    """
    before = await _lock(session, user_id)
    _require_may_judge(by, role, before)
    await users.suspend(session, user_id, reason=reason)
    after = await _lock(session, user_id)
    if before.suspended_at is None and before.email is not None:
        await mails.put(session, MailKind.SUSPENDED, subject_id=user_id)
    await audit.record(
        session,
        by,
        Act.SUSPEND_USER,
        subject_type="user",
        subject_id=user_id,
        reason=reason,
        before=_state(before),
        after=_state(after),
    )
    return after


def no_such_user(user_id: UUID) -> NotFound:
    """Nobody has that id."""
    return NotFound("user", user_id, place="here")


async def _lock(session: AsyncSession, user_id: UUID) -> User:
    """The user as they are; nobody else changes them until the transaction ends."""
    found = await users.lock(session, user_id)
    if found is None:
        raise no_such_user(user_id)
    return found


def _require_may_judge(by: Actor, role: UserRole, user: User) -> None:
    """Only admins judge moderators and admins, and nobody themselves."""
    if user.id == by.user_id:
        raise _oneself()
    if user.role is not UserRole.USER and role is not UserRole.ADMIN:
        raise MissingRole(UserRole.ADMIN)


def _oneself() -> Conflict:
    return Conflict("This is you. Ask somebody else.", slug="oneself", title="Not for yourself")


def _state(user: User) -> dict[str, Any]:
    return {"role": user.role, "suspended": user.suspended_at is not None}
