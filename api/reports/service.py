"""Takes reports, and shows people what became of theirs."""

from collections.abc import Sequence
from uuid import UUID

from api.auth.service import SignedIn
from api.pagination import PageRequest
from api.problems import Conflict, NotFound
from api.reports.schemas import ReportWanted
from domain.moderation import CaseStatus
from storage.database import Database
from storage.moderation import cases, subjects
from storage.moderation.cases import Case, CaseFilter, Report


class ReportService:
    """Each method is one transaction, for whoever is signed in."""

    def __init__(self, database: Database) -> None:
        """`database` keeps reports."""
        self._database = database

    async def report(self, by: SignedIn, wanted: ReportWanted) -> tuple[Report, Case]:
        """Report a thing; said again it replaces what the same person said before.

        Raises NotFound for what they cannot see, Conflict for their own.
        """
        kind, subject_id = wanted.subject_type, wanted.subject_id
        async with self._database.transaction() as session:
            subject = await subjects.find(session, kind, subject_id, by.user_id)
            if subject is None:
                raise NotFound(kind.replace("_", " "), subject_id, place="that you can see")
            if subject.owner_id == by.user_id:
                raise _own()
            return await cases.report(
                session,
                by.user_id,
                kind,
                subject_id,
                subject,
                reason=wanted.reason,
                text=wanted.text,
            )

    async def list_own(self, by: SignedIn, wanted: PageRequest) -> Sequence[tuple[Report, Case]]:
        """What somebody reported, the latest first."""
        async with self._database.transaction() as session:
            return await cases.list_of_reporter(
                session, by.user_id, before=wanted.before, limit=wanted.fetch
            )

    async def list_decisions(self, user_id: UUID, wanted: PageRequest) -> Sequence[Case]:
        """What was decided against somebody, the latest report first."""
        chosen = CaseFilter(owner_id=user_id, status=CaseStatus.RESOLVED, against_owner=True)
        async with self._database.transaction() as session:
            return await cases.list_page(session, chosen, before=wanted.before, limit=wanted.fetch)


def _own() -> Conflict:
    return Conflict(
        "This is your own. Delete it, if you want it to be gone.",
        slug="your-own",
        title="Your own",
    )
