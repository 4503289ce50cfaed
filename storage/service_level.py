"""How late what was published was: the service level, from the deliveries themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Double, cast, extract, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage.tables import DeliveryRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Lateness:
    """What was published to a network, or to all, and how late."""

    network: Network | None
    """None for all together."""
    count: int
    p50: timedelta
    p99: timedelta
    longest: timedelta


async def measure_lateness(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    since: datetime,
    until: datetime,
    network: Network | None = None,
) -> Sequence[Lateness]:
    """The lateness of what was due from `since` to before `until`, UTC: together, then by network.

    Percentiles lie between the two nearest deliveries. What went on after a part that was public
    before its time left before it, and says nothing about lateness.
    """
    late = cast(extract("epoch", DeliveryRow.sent_at - DeliveryRow.publish_at), Double)
    chosen = [
        DeliveryRow.workspace_id == workspace_id,
        # Written out, as the index has it: a plan for any status could not use that.
        DeliveryRow.status == literal_column(f"'{DeliveryStatus.PUBLISHED}'"),
        DeliveryRow.publish_at >= since,
        DeliveryRow.publish_at < until,
        DeliveryRow.sent_at >= DeliveryRow.publish_at,
    ]
    if network is not None:
        chosen.append(DeliveryRow.network == network)
    query = (
        select(
            DeliveryRow.network,
            func.count().label("number"),
            func.percentile_cont(0.5).within_group(late).label("p50"),
            func.percentile_cont(0.99).within_group(late).label("p99"),
            func.max(late).label("longest"),
        )
        .where(*chosen)
        .group_by(func.grouping_sets(tuple_(), DeliveryRow.network))
        .order_by(DeliveryRow.network.nulls_first())
    )
    return [
        Lateness(
            network=row.network,
            count=row.number,
            p50=timedelta(seconds=row.p50),
            p99=timedelta(seconds=row.p99),
            longest=timedelta(seconds=row.longest),
        )
        for row in await session.execute(query)
        if row.number
    ]
