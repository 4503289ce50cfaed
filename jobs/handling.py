"""What a handler of jobs is, and the one way to have its effects exactly once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, runtime_checkable

from sqlalchemy.ext.asyncio import AsyncSession

from storage import jobs
from storage.database import Database
from storage.jobs import Job, JobKind

__all__ = [
    "GroupHandler",
    "Handlers",
    "Hopeless",
    "Job",
    "JobHandler",
    "JobKind",
    "JobTaken",
    "finishing",
    "finishing_all",
]


class JobHandler(Protocol):
    """Does the jobs of one kind, one at a time."""

    async def handle(self, job: Job) -> None:
        """Do it. Whatever is raised has it tried again, later and not for ever.

        May be called more than once for one job, even at the same time: changes in the database
        belong into `finishing`, and whatever happens outside has to be harmless twice. A job that
        is still there afterwards is taken away.
        """


@runtime_checkable
class GroupHandler(Protocol):
    """Does many jobs of one kind together, because that is cheaper."""

    async def handle_all(self, group: Sequence[Job]) -> None:
        """As `JobHandler.handle`, with `finishing_all`. Should it fail, each is tried alone."""


Handlers = Mapping[JobKind, JobHandler | GroupHandler]
"""Who does what in this process."""


class JobTaken(Exception):
    """Another finished the job first: nothing is left to do."""


class Hopeless(Exception):
    """A handler says that no further try can succeed: the job is given up at once."""


@asynccontextmanager
async def finishing(database: Database, job: Job) -> AsyncIterator[AsyncSession]:
    """The transaction that holds the job's effects: it also takes the job away.

    Raises JobTaken, which a handler lets pass; DatabaseUnavailable.
    """
    async with database.transaction() as session:
        if not await jobs.finish(session, [job.id]):
            raise JobTaken(f"job {job.id} was finished by another")
        yield session


@asynccontextmanager
async def finishing_all(
    database: Database, group: Sequence[Job]
) -> AsyncIterator[tuple[AsyncSession, list[Job]]]:
    """The same for many: the transaction, and those of them that nobody finished before, if any.

    Raises DatabaseUnavailable.
    """
    async with database.transaction() as session:
        left = await jobs.finish(session, [job.id for job in group])
        yield session, [job for job in group if job.id in left]
