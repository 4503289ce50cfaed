"""Tenants and their keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.policies import AmbiguityPolicy
from storage.tables.base import Table, one_of


class WorkspaceRow(Table):
    """A tenant."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    ambiguity_policy: Mapped[AmbiguityPolicy] = mapped_column(server_default=AmbiguityPolicy.HOLD)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("ambiguity_policy", AmbiguityPolicy), name="ambiguity_policy"),
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
