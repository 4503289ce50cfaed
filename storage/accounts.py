"""Connected accounts. Their credentials come out encrypted, and apart from everything else."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Row,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import WAITING
from domain.limits import AccountLimits
from domain.networks import Network
from storage.tables import AccountRow, DeliveryRow


class AccountStatus(StrEnum):
    """Whether posts can go out through an account."""

    CONNECTED = "connected"
    RECONNECT = "reconnect"
    """The network no longer accepts the credentials: the user has to connect it again."""
    BLOCKED = "blocked"
    """The network restricted the account: a person has to look into it there."""
    DISCONNECTED = "disconnected"
    """The user took it away. Its past posts keep pointing to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A workspace's connection to one profile, without its credentials."""

    id: UUID
    workspace_id: UUID
    network: Network
    remote_id: str
    handle: str
    display_name: str
    base_url: str | None
    status: AccountStatus
    status_reason: str | None
    expires_at: datetime | None
    """When the access token ends, UTC; None when the network does not say."""
    limits: AccountLimits | None
    connected_at: datetime
    checked_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EncryptedCredentials:
    """An account's credentials as they are kept, and which version they are."""

    account: Account
    credentials: bytes = field(repr=False)
    version: int


async def find(session: AsyncSession, workspace_id: UUID, account_id: UUID) -> Account | None:
    """The account of that id, if it is the workspace's."""
    row = await session.scalar(_owned(workspace_id, account_id))
    return None if row is None else account_of(row)


async def lock(session: AsyncSession, workspace_id: UUID, account_id: UUID) -> Account | None:
    """The same, held until the transaction ends: no delivery to it can be added meanwhile."""
    row = await session.scalar(_owned(workspace_id, account_id).with_for_update())
    return None if row is None else account_of(row)


async def find_credentials(
    session: AsyncSession, workspace_id: UUID, account_id: UUID
) -> EncryptedCredentials | None:
    """The account with its credentials, still encrypted."""
    row = await session.scalar(_owned(workspace_id, account_id))
    if row is None:
        return None
    return EncryptedCredentials(
        account=account_of(row), credentials=row.credentials, version=row.credentials_version
    )


async def list_page(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    network: Network | None,
    status: AccountStatus | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Account]:
    """A workspace's accounts, newest first."""
    query = (
        select(AccountRow)
        .where(AccountRow.workspace_id == workspace_id)
        .order_by(AccountRow.id.desc())
        .limit(limit)
    )
    if network is not None:
        query = query.where(AccountRow.network == network)
    if status is not None:
        query = query.where(AccountRow.status == status.value)
    if before is not None:
        query = query.where(AccountRow.id < before)
    return [account_of(row) for row in await session.scalars(query)]


async def mark_status(
    session: AsyncSession, account_id: UUID, status: AccountStatus, reason: str | None
) -> None:
    """Keep whether posts can go out through it, and why not; a disconnected account stays so."""
    await session.execute(
        update(AccountRow)
        .where(AccountRow.id == account_id, AccountRow.status != AccountStatus.DISCONNECTED.value)
        .values(status=status.value, status_reason=reason, checked_at=func.now())
    )


async def count_waiting(session: AsyncSession, account_id: UUID) -> int:
    """How many scheduled deliveries have yet to go out through it; drafts do not count."""
    query = select(func.count()).where(
        DeliveryRow.account_id == account_id,
        DeliveryRow.status.in_(WAITING),
        DeliveryRow.publish_at.is_not(None),
        ~DeliveryRow.superseded,
    )
    return (await session.scalar(query)) or 0


def _owned(workspace_id: UUID, account_id: UUID) -> Select[AccountRow]:
    return select(AccountRow).where(
        AccountRow.workspace_id == workspace_id, AccountRow.id == account_id
    )


def account_of(row: AccountRow | Row[Any]) -> Account:
    """The account that a row keeps."""
    return Account(
        id=row.id,
        workspace_id=row.workspace_id,
        network=Network(row.network),
        remote_id=row.remote_id,
        handle=row.handle,
        display_name=row.display_name,
        base_url=row.base_url,
        status=AccountStatus(row.status),
        status_reason=row.status_reason,
        expires_at=row.expires_at,
        limits=AccountLimits(**row.limits) if row.limits else None,
        connected_at=row.connected_at,
        checked_at=row.checked_at,
    )


async def find_to_use(
    session: AsyncSession, wanted: Collection[tuple[UUID, UUID]]
) -> Sequence[Account]:
    """Of workspaces and ids, the accounts that are theirs: kept until the transaction ends."""
    named = {
        "workspace_ids": [workspace_id for workspace_id, _ in wanted],
        "account_ids": [account_id for _, account_id in wanted],
    }
    return [account_of(row) for row in await session.execute(_TO_USE, named)]


_WANTED: Final = (
    func.unnest(
        bindparam("workspace_ids", type_=ARRAY(Uuid)), bindparam("account_ids", type_=ARRAY(Uuid))
    )
    .table_valued(column("workspace_id", Uuid), column("id", Uuid), name="wanted")
    .render_derived()
)

_TO_USE: Final = (
    select(*(one for one in AccountRow.__table__.c if one.name != "credentials"))
    .join(
        _WANTED,
        (AccountRow.id == _WANTED.c.id) & (AccountRow.workspace_id == _WANTED.c.workspace_id),
    )
    .order_by(AccountRow.id)  # one order of locking for all
    .with_for_update(read=True, key_share=True, of=AccountRow)
)
"""Made once: each request that writes a post runs it."""


async def find_named(
    session: AsyncSession, workspace_id: UUID, ids: Collection[UUID], handles: Collection[str]
) -> Sequence[Account]:
    """The workspace's accounts with one of the ids, or of the handles, which are in lower case."""
    query = select(AccountRow).where(
        AccountRow.workspace_id == workspace_id,
        or_(
            AccountRow.id == any_(literal(list(ids), ARRAY(Uuid))),
            func.lower(AccountRow.handle) == any_(literal(list(handles), ARRAY(Text))),
        ),
    )
    return [account_of(row) for row in await session.scalars(query)]
