"""`/v1/admin/counts` and `/v1/admin/charts`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.admin.chart_schemas import EndedSeries, LatenessByNetwork, NewSeries, Totals
from api.admin.chart_service import AdminCharts, Span, span_of
from api.admin.guard import Moderator
from api.instants import instant_of
from api.resources import WithResources
from storage.charts import Step

router = APIRouter(prefix="/v1/admin", tags=["admin"])


async def _service(resources: WithResources) -> AdminCharts:
    return AdminCharts(resources.database)


async def _span(
    since: Annotated[
        str | None,
        Query(alias="from", max_length=64, description="RFC 3339; a day or 30 before `to`."),
    ] = None,
    until: Annotated[
        str | None, Query(alias="to", max_length=64, description="RFC 3339; now if left out.")
    ] = None,
    by: Annotated[
        Step, Query(description="By hour for up to 7 days, by day for up to 366.")
    ] = Step.HOUR,
) -> Span:
    return span_of(instant_of("from", since), instant_of("to", until), by)


Service = Annotated[AdminCharts, Depends(_service)]
WantedSpan = Annotated[Span, Depends(_span)]


@router.get("/counts", summary="Count everything")
async def show_counts(service: Service, _: Moderator) -> Totals:
    """Exact up to a limit, then the database's own estimate. For moderators."""
    return Totals.of(await service.totals())


@router.get("/charts/deliveries", summary="Chart how deliveries ended")
async def chart_deliveries(service: Service, _: Moderator, span: WantedSpan) -> EndedSeries:
    """By network and status, at the hour or day (UTC) for which they were due. For moderators."""
    return EndedSeries.of(await service.ended_deliveries(span))


@router.get("/charts/lateness", summary="Chart lateness by network")
async def chart_lateness(service: Service, _: Moderator, span: WantedSpan) -> LatenessByNetwork:
    """Percentiles over everything that was due in that time. For moderators."""
    return LatenessByNetwork.of(await service.lateness(span))


@router.get("/charts/new", summary="Chart what is new")
async def chart_new(service: Service, _: Moderator, span: WantedSpan) -> NewSeries:
    """Users, posts by what they are now, feed posts, messages and listings. For moderators."""
    return NewSeries.of(await service.made(span))
