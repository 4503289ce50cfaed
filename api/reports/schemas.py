"""How reports are made and shown."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.texts import require_plain
from domain.moderation import CaseStatus, Decision, Reportable, ReportReason
from storage.moderation.cases import Case, Report

TEXT_LIMIT = 2_000

ReportText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=TEXT_LIMIT),
    AfterValidator(require_plain),
]


class ReportWanted(BaseModel):
    """What is wrong with what."""

    model_config = ConfigDict(extra="forbid")

    subject_type: Reportable
    subject_id: UUID
    reason: ReportReason
    text: Annotated[ReportText, Field(description="What a moderator should know.")] = ""


class ReportShown(BaseModel):
    """What somebody reported, and what became of it."""

    id: UUID
    subject_type: Reportable
    subject_id: UUID
    reason: ReportReason
    text: str
    created_at: datetime
    updated_at: Annotated[datetime, Field(description="When it was said last.")]
    status: Annotated[CaseStatus, Field(description="How far moderators are.")]
    decision: Annotated[Decision | None, Field(description="Null until it is resolved.")]

    @classmethod
    def of(cls, found: tuple[Report, Case]) -> Self:
        """As its reporter sees it."""
        report, case = found
        return cls(
            id=report.id,
            subject_type=case.subject_type,
            subject_id=case.subject_id,
            reason=report.reason,
            text=report.text,
            created_at=report.created_at,
            updated_at=report.updated_at,
            status=case.status,
            decision=case.decision,
        )


class DecisionShown(BaseModel):
    """What moderators decided about something of the reader's own."""

    id: UUID
    subject_type: Reportable
    subject_id: UUID
    decision: Decision
    reason: str
    decided_at: datetime

    @classmethod
    def of(cls, case: Case) -> Self:
        """As whose it is sees it: without who reported and who decided."""
        if case.decision is None or case.reason is None or case.resolved_at is None:
            raise ValueError("nothing was decided yet")
        return cls(
            id=case.id,
            subject_type=case.subject_type,
            subject_id=case.subject_id,
            decision=case.decision,
            reason=case.reason,
            decided_at=case.resolved_at,
        )
