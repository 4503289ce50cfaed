"""Accounts as workers use them: read to send, refreshed by one at a time, marked when broken."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update

from storage.database import Database
from storage.delivery_state import AccountAccess
from storage.notifications.deciding import account_needs_reconnecting
from storage.tables import AccountRow

REFRESH_LEASE = timedelta(seconds=90)
"""Longer than a refresh, which may take two requests; after it, one that died is taken over."""


@dataclass(frozen=True, slots=True)
class FreshCredentials:
    """What a refresh brought, encrypted."""

    credentials: bytes
    expires_at: datetime | None


class AccountStore:
    """Keeps what workers learn of accounts."""

    def __init__(self, database: Database) -> None:
        """Each method opens and closes its own transaction."""
        self._database = database

    async def read(self, account_id: UUID) -> AccountAccess:
        """The account as it is now."""
        async with self._database.transaction() as session:
            row = (
                await session.scalars(select(AccountRow).where(AccountRow.id == account_id))
            ).one()
            return AccountAccess(
                account_id=row.id,
                remote_id=row.remote_id,
                handle=row.handle,
                base_url=row.base_url,
                status=row.status,
                credentials=row.credentials,
                credentials_version=row.credentials_version,
                expires_at=row.expires_at,
            )

    async def begin_refresh(self, account_id: UUID, version: int) -> bool:
        """Become the one who refreshes this version; False when another does or did."""
        async with self._database.transaction() as session:
            statement = (
                update(AccountRow)
                .where(
                    AccountRow.id == account_id,
                    AccountRow.credentials_version == version,
                    or_(
                        AccountRow.refresh_lease_until.is_(None),
                        AccountRow.refresh_lease_until < func.now(),
                    ),
                )
                .values(refresh_lease_until=func.now() + REFRESH_LEASE)
                .returning(AccountRow.id)
            )
            return (await session.execute(statement)).scalar_one_or_none() is not None

    async def finish_refresh(
        self, account_id: UUID, version: int, fresh: FreshCredentials | None
    ) -> None:
        """Give the lease back; write fresh credentials over the version they were made from."""
        async with self._database.transaction() as session:
            statement = update(AccountRow).where(
                AccountRow.id == account_id, AccountRow.credentials_version == version
            )
            if fresh is None:
                await session.execute(statement.values(refresh_lease_until=None))
                return
            await session.execute(
                statement.values(
                    credentials=fresh.credentials,
                    credentials_version=version + 1,
                    expires_at=fresh.expires_at,
                    refresh_lease_until=None,
                )
            )

    async def encrypt_again(
        self, *, after: UUID | None, limit: int, encrypt: Callable[[bytes], bytes]
    ) -> UUID | None:
        """Replace the encryption of the next accounts in order; the last one's id, or None."""
        async with self._database.transaction() as session:
            query = select(AccountRow).order_by(AccountRow.id).limit(limit).with_for_update()
            if after is not None:
                query = query.where(AccountRow.id > after)
            rows = (await session.scalars(query)).all()
            for row in rows:
                if row.credentials:
                    row.credentials = encrypt(row.credentials)
        return rows[-1].id if rows else None

    async def mark(self, account_id: UUID, status: str, reason: str) -> None:
        """Say that an account cannot be used, and why; a person has to repair it."""
        async with self._database.transaction() as session:
            statement = (
                update(AccountRow)
                .where(AccountRow.id == account_id, AccountRow.status == "connected")
                .values(status=status, status_reason=reason)
                .returning(AccountRow.id)
            )
            if (await session.execute(statement)).scalar_one_or_none() is not None:
                await account_needs_reconnecting(session, account_id)
