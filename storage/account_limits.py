"""The rows by which accounts are counted one at a time, and held when their network says so."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Uuid, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.limits import AccountLimits
from storage.outcomes import Reason
from storage.tables import AccountLimitRow, AccountRow
from storage.unnested import is_among, unnested


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLimit:
    """What is known of one account whose sends are counted."""

    handle: str
    told: AccountLimits | None
    """What the network told of this account alone."""
    limited_until: datetime | None
    """UTC."""
    reason: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A network's word that an account has to wait."""

    account_id: UUID
    until: datetime
    """UTC."""
    reason: Reason


async def lock(session: AsyncSession, account_ids: Collection[UUID]) -> dict[UUID, AccountLimit]:
    """Make everyone else who counts these accounts' sends wait for the transaction's end.

    To be called after posts are locked, and once in a transaction.
    """
    ordered = sorted(account_ids)  # one order of locking for all
    # Those without a row first: whoever holds a lock on a row waits for no insert any more.
    missing = unnested("missing", account_id=(Uuid(), ordered))
    await session.execute(
        insert(AccountLimitRow)
        .from_select(["account_id"], select(missing.c.account_id))
        .on_conflict_do_nothing()
    )
    query = (
        select(AccountLimitRow, AccountRow.handle, AccountRow.limits)
        .join(AccountRow, AccountRow.id == AccountLimitRow.account_id)
        .where(is_among(AccountLimitRow.account_id, ordered))
        .order_by(AccountLimitRow.account_id)
        .with_for_update(of=AccountLimitRow)
    )
    return {
        row.account_id: AccountLimit(
            handle=handle,
            told=AccountLimits(**told) if told else None,
            limited_until=row.limited_until,
            reason=row.reason,
        )
        for row, handle, told in await session.execute(query)
    }


async def hold(session: AsyncSession, holds: Sequence[Hold]) -> None:
    """Let nothing of these accounts out before then; an earlier word for later stands."""
    latest = {one.account_id: one for one in sorted(holds, key=lambda one: one.until)}
    if not latest:
        return
    await lock(session, latest)
    told = unnested(
        "told",
        account_id=(Uuid(), list(latest)),
        until=(DateTime(timezone=True), [one.until for one in latest.values()]),
        reason=(JSONB(), [one.reason.as_json() for one in latest.values()]),
    )
    await session.execute(
        update(AccountLimitRow)
        .where(
            AccountLimitRow.account_id == told.c.account_id,
            or_(
                AccountLimitRow.limited_until.is_(None),
                AccountLimitRow.limited_until < told.c.until,
            ),
        )
        .values(limited_until=told.c.until, reason=told.c.reason)
        .execution_options(synchronize_session=False)
    )
