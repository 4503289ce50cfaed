"""Workspaces and their API keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.lateness import NO_LATE_CHOICE, LateChoice, LateTerms
from domain.policies import AmbiguityPolicy
from storage.tables import ApiKeyRow, WorkspaceRow

USE_NOTED_EVERY: Final = timedelta(minutes=1)
"""How exact a key's last use is kept: a write on every request would cost more than it tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A tenant."""

    id: UUID
    name: str
    ambiguity_policy: AmbiguityPolicy
    late: LateTerms
    """Of posts that do not say it themselves."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A workspace's key to the API, without its secret."""

    id: UUID
    workspace_id: UUID
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    last_used_at: datetime | None
    """UTC, to about a minute."""
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewApiKey:
    """A key about to be kept."""

    name: str
    prefix: str
    secret_hash: bytes = field(repr=False)
    scopes: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredKey:
    """What recognising a caller needs."""

    key: ApiKey
    secret_hash: bytes = field(repr=False)
    use_to_note: bool
    """Its last use was noted more than `USE_NOTED_EVERY` ago."""


async def create_workspace(
    session: AsyncSession, name: str, workspace_id: UUID | None = None
) -> Workspace:
    """A new tenant, under that new id if there is one."""
    created = await session.scalars(
        insert(WorkspaceRow).values(id=workspace_id or new_id(), name=name).returning(WorkspaceRow)
    )
    return _workspace(created.one())


async def find_workspace(session: AsyncSession, workspace_id: UUID) -> Workspace | None:
    """The workspace of that id."""
    row = await session.get(WorkspaceRow, workspace_id)
    return None if row is None else _workspace(row)


async def change_workspace(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    name: str | None,
    ambiguity_policy: AmbiguityPolicy | None,
    late: LateChoice = NO_LATE_CHOICE,
) -> Workspace:
    """Change what is given of a workspace, which has to exist."""
    changes = {
        "name": name,
        "ambiguity_policy": ambiguity_policy,
        "late_policy": late.policy,
        "late_after_seconds": late.after_seconds,
    }
    changed = await session.scalars(
        update(WorkspaceRow)
        .where(WorkspaceRow.id == workspace_id)
        .values(
            id=workspace_id,
            **{field: value for field, value in changes.items() if value is not None},
        )
        .returning(WorkspaceRow)
    )
    return _workspace(changed.one())


async def create_key(session: AsyncSession, workspace_id: UUID, new: NewApiKey) -> ApiKey:
    """Keep a new API key."""
    created = await session.scalars(
        insert(ApiKeyRow)
        .values(
            id=new_id(),
            workspace_id=workspace_id,
            name=new.name,
            prefix=new.prefix,
            secret_hash=new.secret_hash,
            scopes=sorted(new.scopes),
        )
        .returning(ApiKeyRow)
    )
    return _key(created.one())


async def note_use(session: AsyncSession, key_id: UUID) -> None:
    """Keep that the key was used just now, unless somebody noted it in the last minute."""
    await session.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.id == key_id, use_is_stale())
        .values(last_used_at=func.now())
    )


async def list_keys(
    session: AsyncSession, workspace_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[ApiKey]:
    """A workspace's keys, newest first, revoked ones included."""
    query = (
        select(ApiKeyRow)
        .where(ApiKeyRow.workspace_id == workspace_id)
        .order_by(ApiKeyRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ApiKeyRow.id < before)
    return [_key(row) for row in await session.scalars(query)]


async def revoke_key(session: AsyncSession, workspace_id: UUID, key_id: UUID) -> bool:
    """Make a key worthless from now on; False when the workspace has no such key."""
    revoked = await session.scalars(
        update(ApiKeyRow)
        .where(ApiKeyRow.workspace_id == workspace_id, ApiKeyRow.id == key_id)
        .values(revoked_at=func.coalesce(ApiKeyRow.revoked_at, func.now()))
        .returning(ApiKeyRow.id)
    )
    return revoked.one_or_none() is not None


def use_is_stale() -> ColumnElement[bool]:
    """Whether the key's last use was noted more than `USE_NOTED_EVERY` ago, or never."""
    return or_(
        ApiKeyRow.last_used_at.is_(None),
        ApiKeyRow.last_used_at < func.now() - USE_NOTED_EVERY,
    )


def _workspace(row: WorkspaceRow) -> Workspace:
    return Workspace(
        id=row.id,
        name=row.name,
        ambiguity_policy=row.ambiguity_policy,
        late=LateTerms(policy=row.late_policy, after=timedelta(seconds=row.late_after_seconds)),
        created_at=row.created_at,
    )


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
