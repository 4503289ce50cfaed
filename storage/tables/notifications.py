"""What people are told, grouped while they have not read it, and what they want to be told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.notifications import NotificationKind, SubjectType
from storage.tables.base import Table, one_of


class NotificationRow(Table):
    """News of one kind about one thing for one person: "3 people liked your post"."""

    __tablename__ = "notifications"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[UUID]
    position: Mapped[UUID]
    """A version 7 id made for its latest event: more news of it moves it to the top."""
    event_count: Mapped[int]
    """Likes, comments, messages, deliveries that it stands for."""
    actor_count: Mapped[int]
    """Different people among them; 0 when nobody did it."""
    latest_actors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """The last few of them, latest first."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("kind", NotificationKind), name="kind"),
        CheckConstraint(one_of("subject_type", SubjectType), name="subject_type"),
        Index(  # what is news of the same joins it; how much is unread
            "uq_notifications_unread",
            "user_id",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where=text("read_at IS NULL"),
        ),
        Index(None, "user_id", "position"),  # a person's list, newest first
        Index(  # those that were read long ago
            "ix_notifications_read", "read_at", postgresql_where=text("read_at IS NOT NULL")
        ),
    )


class NotificationActorRow(Table):
    """Somebody counted in a notification, so that nobody is counted twice."""

    __tablename__ = "notification_actors"

    notification_id: Mapped[UUID] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"), primary_key=True
    )
    actor_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )


class NotificationCauseRow(Table):
    """What somebody was told of once, and is never told of again: a like taken back and given."""

    __tablename__ = "notification_causes"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    cause_id: Mapped[UUID] = mapped_column(primary_key=True)
    """The comment, the message, the delivery; for a like, a repost or a follow, who did it."""
    told_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "told_at"),)  # those of long ago


class NotificationPreferenceRow(Table):
    """A kind about which somebody decided; about the others they are told."""

    __tablename__ = "notification_preferences"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    in_app: Mapped[bool]

    __table_args__ = (CheckConstraint(one_of("kind", NotificationKind), name="kind"),)
