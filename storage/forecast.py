"""When deliveries will leave, given their accounts' quotas and everything else that is planned."""

from bisect import insort
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.networks import Network
from domain.quotas import COUNTED, Quota, binding, next_free, used
from storage.accounts import Account
from storage.outlook import Outlook, Span, look_ahead
from storage.quotas import Quotas


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A delivery that somebody wants to plan."""

    account_id: UUID
    network: Network
    at: datetime
    """Its publish time, UTC."""
    costs: tuple[int, ...]
    """Of its parts, as `domain.quotas.costs_of` has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """A delivery that cannot leave on time."""

    planned: Planned
    leaves_at: datetime
    """UTC: the last of it."""
    quota: Quota | None
    """The one that it would break; None when the network wants the account to wait."""
    number: int
    """Which one it would be in that quota's window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What is left of one quota at a moment."""

    quota: Quota
    used: int
    scheduled: int
    remaining: int
    next_free_at: datetime
    """UTC: from when on one more post may leave, as far as this quota is concerned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """What an account may send at a moment."""

    rooms: Sequence[Room]
    next_free_at: datetime
    """UTC: when all quotas have room, and the network no longer wants the account to wait."""
    limited_until: datetime | None
    """UTC: until when the network wants the account to wait."""
    reason: Mapping[str, Any] | None
    """Why: {type, message, evidence}."""


async def late(
    session: AsyncSession,
    wanted: Sequence[Planned],
    quotas: Quotas,
    *,
    now: datetime,
    without: UUID | None = None,
) -> list[Late]:
    """Those that cannot leave on time, in one statement; none where no account has a quota.

    What is planned for the same moment already goes first. `without` is the post that is moved.
    """
    by_account: dict[UUID, list[Planned]] = {}
    for one in wanted:
        if one.network in quotas:
            by_account.setdefault(one.account_id, []).append(one)
    if not by_account:
        return []
    spans = [
        Span(
            account_id=account_id,
            network=plans[0].network,
            quotas=quotas[plans[0].network],
            since=min(one.at for one in plans),
            until=max(one.at for one in plans),
        )
        for account_id, plans in by_account.items()
    ]
    outlooks = await look_ahead(session, spans, now=now, without=without)
    found: list[Late] = []
    for span in spans:
        line = _Line(outlooks[span.account_id])
        for planned in sorted(by_account[span.account_id], key=lambda one: one.at):
            line.let_go(planned.at)
            if late_one := _late(line, planned):
                found.append(late_one)
    return found


async def capacity(
    session: AsyncSession, account: Account, quotas: Quotas, *, at: datetime, now: datetime
) -> Capacity:
    """What the account may send at `at`, after all that is planned until then."""
    own = quotas.get(account.network, ())
    span = Span(account_id=account.id, network=account.network, quotas=own, since=at, until=at)
    outlook = (await look_ahead(session, [span], now=now))[account.id]
    line = _Line(outlook)
    line.let_go(at)
    post = COUNTED[account.network].cost(0, 0)
    rooms = []
    for quota in outlook.quotas:
        gone, all_ = used(outlook.sent, quota, at), used(line.taken, quota, at)
        rooms.append(
            Room(
                quota=quota,
                used=gone,
                scheduled=all_ - gone,
                remaining=max(quota.limit - all_, 0),
                next_free_at=next_free(line.taken, [quota], at, cost=post),
            )
        )
    return Capacity(
        rooms=rooms,
        next_free_at=line.join(at, post),
        limited_until=outlook.limited_until,
        reason=outlook.reason,
    )


def _late(line: "_Line", planned: Planned) -> Late | None:
    """Let it leave as early as it may, part by part; None when that is on time."""
    found: Late | None = None
    for cost in planned.costs:
        taken = list(line.taken)
        leaves_at = line.join(planned.at, cost)
        if found is not None:
            found = replace(found, leaves_at=max(found.leaves_at, leaves_at))
        elif leaves_at > planned.at:
            quota = binding(taken, line.quotas, planned.at, cost=cost)
            number = used(taken, quota, planned.at) + 1 if quota else 0
            found = Late(planned=planned, leaves_at=leaves_at, quota=quota, number=number)
    return found


class _Line:
    """One account's sends one after the other, each as soon as there is room."""

    def __init__(self, outlook: Outlook) -> None:
        self.taken = list(outlook.sent)
        self.quotas = outlook.quotas
        self._waiting = deque(outlook.waiting)
        self._limited_until = outlook.limited_until
        self._last: dict[int, datetime] = {}

    def let_go(self, until: datetime) -> None:
        """Send everything that is planned until then."""
        while self._waiting and self._waiting[0].at <= until:
            first = self._waiting.popleft()
            for cost in first.costs:
                self.join(first.at, cost)

    def join(self, at: datetime, cost: int) -> datetime:
        """When the next one leaves, that wants to at `at`."""
        # There was no room for who came earlier and costs no more: so there is none before that.
        earlier = [moment for price, moment in self._last.items() if price <= cost]
        at = max(at, *earlier, self._limited_until or at)
        leaves_at = next_free(self.taken, self.quotas, at, cost=cost)
        self._last[cost] = leaves_at
        for _ in range(cost):
            insort(self.taken, leaves_at)
        return leaves_at
