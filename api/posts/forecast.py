"""Warnings for who schedules a post that its accounts have no room for at that time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.schemas import QuotaShown
from api.posts.schemas import WarningShown
from domain.content import PostContent
from domain.limits import RULES
from domain.quotas import Counted, costs_of, in_words
from storage import forecast
from storage.forecast import Late, Planned
from storage.posts import Post, TargetAccount
from storage.quotas import Quotas

_MOMENT = "%Y-%m-%d %H:%M:%S"


class Forecast:
    """Tells which deliveries cannot leave on time."""

    def __init__(self, quotas: Quotas) -> None:
        """`quotas` are those of this installation."""
        self._quotas = quotas

    async def of_post(self, session: AsyncSession, post: Post) -> list[WarningShown]:
        """What to tell of a post as it is, or is about to be; nothing of a draft."""
        targets = [
            TargetAccount(account_id=one.account_id, network=one.network, handle=one.handle)
            for one in post.standing_deliveries
            if one.movable
        ]
        at = post.publish_time.at if post.publish_time else None
        return await self.of(session, post.content, targets, at, without=post.id)

    async def of(
        self,
        session: AsyncSession,
        content: PostContent,
        targets: Sequence[TargetAccount],
        publish_at: datetime | None,
        *,
        without: UUID | None = None,
    ) -> list[WarningShown]:
        """The same of what is not a post yet; `without` is the post that it takes the place of."""
        if publish_at is None:
            return []
        now = datetime.now(UTC)
        planned = [
            Planned(
                account_id=one.account_id,
                network=one.network,
                at=max(publish_at, now),
                costs=costs_of(one.network, content.for_network(one.network)),
            )
            for one in targets
        ]
        found = await forecast.late(session, planned, self._quotas, now=now, without=without)
        handles = {one.account_id: one.handle for one in targets}
        return [_warning(late, handles[late.planned.account_id], publish_at) for late in found]


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
