"""Reports and what became of them, the audit log, what waits for somebody who is suspended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.moderation import CaseStatus, Decision, Reportable, ReportReason
from storage.tables.base import Table, one_of


class ReportCaseRow(Table):
    """Everything that was reported of one thing, until a moderator resolves it."""

    __tablename__ = "report_cases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_type: Mapped[str]
    subject_id: Mapped[UUID]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Whose it is."""
    status: Mapped[str] = mapped_column(server_default=CaseStatus.OPEN)
    report_count: Mapped[int] = mapped_column(server_default="0")
    """Different people."""
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    resolved_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    resolved_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    reason: Mapped[str | None]
    """Why it was decided so; whose it is reads it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("subject_type", Reportable), name="subject_type"),
        CheckConstraint(one_of("status", CaseStatus), name="status"),
        CheckConstraint(one_of("decision", Decision), name="decision"),
        CheckConstraint(
            "(status = 'resolved') = (decision IS NOT NULL AND reason IS NOT NULL)", name="resolved"
        ),
        Index(  # one at a time of one thing: further reports join it
            "uq_report_cases_unresolved",
            "subject_type",
            "subject_id",
            unique=True,
            postgresql_where=sql("status <> 'resolved'"),
        ),
        Index(None, "status", "id"),  # the queue
        Index(None, "status", "subject_type", "id"),  # the queue of one kind
        Index(None, "owner_id", "id"),  # what was decided about one person's things
        Index(  # what a moderator is at
            "ix_report_cases_taken_by", "taken_by", "id", postgresql_where=sql("status = 'taken'")
        ),
    )


class ReportRow(Table):
    """What one person reports of one thing; said again it replaces what they said before."""

    __tablename__ = "reports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("report_cases.id"))
    reporter_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str]
    text: Mapped[str]
    seen: Mapped[dict[str, Any]]
    """What the thing said at that moment: its owner may change or delete it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(one_of("reason", ReportReason), name="reason"),
        UniqueConstraint("case_id", "reporter_id"),
        Index(None, "case_id", "id"),  # a case's reports
        Index(None, "reporter_id", "id"),  # somebody's own reports
    )


class AuditRow(Table):
    """One act of a moderator or admin. A trigger refuses to change or delete it."""

    __tablename__ = "audit_log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Null for who has a shell on the server."""
    actor: Mapped[str]
    """What they were called then."""
    act: Mapped[str]
    """An Act; later versions may know more."""
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]

    __table_args__ = (
        Index(None, "actor_id", "id"),  # what somebody did
        Index(None, "act", "id"),  # all acts of a kind
        Index(None, "subject_type", "subject_id", "id"),  # what was done to something
    )


class SuspendedDeliveryRow(Table):
    """A delivery that is held because somebody is suspended; gone when they are restored."""

    __tablename__ = "suspended_deliveries"

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Who is suspended: the author, whom the account speaks for, or an owner of the workspace."""
    workspace_id: Mapped[UUID]

    __table_args__ = (
        Index(None, "user_id"),  # what goes on when the person is restored
        Index(None, "workspace_id"),  # the same, of a workspace that they own
    )
