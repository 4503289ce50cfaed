"""How much an account may send in a while: each network's quotas, and when there is room again.

A window rolls: a send counts from the moment its request leaves until the window's length later, at
which moment exactly its place is free. Moments are UTC. A send that costs more than one stands
in a list of times as often as it costs.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.content import Content
from domain.limits import AccountLimits
from domain.networks import Network


class Counted(StrEnum):
    """What a network counts."""

    POSTS = "posts"
    """What may have become public; comments below it are free."""
    PARTS = "parts"
    """What may have become public, each reply of a thread too."""
    SENDS = "sends"
    """Each request to publish a part, also one that was refused for what it said."""
    CALLS = "calls"
    """Each request of any kind, refused or not: uploads, the send, the question for the address."""

    def cost(self, part: int, media: int) -> int:
        """What sending that part of a delivery with so many media items uses up."""
        match self:
            case Counted.POSTS:
                return 1 if part == 0 else 0
            case Counted.CALLS:
                return 2 + media if part == 0 else 1
            case _:
                return 1


@dataclass(frozen=True, slots=True)
class Amount:
    """So much in any stretch of that length."""

    limit: int
    window: timedelta

    def __post_init__(self) -> None:
        """Raises ValueError for one that lets nothing pass."""
        if self.limit < 1 or self.window <= timedelta(0):
            raise ValueError("a quota allows at least one in a time longer than nothing")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """So much in any stretch of that length, of what a network counts."""

    limit: int
    window: timedelta
    counts: Counted

    def __str__(self) -> str:
        """In words: `50 posts in 24 hours`."""
        unit = self.counts.removesuffix("s") if self.limit == 1 else self.counts.value
        return f"{self.limit} {unit} in {in_words(self.window)}"


COUNTED: Final[Mapping[Network, Counted]] = {
    Network.FACEBOOK: Counted.CALLS,
    Network.INSTAGRAM: Counted.POSTS,
    Network.X: Counted.SENDS,
    Network.BLUESKY: Counted.PARTS,
    Network.MASTODON: Counted.PARTS,
    Network.FEED: Counted.PARTS,
}
"""What each network counts.

Facebook: "Graph API calls" by page, and calls while throttled too. Instagram: containers that
`media_publish` made public, a carousel as one. X: requests to `POST /2/tweets`; what it
refuses with 429 it does not count, and uploads have a limit of their own that four media a post
cannot reach first. Bluesky: points, always two for a record put under a key of ours, so that
records can be counted. Mastodon: statuses that were created; its limit of 30 uploads in 30 minutes
falls due before anything is sent, and is learned from its refusals.
"""


def quotas_of(network: Network, amounts: Iterable[Amount]) -> tuple[Quota, ...]:
    """These amounts of what that network counts."""
    counts = COUNTED[network]
    return tuple(Quota(limit=one.limit, window=one.window, counts=counts) for one in amounts)


_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

_AMOUNTS: Final[Mapping[Network, tuple[Amount, ...]]] = {
    Network.FACEBOOK: (Amount(200, _HOUR),),
    Network.INSTAGRAM: (Amount(50, _DAY),),
    Network.X: (Amount(100, timedelta(minutes=15)), Amount(2_400, _DAY)),
    Network.BLUESKY: (Amount(2_500, _HOUR), Amount(17_500, _DAY)),
    Network.MASTODON: (Amount(300, timedelta(hours=3)),),
}

QUOTAS: Final[Mapping[Network, tuple[Quota, ...]]] = {
    network: quotas_of(network, amounts) for network, amounts in _AMOUNTS.items()
}
"""What an account may send, unless settings say otherwise.

