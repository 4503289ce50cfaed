"""Uploaded files, those on their way, and the sizes in which they are shown."""

from datetime import datetime
from typing import Any
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

from domain.pictures import PictureStatus
from storage.tables.base import Table, one_of


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


class MediaUploadRow(Table):
    """A file that may be sent straight to the media store, until it was looked at."""

    __tablename__ = "media_uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    file_name: Mapped[str]
    content_type: Mapped[str]
    """As it was announced; it has to arrive like that."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes, as announced."""
    sha256: Mapped[bytes | None]
    """As announced; null when it was not."""
    alt_text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    media_id: Mapped[UUID | None] = mapped_column(ForeignKey("media.id", ondelete="CASCADE"))
    """What became of it; null until it is complete."""

    __table_args__ = (
        CheckConstraint("num_nonnulls(workspace_id, user_id) = 1", name="owner"),
        Index(None, "workspace_id"),  # how many a workspace has open
        Index(None, "user_id"),  # how many a user has open
        Index(  # a media item that is deleted
            "ix_media_uploads_media_id", "media_id", postgresql_where=text("media_id IS NOT NULL")
        ),
    )


class PictureRow(Table):
    """A media item that is shown in sizes, which are in the media store beside it."""

    __tablename__ = "pictures"

    media_id: Mapped[UUID] = mapped_column(
        ForeignKey("media.id", ondelete="CASCADE"), primary_key=True
    )
    status: Mapped[str]
    failure: Mapped[str | None]
    """Why there are no sizes, for its owner to read."""
    sizes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """By name: {width, height, bytes, sha256}"""
    made_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("status", PictureStatus), name="status"),
        CheckConstraint("(status = 'failed') = (failure IS NOT NULL)", name="failure"),
    )
