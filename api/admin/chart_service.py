"""Numbers of the whole installation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.problems import FieldProblem, InvalidRequest
from storage import charts
from storage.charts import EndedDeliveries, NetworkLateness, New, Step, Total
from storage.database import Database

LONGEST: Final = {Step.HOUR: timedelta(days=7), Step.DAY: timedelta(days=366)}
"""What is charted at most."""

USUAL: Final = {Step.HOUR: timedelta(days=1), Step.DAY: timedelta(days=30)}
"""What is charted when nothing is said."""

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GIVEN_UP: Final = "57014"
"""SQLSTATE of a statement that took too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A time that is charted, UTC; `until` is not in it."""

    since: datetime
    until: datetime
    step: Step


def span_of(since: datetime | None, until: datetime | None, step: Step) -> Span:
    """What was asked for, or what is usual. Raises InvalidRequest."""
    ends = until or datetime.now(UTC)
    begins = since or max(ends, _BEGINNING + USUAL[step]) - USUAL[step]
    if begins < _BEGINNING or not timedelta() < ends - begins <= LONGEST[step]:
        raise InvalidRequest(
            FieldProblem(
                field="from",
                rule="no_such_span",
                message=f"The time from `from` to `to` is not between nothing and {LONGEST[step]}.",
                fix="Choose `from` before `to` and near enough, or chart by day.",
            )
        )
    return Span(since=begins, until=ends, step=step)


class AdminCharts:
    """Each method is one short transaction."""

    def __init__(self, database: Database) -> None:
        """Everything it reads is in that database."""
        self._database = database

    async def totals(self) -> list[Total]:
        """How many there are of everything."""
        async with self._database.transaction() as session:
            return await charts.totals(session)

    async def ended_deliveries(self, span: Span) -> list[EndedDeliveries]:
        """How deliveries that were due ended. Raises InvalidRequest."""
        async with self._reading() as session:
            return await charts.ended_deliveries(session, span.since, span.until, span.step)

    async def lateness(self, span: Span) -> list[NetworkLateness]:
        """How late they left. Raises InvalidRequest."""
        async with self._reading() as session:
            return await charts.lateness(session, span.since, span.until)

    async def made(self, span: Span) -> list[New]:
        """What was made. Raises InvalidRequest."""
        async with self._reading() as session:
            return await charts.made(session, span.since, span.until, span.step)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self._database.transaction() as session:
                yield session
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _GIVEN_UP:
                raise
            raise _too_much() from error


def _too_much() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="from",
            rule="too_much",
            message=f"It takes longer than {charts.TIME_LIMIT.total_seconds():.0f} seconds to"
            " count that much.",
            fix="Choose a shorter time.",
        )
    )
