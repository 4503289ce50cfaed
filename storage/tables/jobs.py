"""Work that was decided in a transaction and is done after it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Table


class JobRow(Table):
    """One thing to do; the row is deleted in the transaction that holds what it changed."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    """A JobKind."""
    subject_id: Mapped[UUID]
    """What it is about: a post, a user, a picture, a delivery."""
    payload: Mapped[dict[str, Any]]
    """Ids and small facts; what can be read when the time comes is not kept here."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    run_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not before: as planned, the end of a lease, or the wait after a failure."""
    tries: Mapped[int] = mapped_column(server_default="0")
    """Begun ones, so that what kills its process is counted too."""
    last_error: Mapped[str | None]
    dead_at: Mapped[datetime | None]
    """Since when it is not tried any more; a person retries or drops it."""

    __table_args__ = (
        Index("ix_jobs_due", "run_at", "id", postgresql_where=text("dead_at IS NULL")),  # lease
        Index("ix_jobs_dead", "id", postgresql_where=text("dead_at IS NOT NULL")),  # what is stuck
    )
