"""`/v1/users/me/media`: pictures of people, for their own posts."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from api.auth.dependencies import WithUser
from api.media.routes import media_service
from api.media.schemas import UPLOAD_BODY, MediaShown
from api.media.service import MediaService
from api.media.upload import uploaded
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources

UPLOAD_PATH: Final = "/v1/users/me/media"

router = APIRouter(tags=["media"])

Service = Annotated[MediaService, Depends(media_service)]


@router.post(
    UPLOAD_PATH,
    status_code=201,
    openapi_extra=UPLOAD_BODY,
    responses=refuses(415, 503, 507),
    summary="Upload a picture of yours",
)
async def upload_own_media(
    service: Service, user: WithUser, request: Request, resources: WithResources
) -> MediaShown:
    """For your posts on the feed, messages, listings and your profile.

    Its type is found in its bytes. Others see sizes made of it, without what the camera knew.
    """
    async with uploaded(request, max_bytes=resources.settings.media_max_bytes) as upload:
        media = await service.upload_of_user(user.user_id, upload)
    return MediaShown.of(media, service.url_of(media))


@router.get(UPLOAD_PATH, summary="List your pictures")
async def list_own_media(service: Service, user: WithUser, wanted: WantedPage) -> Page[MediaShown]:
    """Newest first."""
    return page_of(
        await service.list_of_user(user.user_id, wanted),
        wanted,
        show=lambda media: MediaShown.of(media, service.url_of(media)),
        id_of=lambda media: media.id,
    )


@router.delete(
    f"{UPLOAD_PATH}/{{media_id}}",
    status_code=204,
    responses=refuses(409),
    summary="Delete a picture of yours",
)
async def delete_own_media(service: Service, user: WithUser, media_id: UUID) -> None:
    """Refused while a post, message or listing of yours shows it."""
    await service.delete_of_user(user.user_id, media_id)
