"""When deliveries will leave, given their accounts' quotas and everything else that is planned."""

from bisect import insort
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.networks import Network
from domain.quotas import COUNTED, Quota, binding, next_free, used
from storage.accounts import Account
from storage.outlook import Outlook, Span, look_ahead, weigh
from storage.quotas import Quotas

_FOREVER: Final = timedelta(days=36_500)


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
) -> list[Late | None]:
    """For each, in order: that it cannot leave on time, or None.

    What is planned for the same moment already goes first. `without` is the post that is moved.
    What each account has sent and planned is counted first, in one statement; only where that may
    be too much is it read. Nothing is asked of the database where no account has a quota.
    """
    stretches = _stretches(wanted, quotas)
    crowded = await _crowded(session, stretches, now=now, without=without)
    found: list[Late | None] = [None] * len(wanted)
    if not crowded:
        return found
    spans = [stretch.span for stretch in crowded]
    outlooks = await look_ahead(session, spans, now=now, without=without)
    for stretch, outlook in zip(crowded, outlooks, strict=True):
        line = _Line(outlook)
        for number, planned in stretch.plans:
            line.let_go(planned.at)
            found[number] = _late(line, planned)
    return found


async def capacity(
    session: AsyncSession, account: Account, quotas: Quotas, *, at: datetime, now: datetime
) -> Capacity:
    """What the account may send at `at`, after all that is planned until then."""
    own = quotas.get(account.network, ())
    span = Span(account_id=account.id, network=account.network, quotas=own, since=at, until=at)
    [outlook] = await look_ahead(session, [span], now=now)
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
        next_free_at=line.place(at, post),
        limited_until=outlook.limited_until,
        reason=outlook.reason,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stretch:
    """Plans of one account that can be in each other's way."""

    span: Span
    plans: Sequence[tuple[int, Planned]]
    """By time, each with its number."""

    @property
    def cost(self) -> int:
        return sum(sum(planned.costs) for _, planned in self.plans)


def _stretches(wanted: Sequence[Planned], quotas: Quotas) -> list[_Stretch]:
    """The plans by account, and apart where more than two windows lie between them."""
    by_account: dict[UUID, list[tuple[int, Planned]]] = {}
    for number, one in enumerate(wanted):
        if one.network in quotas:
            by_account.setdefault(one.account_id, []).append((number, one))
    found = []
    for plans in by_account.values():
        plans.sort(key=lambda numbered: numbered[1].at)
        own = quotas[plans[0][1].network]
        far = 2 * max((quota.window for quota in own), default=_FOREVER)
        first = 0
        for number in range(1, len(plans) + 1):
            if number == len(plans) or plans[number][1].at - plans[number - 1][1].at > far:
                found.append(_stretch(plans[first:number], own))
                first = number
    return found


def _stretch(plans: Sequence[tuple[int, Planned]], quotas: tuple[Quota, ...]) -> _Stretch:
    (_, first), (_, last) = plans[0], plans[-1]
    span = Span(
        account_id=first.account_id,
        network=first.network,
        quotas=quotas,
        since=first.at,
        until=last.at,
    )
    return _Stretch(span=span, plans=plans)


async def _crowded(
    session: AsyncSession, stretches: Sequence[_Stretch], *, now: datetime, without: UUID | None
) -> list[_Stretch]:
    """Those that have to be looked at closely: held, or perhaps without room for all."""
    if not stretches:
        return []
    spans = [stretch.span for stretch in stretches]
    loads = await weigh(session, spans, now=now, without=without)
    return [
        stretch
        for stretch, load in zip(stretches, loads, strict=True)
        if load.limited_until is not None
        or any(
            load.cost + stretch.cost > quota.limit for quota in (*stretch.span.quotas, *load.quotas)
        )
    ]


def _late(line: "_Line", planned: Planned) -> Late | None:
    """Let it leave as early as it may, part by part; None when that is on time."""
    found: Late | None = None
    for cost in planned.costs:
        leaves_at = line.place(planned.at, cost)
        if found is not None:
            found = replace(found, leaves_at=max(found.leaves_at, leaves_at))
        elif leaves_at > planned.at:
            quota = binding(line.taken, line.quotas, planned.at, cost=cost)
            number = used(line.taken, quota, planned.at) + 1 if quota else 0
            found = Late(planned=planned, leaves_at=leaves_at, quota=quota, number=number)
        line.take(leaves_at, cost)
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
                self.take(self.place(first.at, cost), cost)

    def place(self, at: datetime, cost: int) -> datetime:
        """When the next one leaves, that wants to at `at`."""
        # There was no room for who came earlier and costs no more: so there is none before that.
        earlier = [moment for price, moment in self._last.items() if price <= cost]
        at = max(at, *earlier, self._limited_until or at)
        return next_free(self.taken, self.quotas, at, cost=cost)

    def take(self, leaves_at: datetime, cost: int) -> None:
        """Let it leave then."""
        self._last[cost] = leaves_at
        for _ in range(cost):
            insort(self.taken, leaves_at)
