"""Tenants, their members and their keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.lateness import LatePolicy
from domain.policies import AmbiguityPolicy
from domain.roles import WorkspaceRole
from storage.tables.base import LATE_AFTER, Table, one_of


class WorkspaceRow(Table):
    """A tenant."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    ambiguity_policy: Mapped[AmbiguityPolicy] = mapped_column(server_default=AmbiguityPolicy.HOLD)
    late_policy: Mapped[LatePolicy] = mapped_column(server_default=LatePolicy.PUBLISH)
    """What becomes of late posts that do not say so themselves."""
    late_after_seconds: Mapped[int] = mapped_column(server_default="3600")
    """From when on such a post is late, after its publish time."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("ambiguity_policy", AmbiguityPolicy), name="ambiguity_policy"),
        CheckConstraint(one_of("late_policy", LatePolicy), name="late_policy"),
        CheckConstraint(LATE_AFTER, name="late_after"),
    )


class ApiKeyRow(Table):
    """A workspace's key to the API; the secret itself is not kept."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    """The key's public part: shown in lists, and by which it is found."""
    secret_hash: Mapped[bytes]
    """SHA-256 of the secret part, which has 256 random bits."""
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "workspace_id", "id"),)  # list a workspace's keys


class MembershipRow(Table):
    """One person's part in one workspace."""

    __tablename__ = "memberships"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str]
    """owner | admin | editor | viewer"""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("role", WorkspaceRole), name="role"),
        UniqueConstraint("workspace_id", "user_id"),  # whether a person may act there
        Index(None, "workspace_id", "id"),  # list a workspace's members
        Index(None, "user_id", "id"),  # list a person's workspaces
    )


class InvitationRow(Table):
    """An offer by mail to become a member."""

    __tablename__ = "invitations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    email: Mapped[str]
    """Lower case."""
    role: Mapped[str]
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Null when it was done with an API key."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("role", WorkspaceRole), name="role"),
        Index(None, "workspace_id", "id"),  # list a workspace's open invitations
    )
