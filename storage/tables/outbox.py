"""What is done outside, after the transaction that decided it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Identity,
    Index,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class OutboxRow(Table):
    """Something to do outside, decided in a transaction and done after it."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    workspace_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    """The post or delivery it is about; rows of one subject are done in order."""
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    """The publish time: the earliest goes first."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not before: a lease of a relay at work, or the wait after a failure."""
    tries: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]

    __table_args__ = (
        Index(None, "due_at", "id"),  # the relay: earliest publish time first
        Index(None, "subject_id", "id"),  # in order for one subject
        Index(None, "workspace_id", "due_at", "id"),  # the workspaces in turn
        Index("ix_outbox_failing", "id", postgresql_where=text("last_error IS NOT NULL")),  # stuck
    )
