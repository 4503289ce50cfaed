"""Uploaded files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class MediaRow(Table):
    """An uploaded file, of a workspace or of a user; the bytes are in the media store."""

    __tablename__ = "media"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[UUID | None] = mapped_column(
        # users and media name each other: this one is added when both are there.
        ForeignKey("users.id", ondelete="CASCADE", use_alter=True)
    )
    storage_key: Mapped[str]
    file_name: Mapped[str]
    content_type: Mapped[str]
    sha256: Mapped[bytes]
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    alt_text: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("num_nonnulls(workspace_id, user_id) = 1", name="owner"),
        Index(None, "workspace_id", "id"),  # list a workspace's media
        Index(  # list a user's media
            "ix_media_user_id_id",
            "user_id",
            "id",
            postgresql_where=text("user_id IS NOT NULL"),
        ),
    )
