"""`/v1/media/uploads` and the same for users: pictures on their way past the API.

`/media-uploads` takes them where the media store is a directory.
"""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from api.auth.dependencies import WithUser
from api.media.direct_uploads import DirectUploadService
from api.media.routes import Expires, Signature, Writer, media_service
from api.media.schemas import MediaShown
from api.media.service import MediaService
from api.media.upload_schemas import NewUpload, UploadShown
from api.problem_answers import refuses
from api.resources import WithResources
from storage.media_uploads import Owner

RECEIVING_PATH: Final = "/media-uploads"

_ANY_PICTURE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(tags=["media"])


async def _service(
    resources: WithResources, media: Annotated[MediaService, Depends(media_service)]
) -> DirectUploadService:
    return DirectUploadService(
        database=resources.database,
        store=resources.media_store,
        links=resources.media_links,
        media=media,
        max_bytes=resources.settings.media_max_bytes,
    )


Service = Annotated[DirectUploadService, Depends(_service)]
Media = Annotated[MediaService, Depends(media_service)]


@router.post(
    "/v1/media/uploads", status_code=201, responses=refuses(409), summary="Announce a picture"
)
async def begin_upload(service: Service, known: Writer, body: NewUpload) -> UploadShown:
    """The answer says where to send it: straight to the media store, for an hour.

    Needs `media:write`.
    """
    begun = await service.begin(Owner(workspace_id=known.workspace_id), body.announced())
    return UploadShown.of(*begun)


@router.post(
    "/v1/media/uploads/{upload_id}/complete",
    responses=refuses(409, 415, 503, 507),
    summary="Complete an upload",
)
async def complete_upload(
    service: Service, media: Media, known: Writer, upload_id: UUID
) -> MediaShown:
    """What arrived is looked at: its bytes decide, and what does not fit is deleted.

    Repeating this answers the same. Needs `media:write`.
    """
    kept = await service.complete(Owner(workspace_id=known.workspace_id), upload_id)
    return MediaShown.of(kept, media.url_of(kept))


@router.post(
    "/v1/users/me/media/uploads",
    status_code=201,
    responses=refuses(409),
    summary="Announce a picture of yours",
)
async def begin_own_upload(service: Service, user: WithUser, body: NewUpload) -> UploadShown:
    """The answer says where to send it: straight to the media store, for an hour."""
    begun = await service.begin(Owner(user_id=user.user_id), body.announced())
    return UploadShown.of(*begun)


@router.post(
    "/v1/users/me/media/uploads/{upload_id}/complete",
    responses=refuses(409, 415, 503, 507),
    summary="Complete an upload of yours",
)
async def complete_own_upload(
    service: Service, media: Media, user: WithUser, upload_id: UUID
) -> MediaShown:
    """What arrived is looked at: its bytes decide, and what does not fit is deleted.

    Repeating this answers the same.
    """
    kept = await service.complete(Owner(user_id=user.user_id), upload_id)
    return MediaShown.of(kept, media.url_of(kept))


@router.put(
    RECEIVING_PATH,
    status_code=204,
    openapi_extra=_ANY_PICTURE,
    responses=refuses(403, 404, 503, 507),
    summary="Send an announced picture",
)
async def receive_upload(
    service: Service,
    request: Request,
    upload_id: UUID,
    expires: Expires,
    signature: Signature,
) -> None:
    """Where the answer to the announcement leads, when the media store takes none itself."""
    await service.receive(
        upload_id,
        request.stream(),
        expires=expires,
        signature=signature,
        content_type=request.headers.get("content-type", ""),
    )
