"""Warnings for who schedules a post that its accounts have no room for at that time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.schemas import QuotaShown
from api.posts.schemas import WarningShown
from domain.limits import RULES
from domain.quotas import Counted, costs_of, in_words
from storage import forecast
from storage.forecast import Late, Planned
from storage.posts import Post
from storage.quotas import Quotas

_MOMENT = "%Y-%m-%d %H:%M:%S"


class Forecast:
    """Tells which deliveries cannot leave on time."""

    def __init__(self, quotas: Quotas) -> None:
        """`quotas` are those of this installation."""
        self._quotas = quotas

    async def of_post(self, session: AsyncSession, post: Post) -> list[WarningShown]:
        """What to tell of a kept post as it is now; nothing of a draft."""
        [told] = await self.of_posts(session, [post], without=post.id)
        return told

    async def of_posts(
        self, session: AsyncSession, drawn_up: Sequence[Post], *, without: UUID | None = None
    ) -> list[list[WarningShown]]:
        """What to tell of each post that is about to be accepted; each account is asked for once.

        `without` is the post that one of them takes the place of.
        """
        now = datetime.now(UTC)
        going = [
            (number, post.publish_time.at, delivery)
            for number, post in enumerate(drawn_up)
            if post.publish_time is not None
            for delivery in post.standing_deliveries
            if delivery.movable
        ]
        planned = [
            Planned(
                account_id=delivery.account_id,
                network=delivery.network,
                at=max(at, now),
                costs=costs_of(
                    delivery.network, drawn_up[number].content.for_network(delivery.network)
                ),
            )
            for number, at, delivery in going
        ]
        found = await forecast.late(session, planned, self._quotas, now=now, without=without)
        told: list[list[WarningShown]] = [[] for _ in drawn_up]
        for late, (number, at, delivery) in zip(found, going, strict=True):
            if late is not None:
                told[number].append(_warning(late, delivery.handle, at))
        return told


def _warning(late: Late, handle: str, publish_at: datetime) -> WarningShown:
    planned, quota = late.planned, late.quota
    name = RULES[planned.network].name
    if quota is None:
        what = f"{name} wants {handle} to wait"
    elif quota.counts is Counted.CALLS:
        what = f"{name} takes {quota} from {handle}"
    else:
        number = f"{late.number}{_ending(late.number)}"
        what = f"The {number} {name} post of {handle} in {in_words(quota.window)}"
    return WarningShown(
        type="quota_exhausted" if quota else "rate_limited",
        message=f"{what}: leaves at {late.leaves_at:{_MOMENT}} instead of"
        f" {publish_at:{_MOMENT}} UTC.",
        account_id=planned.account_id,
        network=planned.network,
        publish_at=publish_at,
        leaves_at=late.leaves_at,
        quota=QuotaShown.of(quota) if quota else None,
    )


def _ending(number: int) -> str:
    """Of an ordinal: 1st, 22nd, 113th."""
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
