"""The payload of jobs that run as Temporal activities of their own, without a workflow."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class JobBatch:
    """One job, or jobs of one kind that are done in one go; what they say stays in the database."""

    job_ids: tuple[int, ...]
    leased_until: datetime
    """UTC; also what proves that nobody leased them anew."""


class JobWork(ABC):
    """What a worker of the jobs' queue does."""

    @activity.defn
    @abstractmethod
    async def run_jobs(self, batch: JobBatch) -> None:
        """Do those of the jobs that are still to be done. Freely repeatable."""
