"""`/v1/reports` and `/v1/decisions`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.auth.dependencies import WithUser
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.reports.schemas import DecisionShown, ReportShown, ReportWanted
from api.reports.service import ReportService
from api.resources import WithResources

router = APIRouter(prefix="/v1", tags=["reports"])


async def _service(resources: WithResources) -> ReportService:
    return ReportService(resources.database)


Service = Annotated[ReportService, Depends(_service)]


@router.post("/reports", status_code=201, responses=refuses(404, 409), summary="Report something")
async def report_something(service: Service, known: WithUser, wanted: ReportWanted) -> ReportShown:
    """A feed post, a comment, a user, a message of yours to read, or a listing.

    Moderators see what it says now, whatever becomes of it. Reported again before they decided, the
    same thing has your latest words.
    """
    return ReportShown.of(await service.report(known, wanted))


@router.get("/reports", summary="List your reports")
async def list_my_reports(
    service: Service, known: WithUser, wanted: WantedPage
) -> Page[ReportShown]:
    """The latest first, with what became of them."""
    found = await service.list_own(known, wanted)
    return page_of(found, wanted, show=ReportShown.of, id_of=lambda one: one[0].id)


@router.get("/decisions", summary="List decisions about what is yours")
async def list_decisions(
    service: Service, known: WithUser, wanted: WantedPage
) -> Page[DecisionShown]:
    """What moderators removed, or warned you of, and why; the latest first."""
    found = await service.list_decisions(known.user_id, wanted)
    return page_of(found, wanted, show=DecisionShown.of, id_of=lambda case: case.id)
