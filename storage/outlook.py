"""What accounts have sent, and what they are about to send: the ground of forecasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.limits import AccountLimits
from domain.networks import Network
from domain.quotas import COUNTED, Counted, Quota, of_account
from storage.planned_sends import LOOK_AHEAD, WEIGH

_NOTHING: Final = timedelta(0)
_LONG_AGO: Final = timedelta(days=365)

_MOST: Final = 2**31 - 1
"""Rows, as PostgreSQL's integer counts them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which account to look at, and between when."""

    account_id: UUID
    network: Network
    quotas: tuple[Quota, ...]
    since: datetime
    """UTC: of the first moment that matters."""
    until: datetime
    """UTC: of the last one."""

    @property
    def window(self) -> timedelta:
        """Of the quota that looks back furthest."""
        return max((one.window for one in self.quotas), default=_NOTHING)

    @property
    def tightest(self) -> int:
        """The limit that is reached first; 0 where there is none."""
        return min((one.limit for one in self.quotas), default=0)

    @property
    def most(self) -> int:
        """How many plans fill the quotas twice, all along the span."""
        windows = 1 + (self.until - self.since) // self.window if self.window else 1
        return min(2 * windows * max((one.limit for one in self.quotas), default=0), _MOST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A delivery that has yet to leave."""

    at: datetime
    """When it is to leave, UTC: its publish time, or the place that it was told."""
    costs: tuple[int, ...]
    """Of its parts, as `domain.quotas.costs_of` has them."""


@dataclass(kw_only=True, slots=True)
class Outlook:
    """One account's sends around a time."""

    sent: list[datetime] = field(default_factory=list)
    """Sorted, each as often as it costs."""
    waiting: list[Waiting] = field(default_factory=list)
    """By time."""
    quotas: tuple[Quota, ...] = ()
    """Its network's, or its own where the network told of it."""
    limited_until: datetime | None = None
    reason: Mapping[str, Any] | None = None
    """Why it is limited: {type, message, evidence}."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """One account's sends around a time, as one number."""

    cost: int
    """Of what was sent and what waits; whatever is beyond its network's tightest quota may miss."""
    quotas: tuple[Quota, ...]
    """As `Outlook` has them."""
    limited_until: datetime | None
    """UTC; None when that has passed."""


async def weigh(
    session: AsyncSession, spans: Sequence[Span], *, now: datetime, without: UUID | None = None
) -> list[Load]:
    """How much each span's account has sent and planned: one number, in one statement.

    It counts what `look_ahead` would look at, and stops beyond the tightest quota.
    """
    asked = _asked(spans, [span.tightest + 1 for span in spans], now, without)
    found: dict[int, Load] = {}
    for number, cost, limits, until in await session.execute(WEIGH, asked):
        span = spans[number]
        found[number] = Load(
            cost=cost or 0,
            quotas=_own(span, limits),
            limited_until=until if until is not None and until > now else None,
        )
    return [found[number] for number in range(len(spans))]


async def look_ahead(
    session: AsyncSession, spans: Sequence[Span], *, now: datetime, without: UUID | None = None
) -> list[Outlook]:
    """The outlook of each span, in one statement; `without` is a post to leave out.

    Of an account's plans, the latest that fill its quotas twice are read, from two windows before
    the span on: more of them could only show that it is late by more.
    """
    asked = _asked(spans, [span.most for span in spans], now, without)
    outlooks = [Outlook() for _ in spans]
    for number, at, cost, kind, limits, reason in await session.execute(LOOK_AHEAD, asked):
        outlook, span = outlooks[number], spans[number]
        if kind == "sent":
            outlook.sent += [at] * cost
        elif kind == "waiting":
            is_one = COUNTED[span.network] is Counted.CALLS
            outlook.waiting.append(Waiting(at=at, costs=(cost,) if is_one else (1,) * cost))
        else:
            outlook.quotas = _own(span, limits)
            if at is not None and at > now:
                outlook.limited_until, outlook.reason = at, reason
    return outlooks


def _own(span: Span, limits: Mapping[str, Any] | None) -> tuple[Quota, ...]:
    told = AccountLimits(**limits) if limits else None
    return of_account(span.network, span.quotas, told)


def _asked(
    spans: Sequence[Span], most: Sequence[int], now: datetime, without: UUID | None
) -> Mapping[str, Any]:
    early = [span.since - 2 * span.window for span in spans]
    return {
        "number": list(range(len(spans))),
        "account_id": [span.account_id for span in spans],
        "counts": [COUNTED[span.network].value for span in spans],
        "sent_since": [span.since - span.window for span in spans],
        # What should have left already leaves now, whenever that should have been.
        "planned_since": [at if at > now else now - _LONG_AGO for at in early],
        "until": [span.until for span in spans],
        "most": most,
        "now": now,
        "without": without,
    }
