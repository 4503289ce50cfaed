"""Connecting accounts, learning about them again, and taking them out of use."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, column, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from domain.limits import AccountLimits
from domain.networks import Network
from storage import outbox
from storage.accounts import Account, AccountStatus, account_of, mark_status
from storage.outbox import OutboxKind
from storage.tables import AccountRow, DeliveryRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What the network said about an account."""

    remote_id: str
    handle: str
    display_name: str
    base_url: str | None
    limits: AccountLimits | None


async def connect(
    session: AsyncSession,
    workspace_id: UUID,
    network: Network,
    profile: Profile,
    *,
    credentials: bytes,
    expires_at: datetime | None,
) -> tuple[Account, bool]:
    """Keep a connection; the flag tells whether it is new.

    A profile is connected once in a workspace: connecting it again replaces its credentials.
    """
    current = {
        "handle": profile.handle,
        "display_name": profile.display_name,
        "base_url": profile.base_url,
        "limits": _limits_to_json(profile.limits),
        "credentials": credentials,
        "refresh_lease_until": None,
        "expires_at": expires_at,
        "status": AccountStatus.CONNECTED.value,
        "status_reason": None,
        "checked_at": func.now(),
    }
    statement = insert(AccountRow).values(
        id=new_id(),
        workspace_id=workspace_id,
        network=network,
        remote_id=profile.remote_id,
        **current,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["workspace_id", "network", "remote_id", "base_url"],
        index_where=column("status") != literal_column("'disconnected'"),
        set_={
            **current,
            "credentials_version": AccountRow.credentials_version + 1,
            "connected_at": func.now(),
        },
    )
    # xmax is 0 in a row version that was inserted and not updated.
    answer = await session.execute(
        statement.returning(AccountRow, literal_column("accounts.xmax = 0", Boolean)),
        execution_options={"populate_existing": True},
    )
    row, is_new = answer.one()
    if not is_new:
        await _resume_waiting(session, row.id)
    return account_of(row), is_new


async def _resume_waiting(session: AsyncSession, account_id: UUID) -> None:
    """What waited for the account to work again goes out now."""
    query = (
        select(DeliveryRow)
        .where(
            DeliveryRow.account_id == account_id,
            DeliveryRow.status == DeliveryStatus.DEFERRED,
            DeliveryRow.reason["type"].astext == "account_disconnected",
        )
        .order_by(DeliveryRow.publish_at)
    )
    for delivery in (await session.scalars(query)).all():
        await outbox.put(
            session,
            OutboxKind.RESUME_DELIVERIES,
            workspace_id=delivery.workspace_id,
            post_id=delivery.post_id,
            due_at=delivery.publish_at or delivery.created_at,
            payload={"deliveries": [str(delivery.id)]},
        )


async def record_check(session: AsyncSession, account_id: UUID, profile: Profile) -> None:
    """Keep what the network says of a working account now."""
    await mark_status(session, account_id, AccountStatus.CONNECTED, None)
    await session.execute(
        update(AccountRow)
        .where(AccountRow.id == account_id)
        .values(
            handle=profile.handle,
            display_name=profile.display_name,
            limits=_limits_to_json(profile.limits),
        )
    )
    await _resume_waiting(session, account_id)


async def disconnect(session: AsyncSession, account_id: UUID) -> None:
    """Take the account out of use and forget its credentials."""
    await session.execute(
        update(AccountRow)
        .where(AccountRow.id == account_id)
        .values(
            status=AccountStatus.DISCONNECTED.value,
            status_reason=None,
            credentials=b"",
            credentials_version=AccountRow.credentials_version + 1,
            expires_at=None,
        )
    )


def _limits_to_json(limits: AccountLimits | None) -> dict[str, Any] | None:
    return None if limits is None else asdict(limits)
