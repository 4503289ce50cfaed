"""What accounts sent lately, as their networks count it. The attempts are the only ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    String,
    TableValuedAlias,
    Uuid,
    and_,
    case,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.quotas import Counted, Quota
from storage.outcomes import AttemptOutcome
from storage.tables import AttemptRow
from storage.unnested import unnested

REFUSED_FOR_A_LIMIT = "rate_limited"
"""The type of such a refusal's reason."""

NEVER_LEFT = "never_left"
"""The type of the reason when a worker claimed ahead and stopped before it could send."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """The past of one account, as far as one of its quotas looks back."""

    account_id: UUID
    quota: Quota
    since: datetime
    """UTC, excluded. Everything later counts, what is claimed ahead too."""


async def amounts(session: AsyncSession, stretches: Sequence[Stretch]) -> list[int]:
    """How much each stretch holds, in one statement."""
    asked = _asked(stretches)
    held = (
        select(func.coalesce(func.sum(cost(asked.c.counts)), 0))
        .where(AttemptRow.account_id == asked.c.account_id, AttemptRow.started_at > asked.c.since)
        .scalar_subquery()
    )
    query = select(asked.c.number, held)
    found = {number: int(amount) for number, amount in await session.execute(query)}
    return [found[number] for number in range(len(stretches))]


async def times(
    session: AsyncSession, stretches: Sequence[Stretch]
) -> Mapping[UUID, list[datetime]]:
    """When each account's sends left, sorted, each as often as it costs, in one statement."""
    asked = _asked(stretches)
    price = cost(asked.c.counts)
    query = (
        select(AttemptRow.account_id, AttemptRow.started_at, price)
        .join(asked, AttemptRow.account_id == asked.c.account_id)
        .where(AttemptRow.started_at > asked.c.since, price > 0)
        .order_by(AttemptRow.started_at)
    )
    found: dict[UUID, list[datetime]] = {stretch.account_id: [] for stretch in stretches}
    for account_id, started_at, paid in await session.execute(query):
        found[account_id] += [started_at] * paid
    return found


def cost(counts: ColumnElement[str]) -> ColumnElement[int]:
    """`Counted.cost` of an attempt, in SQL; nothing for what its network does not count."""
    not_sent = AttemptRow.outcome.is_not_distinct_from(AttemptOutcome.NOT_SENT.value)
    told = AttemptRow.error["type"].as_string()
    photos = func.coalesce(AttemptRow.evidence["attachments"].as_integer(), 0)
    return case(
        (and_(counts == Counted.POSTS.value, AttemptRow.part > 0), 0),
        (and_(counts.in_([Counted.POSTS.value, Counted.PARTS.value]), not_sent), 0),
        (and_(counts == Counted.SENDS.value, not_sent, told == REFUSED_FOR_A_LIMIT), 0),
        (and_(not_sent, told == NEVER_LEFT), 0),
        (and_(counts == Counted.CALLS.value, AttemptRow.part == 0), 2 + photos),
        else_=1,
    )


def _asked(stretches: Sequence[Stretch]) -> TableValuedAlias:
    return unnested(
        "asked",
        number=(Integer(), list(range(len(stretches)))),
        account_id=(Uuid(), [one.account_id for one in stretches]),
        counts=(String(), [one.quota.counts.value for one in stretches]),
        since=(DateTime(timezone=True), [one.since for one in stretches]),
    )