Facebook: Meta's "Rate Limits" page, Business Use Case limits: 4,800 calls in 24 hours for each
engaged user of the page. 200 an hour are those of one; a page with many takes a higher setting.
Instagram: Meta's reference of `media_publish` says 50 in 24 hours, other pages of Meta 100; kept is
the lower number for accounts of which Instagram did not tell. X: "Rate limits" of the API v2 for
`POST /2/tweets`, by user, and "X limits" of its help pages: 2,400 posts a day with replies (since
May 2026 accounts without verification have 50, which a setting can say). Bluesky: "Rate Limits" of
its developer pages: 5,000 points an hour, 35,000 a day. Mastodon: `RateLimiter` of its server,
statuses; a server may have its own. The feed is ours, and has none.
"""


def of_account(
    network: Network, quotas: tuple[Quota, ...], limits: AccountLimits | None
) -> tuple[Quota, ...]:
    """That network's quotas for an account of which it told its own number of posts a day.

    It takes the place of the number that every account has; of a setting's, the lower one holds.
    """
    told = limits.posts_a_day if limits else None
    if not told:
        return quotas
    usual = quotas == QUOTAS.get(network)
    return tuple(
        replace(quota, limit=told if usual else min(told, quota.limit))
        if quota.window == _DAY
        else quota
        for quota in quotas
    )


def costs_of(network: Network, content: Content) -> tuple[int, ...]:
    """What each part of a delivery uses up there: the post, its thread, its first comment."""
    counts = COUNTED[network]
    return tuple(counts.cost(part.index, len(part.media)) for part in content.parts())


def next_free(
    sent: Sequence[datetime], quotas: Iterable[Quota], at: datetime, *, cost: int = 1
) -> datetime:
    """The first moment from `at` on when a send of that cost breaks none of the quotas.

    `sent` is sorted, and may hold moments after `at`: what is claimed ahead keeps its room. A send
    that costs more than a quota's whole limit leaves when nothing else is in its window.
    """
    known = tuple(quotas)
    moment = at
    while (later := max((_next_free(sent, q, moment, cost) for q in known), default=at)) > moment:
        moment = later
    return moment


def _next_free(sent: Sequence[datetime], quota: Quota, at: datetime, cost: int) -> datetime:
    if cost == 0:
        return at
    crowd = quota.limit - min(cost, quota.limit) + 1
    # Beside so many others within one window there is no room: from a window before the last of
    # them until a window after the first, both excluded.
    start = bisect_right(sent, at - quota.window)
    for number in range(start, len(sent) - crowd + 1):
        first, last = sent[number], sent[number + crowd - 1]
        if last - quota.window >= at:
            break
        if last - first < quota.window:
            at = max(at, first + quota.window)
    return at


def used(sent: Sequence[datetime], quota: Quota, at: datetime) -> int:
    """How much of the quota is taken at that moment by what was sent until then."""
    return bisect_right(sent, at) - bisect_right(sent, at - quota.window)


def binding(
    sent: Sequence[datetime], quotas: Iterable[Quota], at: datetime, *, cost: int = 1
) -> Quota | None:
    """The quota that a send at that moment would break for longest; None when it breaks none."""
    free = {quota: _next_free(sent, quota, at, cost) for quota in quotas}
    latest = max(free, key=lambda quota: free[quota], default=None)
    return latest if latest is not None and free[latest] > at else None


_AMOUNT: Final = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

LONGEST_WINDOW: Final = timedelta(days=31)
"""Attempts are counted that far back at most."""


def parse_amounts(written: str) -> tuple[Amount, ...]:
    """Read `100/15m,2400/24h` (s, m, h, d); empty or `off` is none. Raises ValueError."""
    if written.strip().lower() in {"", "off"}:
        return ()
    amounts = []
    for item in (item.strip() for item in written.split(",")):
        match = _AMOUNT.fullmatch(item)
        if match is None:
            raise ValueError(f"{item!r} is no quota; write 100/15m,2400/24h, or off for none")
        window = timedelta(**{_UNITS[match[3]]: int(match[2])})
        if window > LONGEST_WINDOW:
            raise ValueError(f"{item!r} is longer than {LONGEST_WINDOW.days} days")
        amounts.append(Amount(int(match[1]), window))
    return tuple(amounts)


def in_words(window: timedelta) -> str:
    """A window's length as people say it: `24 hours`, `15 minutes`."""
    seconds = int(window.total_seconds())
    for length, unit in ((3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    raise ValueError("a window is whole seconds")
