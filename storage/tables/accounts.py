"""Connections to profiles and pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.networks import Network
from storage.tables.base import Table, one_of


class AccountRow(Table):
    """A workspace's connection to one profile or page on one network."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    network: Mapped[Network]
    remote_id: Mapped[str]
    handle: Mapped[str]
    display_name: Mapped[str]
    base_url: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="connected")
    """connected | reconnect | blocked | disconnected"""
    status_reason: Mapped[str | None]
    credentials: Mapped[bytes]
    """Encrypted; empty once disconnected."""
    credentials_version: Mapped[int] = mapped_column(Integer, server_default="1")
    """Counts up with each replacement: a refresh writes only over the version it read."""
    refresh_lease_until: Mapped[datetime | None]
    """One refresh at a time: held by whoever refreshes now."""
    expires_at: Mapped[datetime | None]
    limits: Mapped[dict[str, Any] | None]
    connected_at: Mapped[datetime] = mapped_column(server_default=func.now())
    checked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("network", Network), name="network"),
        CheckConstraint(
            "status IN ('connected', 'reconnect', 'blocked', 'disconnected')", name="status"
        ),
        Index(None, "workspace_id", "id"),  # list a workspace's accounts
        Index(None, "remote_id", "network"),  # feed accounts of somebody who changes their name
        Index(  # one profile is connected once in a workspace
            "uq_accounts_profile",
            "workspace_id",
            "network",
            "remote_id",
            "base_url",  # two Mastodon servers may both have an account 1
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status <> 'disconnected'"),
        ),
    )
