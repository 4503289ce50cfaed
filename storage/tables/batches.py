"""Posts made together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class BatchRow(Table):
    """Posts that one request made, and that can be cancelled as one."""

    __tablename__ = "batches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    source: Mapped[str]
    """bulk | csv: what the request was."""
    size: Mapped[int]
    """How many posts it made."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID]
    """Who asked for it: an API key or a user."""
    cancelled_at: Mapped[datetime | None]
    """When it was first cancelled."""

    __table_args__ = (
        CheckConstraint("source IN ('bulk', 'csv')", name="source"),
        Index(None, "workspace_id", "id"),  # list a workspace's batches
    )
