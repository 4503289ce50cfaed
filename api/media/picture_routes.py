"""`/pictures`: sizes of pictures, as browsers fetch them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from api.media.routes import Expires, Signature
from api.problem_answers import refuses
from api.problems import NotFound, Problem, Unavailable
from api.resources import WithResources
from domain.pictures import PictureSizeName, PictureStatus
from images.sizes import CONTENT_TYPE
from storage import media as media_rows
from storage import pictures
from storage.database import Database
from storage.media_links import InvalidMediaLink, MediaLinks
from storage.media_store import MediaStore
from storage.pictures import PictureSize

router = APIRouter(tags=["media"])


class PictureService:
    """Finds what links to sizes lead to."""

    def __init__(self, database: Database, store: MediaStore, links: MediaLinks) -> None:
        """`store` has the bytes, `links` knows its own signatures."""
        self._database = database
        self._store = store
        self._links = links

    async def open_link(
        self, media_id: UUID, name: str, *, expires: int, signature: str
    ) -> tuple[PictureSize, timedelta]:
        """What a link leads to, and how much longer. Raises Problem."""
        try:
            left = self._links.verify_picture(media_id, expires=expires, signature=signature)
        except InvalidMediaLink as error:
            raise Problem(
                f"{error} Read again what shows the picture: it has a new one.",
                status=403,
                slug="invalid-media-link",
                title="This link does not work",
            ) from error
        async with self._database.transaction() as session:
            found = await pictures.find(session, media_id)
            if found is None and await media_rows.find_any(session, media_id) is not None:
                # It was published by an older version, which linked the original.
                await pictures.ask_for(session, [media_id])
                found = await pictures.find(session, media_id)
        if found is not None and found.status is PictureStatus.PROCESSING:
            raise Unavailable(
                "This size of the picture is being made. Fetch it again in a moment.",
                slug="picture-in-the-making",
                retry_after=1,
            )
        if found is None or name not in found.sizes:
            raise NotFound("picture", media_id, place="of this size")
        return found.sizes[name], left

    async def content(self, media_id: UUID, name: str) -> AsyncIterator[bytes]:
        """Its bytes, in chunks. Raises MediaStoreError before the first of them."""
        return await self._store.open(pictures.size_key(media_id, name))


async def _service(resources: WithResources) -> PictureService:
    return PictureService(resources.database, resources.media_store, resources.media_links)


@router.get(
    "/pictures/{media_id}",
    response_class=Response,
    responses={
        200: {"content": {CONTENT_TYPE: {}}, "description": "The picture."},
        **refuses(403, 503),
    },
    summary="Fetch a size of a picture by a signed link",
)
async def fetch_picture(
    service: Annotated[PictureService, Depends(_service)],
    media_id: UUID,
    size: PictureSizeName,
    expires: Expires,
    signature: Signature,
) -> StreamingResponse:
    """For browsers: the link itself is the permission, and may be cached as long as it works."""
    found, left = await service.open_link(
        media_id, size.value, expires=expires, signature=signature
    )
    headers = {
        "Content-Length": str(found.bytes),
        "ETag": f'"{found.sha256}"',
        "Cache-Control": f"public, max-age={int(left.total_seconds())}, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "inline",
    }
    content = await service.content(media_id, size.value)
    return StreamingResponse(content, media_type=CONTENT_TYPE, headers=headers)
