"""`/v1/admin/cases`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.admin.case_schemas import CaseReportShown, CaseShown, Resolution
from api.admin.case_service import AdminCases
from api.admin.guard import Moderator
from api.chat.telling import Telling
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from domain.moderation import CaseStatus, Reportable
from storage.moderation.cases import CaseFilter

router = APIRouter(prefix="/v1/admin/cases", tags=["admin"])


async def _service(resources: WithResources) -> AdminCases:
    return AdminCases(resources.database, Telling(resources.live, resources.media_links))


async def _chosen(
    status: Annotated[CaseStatus | None, Query(description="Only those.")] = None,
    subject_type: Annotated[Reportable | None, Query(description="Only about those.")] = None,
    owner_id: Annotated[UUID | None, Query(description="Only about things of that user.")] = None,
    taken_by: Annotated[UUID | None, Query(description="Only that moderator's.")] = None,
) -> CaseFilter:
    return CaseFilter(
        status=CaseStatus.TAKEN if taken_by is not None and status is None else status,
        subject_type=subject_type,
        owner_id=owner_id,
        taken_by=taken_by,
    )


Service = Annotated[AdminCases, Depends(_service)]


@router.get("", summary="List what was reported")
async def list_cases(
    service: Service,
    _: Moderator,
    chosen: Annotated[CaseFilter, Depends(_chosen)],
    wanted: WantedPage,
) -> Page[CaseShown]:
    """One case for each thing, however many reported it; the latest first. For moderators."""
    found = await service.list_page(chosen, wanted)
    return page_of(found, wanted, show=CaseShown.of, id_of=lambda case: case.id)


@router.get("/{case_id}", summary="Show a case")
async def show_case(service: Service, _: Moderator, case_id: UUID) -> CaseShown:
    """With what was decided, once it was. For moderators."""
    return CaseShown.of(await service.show(case_id))


@router.get("/{case_id}/reports", summary="List the reports of a case")
async def list_case_reports(
    service: Service, _: Moderator, case_id: UUID, wanted: WantedPage
) -> Page[CaseReportShown]:
    """Each with what the thing said then, the latest first. For moderators."""
    found = await service.list_reports(case_id, wanted)
    return page_of(found, wanted, show=CaseReportShown.of, id_of=lambda report: report.id)


@router.post("/{case_id}/take", responses=refuses(409), summary="Take a case")
async def take_case(service: Service, known: Moderator, case_id: UUID) -> CaseShown:
    """Others leave it alone then; admins can take it over. For moderators."""
    return CaseShown.of(await service.take(known, case_id))


@router.post("/{case_id}/give-back", responses=refuses(409), summary="Give a case back")
async def give_case_back(service: Service, known: Moderator, case_id: UUID) -> CaseShown:
    """It is open again. For moderators."""
    return CaseShown.of(await service.give_back(known, case_id))


@router.post("/{case_id}/resolve", responses=refuses(409), summary="Resolve a case")
async def resolve_case(
    service: Service, known: Moderator, case_id: UUID, wanted: Resolution
) -> CaseShown:
    """`nothing`; `remove` it from everywhere; `warn` whose it is, or `suspend` them.

    Whose it is hears of a removal or a warning, and reads why under `GET /v1/decisions`; who is
    suspended is told by mail. For moderators.
    """
    return CaseShown.of(await service.resolve(known, case_id, wanted.decision, wanted.reason))
