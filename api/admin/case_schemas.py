"""Cases as moderators see and resolve them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.admin.reasons import Why
from domain.moderation import CaseStatus, Decision, Reportable, ReportReason
from storage.moderation.cases import Case, Report


class CaseShown(BaseModel):
    """Everything that was reported of one thing."""

    id: UUID
    subject_type: Reportable
    subject_id: UUID
    owner_id: Annotated[UUID, Field(description="Whose it is.")]
    owner_handle: str
    status: CaseStatus
    report_count: Annotated[int, Field(description="Different people.")]
    taken_by: UUID | None
    resolved_by: UUID | None
    resolved_at: datetime | None
    decision: Decision | None
    reason: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, case: Case) -> Self:
        """As it is shown."""
        return cls.model_validate(case, from_attributes=True)


class CaseReportShown(BaseModel):
    """What one person says of it."""

    id: UUID
    reporter_id: UUID
    reason: ReportReason
    text: str
    seen: Annotated[dict[str, Any], Field(description="What it said at that moment.")]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, report: Report) -> Self:
        """As it is shown."""
        return cls.model_validate(report, from_attributes=True)


class Resolution(BaseModel):
    """What is decided."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision
    reason: Annotated[Why, Field(description="Whose it is reads it, unless nothing is done.")]
