"""What each request asks about its caller: whose API key it is, what a user is in a workspace.

The answers are never remembered, so that a key that was revoked and a member who was removed are
refused at once, in every process. Those who ask at the same moment share a statement.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from asyncpg import Record
from sqlalchemy import Select, String, Uuid, any_, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from domain.roles import WorkspaceRole
from storage.database import Database
from storage.grouped_reads import GroupedReads
from storage.reading import FixedRead, Reader
from storage.tables import ApiKeyRow, MembershipRow
from storage.workspaces import ApiKey, StoredKey, use_is_stale

_Membership = tuple[UUID, UUID]
"""Workspace and user."""


class Callers:
    """Looks callers up."""

    def __init__(self, database: Database) -> None:
        """Nothing is asked before the first call."""
        self._keys = GroupedReads[str, StoredKey | None](database, _read_keys)
        self._roles = GroupedReads[_Membership, WorkspaceRole | None](database, _read_roles)

    async def key(self, prefix: str) -> StoredKey | None:
        """The key with that public part, revoked ones included. Raises DatabaseUnavailable."""
        return await self._keys(prefix)

    async def role(self, workspace_id: UUID, user_id: UUID) -> WorkspaceRole | None:
        """What the user is in that workspace; None when nothing, or there is no such workspace.

        Raises DatabaseUnavailable.
        """
        return await self._roles((workspace_id, user_id))


async def _read_keys(reader: Reader, prefixes: Sequence[str]) -> list[StoredKey | None]:
    rows = await reader.rows(_KEYS, prefixes=list(prefixes))
    found = {row["prefix"]: _stored(row) for row in rows}
    return [found.get(prefix) for prefix in prefixes]


async def _read_roles(reader: Reader, asked: Sequence[_Membership]) -> list[WorkspaceRole | None]:
    workspaces, users = zip(*asked, strict=True)
    rows = await reader.rows(_ROLES, workspaces=list(workspaces), users=list(users))
    found = {(workspace, user): WorkspaceRole(role) for workspace, user, role in rows}
    return [found.get(membership) for membership in asked]


def _roles() -> Select[*tuple[Any, ...]]:
    ids = ARRAY(Uuid)
    pairs = func.unnest(bindparam("workspaces", type_=ids), bindparam("users", type_=ids))
    asked = pairs.table_valued(
        column("workspace_id", Uuid()), column("user_id", Uuid()), name="asked"
    ).render_derived()
    return select(MembershipRow.workspace_id, MembershipRow.user_id, MembershipRow.role).join_from(
        asked,
        MembershipRow,
        (MembershipRow.workspace_id == asked.c.workspace_id)
        & (MembershipRow.user_id == asked.c.user_id),
    )


_KEYS: Final = FixedRead(
    select(*ApiKeyRow.__table__.c, use_is_stale().label("stale")).where(
        ApiKeyRow.prefix == any_(bindparam("prefixes", type_=ARRAY(String)))
    )
)
_ROLES: Final = FixedRead(_roles())


def _stored(row: Record) -> StoredKey:
    key = ApiKey(
        id=row["id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        prefix=row["prefix"],
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
    return StoredKey(key=key, secret_hash=row["secret_hash"], use_to_note=row["stale"])
