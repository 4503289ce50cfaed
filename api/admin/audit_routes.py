"""`/v1/admin/audit`."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.admin.guard import Admin
from api.pagination import Page, WantedPage, page_of
from api.problems import FieldProblem, InvalidRequest
from api.resources import WithResources
from domain.moderation import Act
from storage.moderation import audit
from storage.moderation.audit import AuditEntry, AuditFilter

router = APIRouter(prefix="/v1/admin/audit", tags=["admin"])

_Word = Query(max_length=64, pattern=r"^[^\x00]*$", description="What it was done to.")


class AuditEntryShown(BaseModel):
    """One act that was done."""

    id: UUID
    at: datetime
    actor_id: Annotated[UUID | None, Field(description="Null for who has a shell on the server.")]
    actor: Annotated[str, Field(description="What they were called then.")]
    act: str
    subject_type: str
    subject_id: str
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """As it is shown."""
        return cls(
            id=entry.id,
            at=entry.at,
            actor_id=entry.actor.user_id,
            actor=entry.actor.name,
            act=entry.act,
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            reason=entry.reason,
            before=None if entry.before is None else dict(entry.before),
            after=None if entry.after is None else dict(entry.after),
        )


@router.get("", summary="List acts of moderators and admins")
async def list_audit(
    resources: WithResources,
    _: Admin,
    wanted: WantedPage,
    actor_id: Annotated[UUID | None, Query(description="Only theirs.")] = None,
    act: Annotated[Act | None, Query(description="Only those.")] = None,
    subject_type: Annotated[str | None, _Word] = None,
    subject_id: Annotated[str | None, _Word] = None,
) -> Page[AuditEntryShown]:
    """The latest first. Nothing changes or deletes what is in it. For admins."""
    if subject_id is not None and subject_type is None:
        raise InvalidRequest(
            FieldProblem(
                field="subject_type",
                rule="missing",
                message="Numbers and ids mean nothing without what they are of.",
                fix="Send subject_type, too.",
            )
        )
    chosen = AuditFilter(
        actor_id=actor_id, act=act, subject_type=subject_type, subject_id=subject_id
    )
    async with resources.database.transaction() as session:
        found = await audit.list_page(session, chosen, before=wanted.before, limit=wanted.fetch)
    return page_of(found, wanted, show=AuditEntryShown.of, id_of=lambda entry: entry.id)
