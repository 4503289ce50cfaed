"""`/v1/admin/outbox` and `/v1/admin/jobs`."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.admin.guard import Admin, actor_of
from api.admin.places import Cursor, Limit, decode_number, encode_number
from api.admin.queue_schemas import (
    Chosen,
    DeadJobShown,
    JobCountsShown,
    OutboxCountsShown,
    OutboxItemShown,
    Touched,
)
from api.admin.queue_service import AdminQueues
from api.pagination import Page
from api.resources import WithResources
from storage.outbox import OutboxKind
from storage.stuck_outbox import OutboxFilter

router = APIRouter(prefix="/v1/admin", tags=["admin"])


async def _service(resources: WithResources) -> AdminQueues:
    return AdminQueues(resources.database)


async def _filter(
    kind: Annotated[OutboxKind | None, Query(description="Only those.")] = None,
    min_tries: Annotated[int, Query(ge=0, le=1_000_000, description="Tried so often.")] = 0,
    failing: Annotated[bool, Query(description="Only those that failed before.")] = False,
    error: Annotated[
        str | None,
        Query(max_length=200, pattern=r"^[^\x00]+$", description="Words of the last error."),
    ] = None,
    older_than_seconds: Annotated[
        int | None, Query(ge=0, le=366 * 86_400, description="Decided so long ago.")
    ] = None,
) -> OutboxFilter:
    older = None if older_than_seconds is None else timedelta(seconds=older_than_seconds)
    return OutboxFilter(
        kind=kind, min_tries=min_tries, failing=failing, error=error, older_than=older
    )


Service = Annotated[AdminQueues, Depends(_service)]


@router.get("/outbox", summary="List what waits in the outbox")
async def list_outbox(
    service: Service,
    _: Admin,
    chosen: Annotated[OutboxFilter, Depends(_filter)],
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Page[OutboxItemShown]:
    """The oldest first. For admins."""
    found = await service.list_outbox(chosen, after=decode_number(cursor), limit=limit + 1)
    more = len(found) > limit
    return Page[OutboxItemShown](
        items=[OutboxItemShown.of(item) for item in found[:limit]],
        next_cursor=encode_number(found[limit - 1].id) if more else None,
    )


@router.get("/outbox/counts", summary="Count what waits in the outbox")
async def count_outbox(service: Service, _: Admin) -> OutboxCountsShown:
    """By kind. For admins."""
    return OutboxCountsShown.of(await service.count_outbox())


@router.post("/outbox/retry", summary="Retry items of the outbox now")
async def retry_outbox(service: Service, known: Admin, chosen: Chosen) -> Touched:
    """Answers those that were still there. Done twice, each is harmless. For admins."""
    return Touched(ids=await service.retry_outbox(actor_of(known), chosen))


@router.post("/outbox/drop", summary="Drop items of the outbox")
async def drop_outbox(service: Service, known: Admin, chosen: Chosen) -> Touched:
    """Undone. A post that is due all the same is put back within a minute: to keep it from going
    out, cancel it. For admins."""
    return Touched(ids=await service.drop_outbox(actor_of(known), chosen))


@router.get("/jobs", summary="List dead jobs")
async def list_dead_jobs(
    service: Service, _: Admin, limit: Limit = 25, cursor: Cursor = None
) -> Page[DeadJobShown]:
    """Those that are not tried any more, latest decided first. For admins."""
    found = await service.list_dead_jobs(before=decode_number(cursor), limit=limit + 1)
    more = len(found) > limit
    return Page[DeadJobShown](
        items=[DeadJobShown.of(job) for job in found[:limit]],
        next_cursor=encode_number(found[limit - 1].id) if more else None,
    )


@router.get("/jobs/counts", summary="Count jobs")
async def count_jobs(service: Service, _: Admin) -> JobCountsShown:
    """By kind: waiting, failing, dead. For admins."""
    return JobCountsShown.of(await service.count_jobs())


@router.post("/jobs/retry", summary="Retry dead jobs")
async def retry_jobs(service: Service, known: Admin, chosen: Chosen) -> Touched:
    """From the start. Answers those that were dead. For admins."""
    return Touched(ids=await service.retry_jobs(actor_of(known), chosen))


@router.post("/jobs/drop", summary="Drop dead jobs")
async def drop_jobs(service: Service, known: Admin, chosen: Chosen) -> Touched:
    """Undone, for good. Answers those that were dead. For admins."""
    return Touched(ids=await service.drop_jobs(actor_of(known), chosen))
