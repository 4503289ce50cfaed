"""Moderators take what was reported, and decide."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.admin.guard import actor_of
from api.admin.user_service import suspend
from api.auth.service import SignedIn
from api.chat.telling import Telling
from api.pagination import PageRequest
from api.problems import Conflict, FieldProblem, InvalidRequest, NotFound
from domain.moderation import Act, CaseStatus, Decision
from domain.notifications import NotificationKind, SubjectType
from domain.roles import UserRole
from storage.database import Database
from storage.moderation import audit, cases, subjects
from storage.moderation.cases import Case, CaseFilter, Report
from storage.moderation.subjects import REMOVABLE, Removed
from storage.notifications.deciding import notify

_TOLD: Final = {
    Decision.REMOVE: NotificationKind.CONTENT_REMOVED,
    Decision.WARN: NotificationKind.WARNING,
}
"""What whose it is hears; who is suspended hears by mail."""


class AdminCases:
    """Each method is one transaction, with its entries in the audit log."""

    def __init__(self, database: Database, telling: Telling) -> None:
        """`telling` tells sockets of messages that are gone."""
        self._database = database
        self._telling = telling

    async def list_page(self, chosen: CaseFilter, wanted: PageRequest) -> Sequence[Case]:
        """Cases, the latest first."""
        async with self._database.transaction() as session:
            return await cases.list_page(session, chosen, before=wanted.before, limit=wanted.fetch)

    async def show(self, case_id: UUID) -> Case:
        """One case. Raises NotFound."""
        async with self._database.transaction() as session:
            found = await cases.find(session, case_id)
        if found is None:
            raise _no_such_case(case_id)
        return found

    async def list_reports(self, case_id: UUID, wanted: PageRequest) -> Sequence[Report]:
        """What people say of it, the latest first; nothing of a case that does not exist."""
        async with self._database.transaction() as session:
            return await cases.list_reports(
                session, case_id, before=wanted.before, limit=wanted.fetch
            )

    async def take(self, by: SignedIn, case_id: UUID) -> Case:
        """Look at it, and keep others from it. Raises NotFound, Conflict."""
        return await self._hand(by, case_id, Act.TAKE_CASE, by.user_id)

    async def give_back(self, by: SignedIn, case_id: UUID) -> Case:
        """Let others have it. Raises NotFound, Conflict."""
        return await self._hand(by, case_id, Act.GIVE_CASE_BACK, None)

    async def resolve(self, by: SignedIn, case_id: UUID, decision: Decision, reason: str) -> Case:
        """Decide, and have it done at once.

        Raises NotFound, Conflict, MissingRole for suspending staff, InvalidRequest.
        """
        async with self._database.transaction() as session:
            before = await _hold(session, by, case_id)
            removed = None
            if decision is Decision.REMOVE:
                removed = await _remove(session, by, before, reason)
            if decision is Decision.SUSPEND:
                await suspend(session, actor_of(by), by.role, before.owner_id, reason)
            after = await cases.resolve(session, case_id, by.user_id, decision, reason=reason)
            await _tell_owner(session, after, decision)
            await _record(session, by, Act.RESOLVE_CASE, before, after, reason)
        if removed is not None and removed.event is not None:
            await self._telling.event(removed.event)
        return after

    async def _hand(self, by: SignedIn, case_id: UUID, act: Act, moderator_id: UUID | None) -> Case:
        async with self._database.transaction() as session:
            before = await _hold(session, by, case_id)
            after = await cases.take(session, case_id, moderator_id)
            await _record(session, by, act, before, after, None)
        return after


async def _hold(session: AsyncSession, by: SignedIn, case_id: UUID) -> Case:
    """A case that this person may decide, locked. Raises NotFound, Conflict."""
    case = await cases.find(session, case_id, lock=True)
    if case is None:
        raise _no_such_case(case_id)
    if case.owner_id == by.user_id:
        raise Conflict(
            "This is about something of yours. Leave it to others.",
            slug="your-own",
            title="Your own",
        )
    if case.status is CaseStatus.RESOLVED:
        raise Conflict(
            "This case is resolved. Further reports open another one.",
            slug="case-resolved",
            title="Resolved already",
        )
    if case.taken_by not in {None, by.user_id} and by.role is not UserRole.ADMIN:
        raise Conflict(
            "Another moderator looks at this case. Take one that is open.",
            slug="case-taken",
            title="Taken by another",
        )
    return case


async def _remove(session: AsyncSession, by: SignedIn, case: Case, reason: str) -> Removed | None:
    if case.subject_type not in REMOVABLE:
        raise InvalidRequest(
            FieldProblem(
                field="decision",
                rule="not_removable",
                message="A user cannot be removed.",
                fix="Warn or suspend them.",
            )
        )
    removed = await subjects.remove(session, case.subject_type, case.subject_id, reason=reason)
    await audit.record(
        session,
        actor_of(by),
        Act.REMOVE_CONTENT,
        subject_type=case.subject_type,
        subject_id=case.subject_id,
        reason=reason,
        before={"removed": removed is None},
        after={"removed": True},
    )
    return removed


async def _tell_owner(session: AsyncSession, case: Case, decision: Decision) -> None:
    kind = _TOLD.get(decision)
    if kind is None:
        return
    await notify(
        session,
        kind,
        user_ids=[case.owner_id],
        actor_id=None,
        subject_type=SubjectType(case.subject_type),
        subject_id=case.subject_id,
        cause_id=case.id,
    )


async def _record(
    session: AsyncSession, by: SignedIn, act: Act, before: Case, after: Case, reason: str | None
) -> None:
    states = [
        {
            "status": case.status,
            "taken_by": None if case.taken_by is None else str(case.taken_by),
            "decision": case.decision,
        }
        for case in (before, after)
    ]
    await audit.record(
        session,
        actor_of(by),
        act,
        subject_type="case",
        subject_id=before.id,
        reason=reason,
        before=states[0],
        after=states[1],
    )


def _no_such_case(case_id: UUID) -> NotFound:
    return NotFound("case", case_id, place="here")
