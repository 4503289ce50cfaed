"""What users want published."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.deliveries import PostStatus
from domain.lateness import LatePolicy
from storage.tables.base import LATE_AFTER, Table, one_of


class PostRow(Table):
    """What a user wants published; its text is in the current revision."""

    __tablename__ = "posts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batches.id"))
    """The batch that it was made with."""
    revision: Mapped[int] = mapped_column(server_default="1")
    status: Mapped[PostStatus]
    publish_at: Mapped[datetime | None]
    """UTC; null for a draft."""
    wall_time: Mapped[str | None]
    """The local time as it was asked for, when it was."""
    time_zone: Mapped[str | None]
    """IANA name that goes with wall_time."""
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    late_policy: Mapped[LatePolicy | None]
    """What becomes of it when it is late; null for the workspace's."""
    late_after_seconds: Mapped[int | None]
    """From when on it is late, after its publish time; null for the workspace's."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("status", PostStatus), name="status"),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        CheckConstraint(one_of("late_policy", LatePolicy), name="late_policy"),
        CheckConstraint(LATE_AFTER, name="late_after"),
        Index(None, "workspace_id", "id"),  # list by age
        Index(None, "workspace_id", "status", "id"),  # list by status
        Index(None, "workspace_id", "publish_at", "id"),  # the calendar
        Index(  # the posts of a batch
            "ix_posts_batch", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")
        ),
        Index(  # what is due, for the sweep
            "ix_posts_due",
            "publish_at",
            postgresql_where=text("status IN ('scheduled', 'publishing')"),
        ),
    )


class PostRevisionRow(Table):
    """One version of a post's content. Never changed, never deleted: nobody's text is lost."""

    __tablename__ = "post_revisions"

    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None]
    """Who wrote it: an API key or a user."""
