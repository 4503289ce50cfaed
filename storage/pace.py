"""How fast requests leave for each network, all workers together: one after the other, evenly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.networks import Network
from storage.tables import PaceRow


class Pace:
    """Gives every request its own moment; a network without a rate has no pace."""

    def __init__(self, per_second: Mapping[Network, float]) -> None:
        """`per_second` holds for all workers of a network together."""
        self._steps = {network: timedelta(seconds=1 / rate) for network, rate in per_second.items()}

    async def moments(
        self, session: AsyncSession, requests: Sequence[tuple[Network, datetime]]
    ) -> list[datetime]:
        """When each may leave, UTC, in their order: at the time asked for or later."""
        moments = [asked for _, asked in requests]
        by_network: defaultdict[Network, list[int]] = defaultdict(list)
        for index, (network, _) in enumerate(requests):
            by_network[network].append(index)
        for network, indexes in sorted(by_network.items()):
            if (step := self._steps.get(network)) is None:
                continue
            earliest = min(moments[index] for index in indexes)
            first = await self._reserve(session, network, earliest, step * len(indexes))
            for place, index in enumerate(indexes):
                moments[index] = max(moments[index], first + step * place)
        return moments

    async def _reserve(
        self, session: AsyncSession, network: Network, earliest: datetime, span: timedelta
    ) -> datetime:
        """The beginning of a stretch of that length that nobody else has, nor will have."""
        statement = (
            insert(PaceRow)
            .values(network=network, free_from=earliest + span)
            .on_conflict_do_update(
                index_elements=[PaceRow.network],
                set_={"free_from": func.greatest(PaceRow.free_from, earliest) + span},
            )
            .returning(PaceRow.free_from)
        )
        free_from: datetime = (await session.execute(statement)).scalar_one()
        return free_from - span
