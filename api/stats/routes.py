"""`/v1/stats`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.problems import FieldProblem, InvalidRequest
from api.resources import WithResources
from api.stats.schemas import Grouping, LatenessReport
from api.stats.service import StatsService
from domain.networks import Network
from domain.publish_time import InvalidPublishTime, parse_instant

router = APIRouter(prefix="/v1/stats", tags=["stats"])

_USUAL: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=31)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


async def _service(resources: WithResources) -> StatsService:
    return StatsService(resources.database)


async def _since(
    since: Annotated[
        str | None,
        Query(alias="from", max_length=64, description="RFC 3339; a day before `to` if left out."),
    ] = None,
) -> datetime | None:
    return _instant("from", since)


async def _until(
    until: Annotated[
        str | None, Query(alias="to", max_length=64, description="RFC 3339; now if left out.")
    ] = None,
) -> datetime | None:
    return _instant("to", until)


Service = Annotated[StatsService, Depends(_service)]
Reader = Annotated[Caller, Depends(require(Scope.POSTS_READ))]


@router.get("/lateness", summary="How late deliveries were")
async def show_lateness(
    service: Service,
    known: Reader,
    since: Annotated[datetime | None, Depends(_since)],
    until: Annotated[datetime | None, Depends(_until)],
    network: Annotated[Network | None, Query(description="Of that network only.")] = None,
    group_by: Annotated[Grouping | None, Query(description="Also each network by itself.")] = None,
) -> LatenessReport:
    """Of what was due from `from` to before `to`, at most 31 days. Needs `posts:read`."""
    ends = until or datetime.now(UTC)
    begins = since or max(ends, _BEGINNING + _USUAL) - _USUAL
    _require_span(begins, ends)
    measured = await service.lateness(known, since=begins, until=ends, network=network)
    return LatenessReport.of(measured, since=begins, until=ends, grouped=group_by is not None)


def _instant(name: str, value: str | None) -> datetime | None:
    try:
        return None if value is None else parse_instant(value)
    except InvalidPublishTime as error:
        raise InvalidRequest(
            FieldProblem(field=name, rule=error.rule, message=str(error), fix=error.fix)
        ) from error


def _require_span(begins: datetime, ends: datetime) -> None:
    if timedelta() < ends - begins <= _LONGEST:
        return
    raise InvalidRequest(
        FieldProblem(
            field="from",
            rule="no_such_span",
            message="The time from `from` to `to` is not between nothing and 31 days.",
            fix="Choose `from` before `to`, and at most 31 days before it.",
        )
    )
