"""People who sign in, follow, chat and sell; where they are signed in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.roles import UserRole
from storage.tables.base import Table, one_of


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
    avatar_media_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("media.id", ondelete="SET NULL")
    )
    suspended_at: Mapped[datetime | None]
    suspension_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("role", UserRole), name="role"),
        Index("uq_users_handle", text("lower(handle)"), unique=True),  # sign-up, mentions, profiles
        Index(
            "uq_users_email", "email", unique=True, postgresql_where=text("email IS NOT NULL")
        ),  # sign-in
        Index(
            "ix_users_avatar_media_id",
            "avatar_media_id",
            postgresql_where=text("avatar_media_id IS NOT NULL"),
        ),  # a picture that is deleted looks for who wears it
        Index(  # admins look for people by how handles begin
            "ix_users_handle_prefix", text('lower(handle COLLATE "C")')
        ),
        Index(  # or addresses
            "ix_users_email_prefix",
            text('lower(email COLLATE "C")'),
            postgresql_where=text("email IS NOT NULL"),
        ),
        Index("ix_users_suspended", "id", postgresql_where=text("suspended_at IS NOT NULL")),
        Index("ix_users_staff", "id", postgresql_where=text("role <> 'user'")),
    )


class SessionRow(Table):
    """One sign-in of one person on one device, until it ends."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    device: Mapped[str]
    """What the client called itself (User-Agent), shortened."""
    address: Mapped[str]
    """Where it was last refreshed from."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    refreshed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    """Each refresh puts it off."""
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]

    __table_args__ = (Index(None, "user_id", "id"),)  # list and end a person's sessions


class RefreshTokenRow(Table):
    """One refresh token of a session: the one that counts, or one that was used."""

    __tablename__ = "refresh_tokens"

    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    """HMAC-SHA-256 of the token: what it is found by; the token itself is not kept."""
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "session_id", "created_at"),)  # forget a session's oldest


class PasswordResetRow(Table):
    """One mailed permission to choose a new password, good once."""

    __tablename__ = "password_resets"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "user_id"),)  # a new password makes the others worthless
