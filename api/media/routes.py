"""`/v1/media` for workspaces, and `/media` for the networks that fetch."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.media.schemas import UPLOAD_BODY, MediaChange, MediaShown
from api.media.service import MediaService
from api.media.upload import uploaded
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from storage.media import Media

UPLOAD_PATH: Final = "/v1/media"

router = APIRouter(tags=["media"])


async def media_service(resources: WithResources) -> MediaService:
    """What does it, with this process's resources."""
    return MediaService(
        resources.database,
        resources.media_store,
        resources.media_links,
        max_pixels=resources.settings.media_max_pixels,
    )


Service = Annotated[MediaService, Depends(media_service)]
Reader = Annotated[Caller, Depends(require(Scope.MEDIA_READ))]
Writer = Annotated[Caller, Depends(require(Scope.MEDIA_WRITE))]
Expires = Annotated[int, Query(ge=0, le=10**11, description="Seconds since 1970, UTC.")]
Signature = Annotated[str, Query(max_length=64)]


@router.post(
    UPLOAD_PATH,
    status_code=201,
    openapi_extra=UPLOAD_BODY,
    responses=refuses(415, 503, 507),
    summary="Upload a picture",
)
async def upload_media(
    service: Service, known: Writer, request: Request, resources: WithResources
) -> MediaShown:
    """Its type is found in its bytes. Needs `media:write`."""
    async with uploaded(request, max_bytes=resources.settings.media_max_bytes) as upload:
        media = await service.upload(known, upload)
    return MediaShown.of(media, service.url_of(media))


@router.get("/v1/media", summary="List media")
async def list_media(service: Service, known: Reader, wanted: WantedPage) -> Page[MediaShown]:
    """Newest first. Needs `media:read`."""
    found = await service.list_page(known, wanted)
    return page_of(
        found,
        wanted,
        show=lambda media: MediaShown.of(media, service.url_of(media)),
        id_of=lambda media: media.id,
    )


@router.get("/v1/media/{media_id}", summary="Show a media item")
async def show_media(service: Service, known: Reader, media_id: UUID) -> MediaShown:
    """Needs `media:read`."""
    media = await service.read(known, media_id)
    return MediaShown.of(media, service.url_of(media))


@router.patch("/v1/media/{media_id}", summary="Change the alt text")
async def change_media(
    service: Service, known: Writer, media_id: UUID, change: MediaChange
) -> MediaShown:
    """Posts that were written with the old one keep it. Needs `media:write`."""
    media = await service.describe(known, media_id, change.alt_text)
    return MediaShown.of(media, service.url_of(media))


@router.delete(
    "/v1/media/{media_id}", status_code=204, responses=refuses(409), summary="Delete a media item"
)
async def delete_media(service: Service, known: Writer, media_id: UUID) -> None:
    """Refused while a post that is not out yet uses it, or one on the feed shows it.

    Needs `media:write`.
    """
    await service.delete(known, media_id)


@router.get(
    "/media/{media_id}",
    response_class=Response,
    responses={
        200: {"content": {"image/*": {}}, "description": "The picture."},
        **refuses(403, 503),
    },
    summary="Fetch a picture by a signed link",
)
async def fetch_media(
    service: Service, media_id: UUID, expires: Expires, signature: Signature
) -> StreamingResponse:
    """For networks and browsers: the link itself is the permission."""
    media, left = await service.open_link(media_id, expires=expires, signature=signature)
    headers = _headers(media, int(left.total_seconds()))
    return StreamingResponse(
        await service.content(media), media_type=media.content_type, headers=headers
    )


@router.head("/media/{media_id}", include_in_schema=False)
async def fetch_media_headers(
    service: Service, media_id: UUID, expires: Expires, signature: Signature
) -> Response:
    """What fetching would answer, without the picture."""
    media, left = await service.open_link(media_id, expires=expires, signature=signature)
    headers = _headers(media, int(left.total_seconds()))
    return Response(media_type=media.content_type, headers=headers)


def _headers(media: Media, seconds_left: int) -> dict[str, str]:
    return {
        "Content-Length": str(media.size),
        "ETag": f'"{media.sha256.hex()}"',
        "Cache-Control": f"public, max-age={seconds_left}, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": "inline",
    }
