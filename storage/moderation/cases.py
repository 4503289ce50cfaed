"""Cases: everything that was reported of one thing, from the first report to the decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from domain.moderation import CaseStatus, Decision, Reportable, ReportReason
from storage.moderation.subjects import Subject
from storage.tables import ReportCaseRow, ReportRow, UserRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What was reported of one thing, and what became of it."""

    id: UUID
    subject_type: Reportable
    subject_id: UUID
    owner_id: UUID
    owner_handle: str
    status: CaseStatus
    report_count: int
    """Different people."""
    taken_by: UUID | None
    resolved_by: UUID | None
    resolved_at: datetime | None
    decision: Decision | None
    reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one person says of it."""

    id: UUID
    case_id: UUID
    reporter_id: UUID
    reason: ReportReason
    text: str
    seen: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFilter:
    """Which cases; what is None is not asked for."""

    status: CaseStatus | None = None
    subject_type: Reportable | None = None
    owner_id: UUID | None = None
    taken_by: UUID | None = None
    against_owner: bool = False
    """Only those that were decided against whose it is."""


async def report(
    session: AsyncSession,
    reporter_id: UUID,
    kind: Reportable,
    subject_id: UUID,
    subject: Subject,
    *,
    reason: ReportReason,
    text: str,
) -> tuple[Report, Case]:
    """Add to the thing's case, which is made if there is none that is not resolved.

    The same person's report of the same case is replaced.
    """
    case_id = await _join_case(session, kind, subject_id, subject.owner_id)
    statement = insert(ReportRow).values(
        id=new_id(),
        case_id=case_id,
        reporter_id=reporter_id,
        reason=reason,
        text=text,
        seen=dict(subject.seen),
    )
    said = {key: statement.excluded[key] for key in ("reason", "text", "seen")}
    row = (
        await session.scalars(
            statement.on_conflict_do_update(
                index_elements=["case_id", "reporter_id"], set_={**said, "updated_at": func.now()}
            ).returning(ReportRow),
            execution_options={"populate_existing": True},
        )
    ).one()
    people = select(func.count()).where(ReportRow.case_id == case_id).scalar_subquery()
    await session.execute(
        update(ReportCaseRow)
        .where(ReportCaseRow.id == case_id)
        .values(report_count=people, updated_at=func.now())
    )
    case = await find(session, case_id)
    if case is None:
        raise LookupError("a case vanished while it was locked")
    return _report(row), case


async def list_page(
    session: AsyncSession, chosen: CaseFilter, *, before: UUID | None, limit: int
) -> list[Case]:
    """Cases, the latest first."""
    query = (
        select(ReportCaseRow, UserRow.handle)
        .join(UserRow, UserRow.id == ReportCaseRow.owner_id)
        .order_by(ReportCaseRow.id.desc())
        .limit(limit)
    )
    for column, wanted in (
        (ReportCaseRow.status, chosen.status),
        (ReportCaseRow.subject_type, chosen.subject_type),
        (ReportCaseRow.owner_id, chosen.owner_id),
        (ReportCaseRow.taken_by, chosen.taken_by),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if chosen.against_owner:
        query = query.where(ReportCaseRow.decision != Decision.NOTHING)
    if before is not None:
        query = query.where(ReportCaseRow.id < before)
    return [_case(row, handle) for row, handle in (await session.execute(query)).all()]


async def find(session: AsyncSession, case_id: UUID, *, lock: bool = False) -> Case | None:
    """One case; locked, nobody else reports, takes or resolves it meanwhile."""
    query = (
        select(ReportCaseRow, UserRow.handle)
        .join(UserRow, UserRow.id == ReportCaseRow.owner_id)
        .where(ReportCaseRow.id == case_id)
        .execution_options(populate_existing=True)
    )
    if lock:
        query = query.with_for_update(of=ReportCaseRow)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _case(*found)


async def list_reports(
    session: AsyncSession, case_id: UUID, *, before: UUID | None, limit: int
) -> list[Report]:
    """What people say of it, the latest first."""
    query = (
        select(ReportRow)
        .where(ReportRow.case_id == case_id)
        .order_by(ReportRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ReportRow.id < before)
    return [_report(row) for row in (await session.scalars(query)).all()]


async def list_of_reporter(
    session: AsyncSession, reporter_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[tuple[Report, Case]]:
    """What somebody reported, the latest first, with what became of it."""
    query = (
        select(ReportRow, ReportCaseRow, UserRow.handle)
        .join(ReportCaseRow, ReportCaseRow.id == ReportRow.case_id)
        .join(UserRow, UserRow.id == ReportCaseRow.owner_id)
        .where(ReportRow.reporter_id == reporter_id)
        .order_by(ReportRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ReportRow.id < before)
    rows = (await session.execute(query)).all()
    return [(_report(report_row), _case(case, handle)) for report_row, case, handle in rows]


async def take(session: AsyncSession, case_id: UUID, moderator_id: UUID | None) -> Case:
    """Have a locked, unresolved case be looked at by somebody; by nobody for None."""
    status = CaseStatus.OPEN if moderator_id is None else CaseStatus.TAKEN
    return await _change(session, case_id, status=status, taken_by=moderator_id)


async def resolve(
    session: AsyncSession, case_id: UUID, moderator_id: UUID, decision: Decision, *, reason: str
) -> Case:
    """Keep what was decided of a locked, unresolved case."""
    return await _change(
        session,
        case_id,
        status=CaseStatus.RESOLVED,
        resolved_by=moderator_id,
        resolved_at=func.now(),
        decision=decision,
        reason=reason,
    )


async def _join_case(
    session: AsyncSession, kind: Reportable, subject_id: UUID, owner_id: UUID
) -> UUID:
    """The thing's unresolved case, locked until the transaction ends."""
    statement = insert(ReportCaseRow).values(
        id=new_id(), subject_type=kind, subject_id=subject_id, owner_id=owner_id
    )
    joined = await session.scalars(
        statement.on_conflict_do_update(
            index_elements=["subject_type", "subject_id"],
            # As the index says it: a parameter fits no index once the plan is made for any value.
            index_where=ReportCaseRow.status != literal_column("'resolved'"),
            set_={"updated_at": func.now()},
        ).returning(ReportCaseRow.id)
    )
    return joined.one()


async def _change(session: AsyncSession, case_id: UUID, **changes: Any) -> Case:
    await session.execute(
        update(ReportCaseRow)
        .where(ReportCaseRow.id == case_id)
        .values(**changes, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    changed = await find(session, case_id)
    if changed is None:
        raise LookupError("a case vanished while it was locked")
    return changed


def _case(row: ReportCaseRow, handle: str) -> Case:
    return Case(
        id=row.id,
        subject_type=Reportable(row.subject_type),
        subject_id=row.subject_id,
        owner_id=row.owner_id,
        owner_handle=handle,
        status=CaseStatus(row.status),
        report_count=row.report_count,
        taken_by=row.taken_by,
        resolved_by=row.resolved_by,
        resolved_at=row.resolved_at,
        decision=None if row.decision is None else Decision(row.decision),
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _report(row: ReportRow) -> Report:
    return Report(
        id=row.id,
        case_id=row.case_id,
        reporter_id=row.reporter_id,
        reason=ReportReason(row.reason),
        text=row.text,
        seen=row.seen,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
