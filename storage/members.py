"""Who may act in which workspace, and as what; who was invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.roles import WorkspaceRole
from storage.tables import InvitationRow, MembershipRow, UserRow, WorkspaceRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One person's part in one workspace."""

    id: UUID
    """The membership's: lists are ordered by it."""
    user_id: UUID
    handle: str
    display_name: str
    role: WorkspaceRole
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """One workspace that a person is a member of."""

    id: UUID
    workspace_id: UUID
    name: str
    role: WorkspaceRole


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """An offer by mail to become a member."""

    id: UUID
    workspace_id: UUID
    workspace_name: str
    email: str
    role: WorkspaceRole
    expires_at: datetime


async def role_of(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> WorkspaceRole | None:
    """What the user is in that workspace; None when nothing, or there is no such workspace."""
    role = await session.scalar(
        select(MembershipRow.role).where(
            MembershipRow.workspace_id == workspace_id, MembershipRow.user_id == user_id
        )
    )
    return None if role is None else WorkspaceRole(role)


async def add(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, role: WorkspaceRole
) -> bool:
    """Make the user a member; False when they are one already, and stay what they are."""
    added = await session.scalars(
        insert(MembershipRow)
        .values(id=new_id(), workspace_id=workspace_id, user_id=user_id, role=role)
        .on_conflict_do_nothing()
        .returning(MembershipRow.id)
    )
    return added.one_or_none() is not None


async def find(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Member | None:
    """The member of that workspace."""
    query = (
        select(MembershipRow, UserRow.handle, UserRow.display_name)
        .join(UserRow, UserRow.id == MembershipRow.user_id)
        .where(MembershipRow.workspace_id == workspace_id, MembershipRow.user_id == user_id)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _member(*found)


async def list_of_workspace(
    session: AsyncSession, workspace_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Member]:
    """A workspace's members, newest first."""
    query = (
        select(MembershipRow, UserRow.handle, UserRow.display_name)
        .join(UserRow, UserRow.id == MembershipRow.user_id)
        .where(MembershipRow.workspace_id == workspace_id)
        .order_by(MembershipRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(MembershipRow.id < before)
    return [_member(*row) for row in (await session.execute(query)).all()]


async def list_of_user(
    session: AsyncSession, user_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Membership]:
    """The workspaces that a user is a member of, the one joined last first."""
    query = (
        select(MembershipRow.id, MembershipRow.role, WorkspaceRow.id, WorkspaceRow.name)
        .join(WorkspaceRow, WorkspaceRow.id == MembershipRow.workspace_id)
        .where(MembershipRow.user_id == user_id)
        .order_by(MembershipRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(MembershipRow.id < before)
    return [
        Membership(id=row[0], role=WorkspaceRole(row[1]), workspace_id=row[2], name=row[3])
        for row in (await session.execute(query)).all()
    ]


async def lock_owners(session: AsyncSession, workspace_id: UUID) -> set[UUID]:
    """Who owns the workspace; nobody else changes its members until the transaction is over."""
    await session.execute(
        select(WorkspaceRow.id)
        .where(WorkspaceRow.id == workspace_id)
        .with_for_update(key_share=True)
    )
    query = select(MembershipRow.user_id).where(
        MembershipRow.workspace_id == workspace_id, MembershipRow.role == WorkspaceRole.OWNER
    )
    return set((await session.scalars(query)).all())


async def change_role(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, role: WorkspaceRole
) -> None:
    """Make a member something else."""
    await session.execute(
        update(MembershipRow)
        .where(MembershipRow.workspace_id == workspace_id, MembershipRow.user_id == user_id)
        .values(role=role)
    )


async def remove(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> None:
    """Make somebody a member no more."""
    await session.execute(
        delete(MembershipRow).where(
            MembershipRow.workspace_id == workspace_id, MembershipRow.user_id == user_id
        )
    )


async def invite(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    email: str,
    role: WorkspaceRole,
    invited_by: UUID | None,
    lifetime: timedelta,
) -> UUID:
    """Offer a part in the workspace to whoever reads that address; the invitation's id."""
    invitation_id = new_id()
    await session.execute(
        insert(InvitationRow).values(
            id=invitation_id,
            workspace_id=workspace_id,
            email=email,
            role=role,
            invited_by=invited_by,
            expires_at=func.now() + lifetime,
        )
    )
    return invitation_id


async def find_invitation(session: AsyncSession, invitation_id: UUID) -> Invitation | None:
    """The invitation, while it can be accepted."""
    query = (
        select(InvitationRow, WorkspaceRow.name)
        .join(WorkspaceRow, WorkspaceRow.id == InvitationRow.workspace_id)
        .where(
            InvitationRow.id == invitation_id,
            InvitationRow.accepted_at.is_(None),
            InvitationRow.expires_at > func.now(),
        )
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    row, name = found
    return Invitation(
        id=row.id,
        workspace_id=row.workspace_id,
        workspace_name=name,
        email=row.email,
        role=WorkspaceRole(row.role),
        expires_at=row.expires_at,
    )


async def accept(session: AsyncSession, invitation_id: UUID) -> bool:
    """Use an invitation up; False when it is used, withdrawn or too old."""
    accepted = await session.scalars(
        update(InvitationRow)
        .where(
            InvitationRow.id == invitation_id,
            InvitationRow.accepted_at.is_(None),
            InvitationRow.expires_at > func.now(),
        )
        .values(accepted_at=func.now())
        .returning(InvitationRow.id)
    )
    return accepted.one_or_none() is not None


def _member(row: MembershipRow, handle: str, display_name: str) -> Member:
    return Member(
        id=row.id,
        user_id=row.user_id,
        handle=handle,
        display_name=display_name,
        role=WorkspaceRole(row.role),
        created_at=row.created_at,
    )
