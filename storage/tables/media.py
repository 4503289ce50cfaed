"""Uploaded files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class MediaRow(Table):
    """An uploaded file; the bytes are in the media store."""

    __tablename__ = "media"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    storage_key: Mapped[str]
    file_name: Mapped[str]
    content_type: Mapped[str]
    sha256: Mapped[bytes]
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    alt_text: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "workspace_id", "id"),)  # list a workspace's media
