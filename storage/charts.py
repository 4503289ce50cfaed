"""What the whole installation did, in numbers: totals, and series over a time.

A total is counted exactly up to `COUNTED` rows of an index (some ten milliseconds); above, the
planner's estimate is told, and said to be one. A series reads the rows of its time and nothing
else: deliveries from an index that holds all it needs (about a second for a million), others by
their ids, which sort by age.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Double,
    Text,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import least_id_at
from domain.moderation import CaseStatus
from domain.networks import Network
from storage.tables import (
    DeliveryRow,
    FeedPostRow,
    ListingRow,
    MessageRow,
    PostRow,
    ReportCaseRow,
    Table,
    UserRow,
)

COUNTED: Final = 100_000
"""Up to here a total is exact."""

TIME_LIMIT: Final = timedelta(seconds=10)
"""A series that takes longer is given up, and a shorter time has to be asked for."""


class Step(StrEnum):
    """How long one point of a series is."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """How many there are."""

    name: str
    number: int
    exact: bool
    """False: the planner's estimate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedDeliveries:
    """How many deliveries to a network that were due within a step ended in one way."""

    begins: datetime
    network: Network
    status: DeliveryStatus
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkLateness:
    """How late a network's deliveries were."""

    network: Network
    number: int
    p50: timedelta
    p95: timedelta
    p99: timedelta
    longest: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class New:
    """How many of a kind were made within a step."""

    begins: datetime
    kind: str
    """`users`, `feed_posts`, `messages`, `listings`, or `posts` with their present status."""
    status: PostStatus | None
    number: int


async def totals(session: AsyncSession) -> list[Total]:
    """How many there are of everything; one short look at an index for each."""
    return [
        await _total(session, "users", UserRow),
        await _total(session, "suspended_users", UserRow, UserRow.suspended_at.is_not(None)),
        await _total(session, "posts", PostRow),
        await _total(
            session,
            "waiting_posts",
            PostRow,
            PostRow.status.in_(
                # Written out, as the index has it: a plan for any status could not use that.
                [literal_column("'scheduled'"), literal_column("'publishing'")]
            ),
            by=PostRow.publish_at,
        ),
        await _total(session, "feed_posts", FeedPostRow),
        await _total(session, "messages", MessageRow),
        await _total(session, "listings", ListingRow),
        await _total(session, "open_cases", ReportCaseRow, ReportCaseRow.status == CaseStatus.OPEN),
    ]


async def ended_deliveries(
    session: AsyncSession, since: datetime, until: datetime, step: Step
) -> list[EndedDeliveries]:
    """Deliveries that were due from `since` to before `until`, UTC, by when they were."""
    await _limit_time(session)
    begins = _step(step, DeliveryRow.publish_at).label("begins")
    query = (
        select(begins, DeliveryRow.network, DeliveryRow.status, func.count().label("number"))
        .where(*_settled(since, until))
        .group_by(begins, DeliveryRow.network, DeliveryRow.status)
        .order_by(begins, DeliveryRow.network, DeliveryRow.status)
    )
    return [
        EndedDeliveries(
            begins=row.begins, network=row.network, status=row.status, number=row.number
        )
        for row in await session.execute(query)
    ]


async def lateness(
    session: AsyncSession, since: datetime, until: datetime
) -> list[NetworkLateness]:
    """How late what was due from `since` to before `until`, UTC, left; each network by itself."""
    await _limit_time(session)
    late = cast(func.extract("epoch", DeliveryRow.sent_at - DeliveryRow.publish_at), Double)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    percentiles = [
        func.percentile_cont(share).within_group(late).label(name) for name, share in shares.items()
    ]
    query = (
        select(
            DeliveryRow.network,
            func.count().label("number"),
            *percentiles,
            func.max(late).label("longest"),
        )
        .where(
            *_settled(since, until),
            DeliveryRow.status == literal_column(f"'{DeliveryStatus.PUBLISHED}'"),
            DeliveryRow.sent_at >= DeliveryRow.publish_at,
        )
        .group_by(DeliveryRow.network)
        .order_by(DeliveryRow.network)
    )
    found = (await session.execute(query)).mappings().all()
    return [
        NetworkLateness(
            network=row["network"],
            number=row["number"],
            longest=timedelta(seconds=row["longest"]),
            **{name: timedelta(seconds=row[name]) for name in shares},
        )
        for row in found
    ]


async def made(session: AsyncSession, since: datetime, until: datetime, step: Step) -> list[New]:
    """What was made from `since` to before `until`, UTC."""
    await _limit_time(session)
    none = literal(None, Text)
    sources: Sequence[tuple[str, Any, Any, Any]] = (
        ("users", UserRow.id, UserRow.created_at, none),
        ("posts", PostRow.id, PostRow.created_at, cast(PostRow.status, Text)),
        ("feed_posts", FeedPostRow.id, FeedPostRow.published_at, none),
        ("messages", MessageRow.id, MessageRow.sent_at, none),
        ("listings", ListingRow.id, ListingRow.created_at, none),
    )
    parts = [
        select(
            literal(kind).label("kind"), _step(step, at).label("begins"), status.label("status")
        ).where(key >= least_id_at(since), key < least_id_at(until))
        for kind, key, at, status in sources
    ]
    each = union_all(*parts).subquery("each")
    query = (
        select(each.c.begins, each.c.kind, each.c.status, func.count().label("number"))
        .group_by(each.c.begins, each.c.kind, each.c.status)
        .order_by(each.c.begins, each.c.kind, each.c.status)
    )
    return [
        New(
            begins=row.begins,
            kind=row.kind,
            status=None if row.status is None else PostStatus(row.status),
            number=row.number,
        )
        for row in await session.execute(query)
    ]


async def _total(
    session: AsyncSession,
    name: str,
    table: Any,
    condition: ColumnElement[bool] | None = None,
    *,
    by: InstrumentedAttribute[Any] | None = None,
) -> Total:
    """`by` is what the index that it is counted in is ordered by; the id, unless said."""
    some = select(literal(1)).select_from(table).order_by(table.id if by is None else by)
    if condition is not None:
        some = some.where(condition)
    counted = select(func.count()).select_from(some.limit(COUNTED + 1).subquery("some"))
    number = (await session.scalars(counted)).one()
    if number <= COUNTED:
        return Total(name=name, number=number, exact=True)
    return Total(
        name=name, number=max(await _estimate(session, table, condition), number), exact=False
    )


async def _estimate(
    session: AsyncSession, table: type[Table], condition: ColumnElement[bool] | None
) -> int:
    """What PostgreSQL believes since it last looked; of a part of a table only that it is large."""
    if condition is not None:
        return 0
    name = table.__tablename__
    known = text("SELECT reltuples::bigint FROM pg_class WHERE oid = cast(:name AS regclass)")
    return int((await session.execute(known, {"name": name})).scalar_one())


def _settled(since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    """As the index has it."""
    ended = (DeliveryStatus.PUBLISHED, DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED)
    return [
        DeliveryRow.publish_at >= since,
        DeliveryRow.publish_at < until,
        DeliveryRow.status.in_([literal_column(f"'{status}'") for status in ended]),
    ]


def _step(step: Step, moment: Any) -> ColumnElement[datetime]:
    return func.date_trunc(literal_column(f"'{step}'"), moment, literal_column("'UTC'"))


async def _limit_time(session: AsyncSession) -> None:
    milliseconds = int(TIME_LIMIT / timedelta(milliseconds=1))
    await session.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
