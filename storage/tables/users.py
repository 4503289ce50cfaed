"""People who sign in, follow, chat and sell."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class UserRow(Table):
    """One person, or a page of the built-in network that nobody signs in to."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handle: Mapped[str]
    """Public name in the feed, as it was written; unique whatever its case."""
    display_name: Mapped[str]
    email: Mapped[str | None]
    """Where mail goes, lower case; null for a page of the feed that nobody signs in to."""
    password_hash: Mapped[str | None]
    """Argon2id, encoded with its parameters."""
    role: Mapped[str] = mapped_column(server_default="user")
    """user | moderator | admin: what the person may do to others' things."""
    suspended_at: Mapped[datetime | None]
    suspension_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("role IN ('user', 'moderator', 'admin')", name="role"),
        Index("uq_users_handle", text("lower(handle)"), unique=True),  # sign-up, mentions, profiles
        Index(
            "uq_users_email", "email", unique=True, postgresql_where=text("email IS NOT NULL")
        ),  # sign-in
    )
