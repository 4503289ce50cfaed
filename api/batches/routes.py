"""`/v1/posts/bulk`, `/v1/posts/import`, `/v1/batches`."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response, status

from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.batches.csv_file import Delimiter, read_file
from api.batches.examples import BULK_EXAMPLES, CSV_EXAMPLE
from api.batches.imports import rows_of
from api.batches.rows import RowWanted
from api.batches.schemas import (
    BatchCancelled,
    BatchCounted,
    BatchShown,
    BulkMode,
    BulkResult,
    BulkWanted,
)
from api.batches.service import BatchService, Submission
from api.idempotency import WithIdempotencyKey, fingerprint_of
from api.pagination import Page, WantedPage, page_of
from api.posts.forecast import Forecast
from api.problem_answers import refuses
from api.resources import WithResources
from storage.batches import BatchSource

router = APIRouter(tags=["batches"])

BULK_PATH: Final = "/v1/posts/bulk"
IMPORT_PATH: Final = "/v1/posts/import"
BULK_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a bulk request or an imported file: 1,000 posts of eight kilobytes each."""

_SAVED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Nothing was saved: a dry run, or every row was refused."},
    201: {"model": BulkResult, "description": "Posts were made."},
}


async def _service(resources: WithResources) -> BatchService:
    return BatchService(resources.database, Forecast(resources.settings.quotas))


Service = Annotated[BatchService, Depends(_service)]
Reader = Annotated[Caller, Depends(require(Scope.POSTS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.POSTS_WRITE))]


@router.post(BULK_PATH, responses=_SAVED, summary="Create or schedule up to 1,000 posts")
async def create_posts(
    service: Service,
    known: Writer,
    request: Request,
    wanted: Annotated[BulkWanted, Body(openapi_examples=BULK_EXAMPLES)],
    idempotency_key: WithIdempotencyKey,
    response: Response,
) -> BulkResult:
    """Each row is checked as a single post is; all are saved together, as one batch.

    201 with what became of each row; 200 when nothing was saved: a dry run, or every row refused.
    With `all_or_nothing` a refused row is a 422 that names it. Needs `posts:write`.
    """
    submitted = Submission(
        source=BatchSource.BULK,
        rows=[RowWanted(wanted=row) for row in wanted.posts],
        mode=wanted.mode,
        dry_run=wanted.dry_run,
    )
    fingerprint = b""  # of what nobody can ask for again
    if idempotency_key is not None:
        fingerprint = fingerprint_of([BULK_PATH, await request.json()])
    result = await service.submit(known, submitted, idempotency_key, fingerprint)
    return _answered(result, response)


@router.post(
    IMPORT_PATH,
    responses=_SAVED | refuses(415),
    summary="Create or schedule posts from a CSV file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": CSV_EXAMPLE},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "string", "format": "binary"}},
                        "required": ["file"],
                    }
                },
            },
        }
    },
)
async def import_posts(
    service: Service,
    known: Writer,
    request: Request,
    idempotency_key: WithIdempotencyKey,
    resources: WithResources,
    response: Response,
    *,
    mode: Annotated[
        BulkMode,
        Query(description="Whether a row that is refused keeps the others from being accepted."),
    ] = BulkMode.ALL_OR_NOTHING,
    dry_run: Annotated[bool, Query(description="Check every row, and save nothing.")] = False,
    delimiter: Annotated[
        Delimiter | None,
        Query(description="What separates columns; found in the file when left out."),
    ] = None,
) -> BulkResult:
    """UTF-8, its first line names the columns: `accounts` and `text`, and if you like `publish_at`,
    `time_zone`, `media`, `link`, `first_comment`, `content_warning`, `visibility`, `language` and
    `priority`. Answers as `/v1/posts/bulk` does; errors name line and column. Needs `posts:write`.
    """
    content = await read_file(request, max_bytes=BULK_LIMIT)
    submitted = Submission(
        source=BatchSource.CSV,
        rows=await rows_of(resources.database, known, content, delimiter),
        mode=mode,
        dry_run=dry_run,
    )
    asked = [IMPORT_PATH, mode, dry_run, delimiter, content.hex()]
    result = await service.submit(known, submitted, idempotency_key, fingerprint_of(asked))
    return _answered(result, response)


@router.get("/v1/batches", summary="List batches")
async def list_batches(service: Service, known: Reader, wanted: WantedPage) -> Page[BatchShown]:
    """Newest first. `GET /v1/posts?batch_id=…` lists a batch's posts. Needs `posts:read`."""
    found = await service.list_page(known, wanted)
    return page_of(found, wanted, show=BatchShown.of, id_of=lambda batch: batch.id)


@router.get("/v1/batches/{batch_id}", summary="Show a batch")
async def show_batch(service: Service, known: Reader, batch_id: UUID) -> BatchCounted:
    """With how many of its posts have which status. Needs `posts:read`."""
    return await service.read(known, batch_id)


@router.post("/v1/batches/{batch_id}/cancel", summary="Cancel what is left of a batch")
async def cancel_batch(service: Service, known: Writer, batch_id: UUID) -> BatchCancelled:
    """Every post of it of which nothing was sent is never published; the others are named with
    the reason. Needs `posts:write`.
    """
    return await service.cancel(known, batch_id)


def _answered(result: BulkResult, response: Response) -> BulkResult:
    if result.batch_id is not None:
        response.status_code = status.HTTP_201_CREATED
        response.headers["Location"] = f"/v1/batches/{result.batch_id}"
    return result
