"""Mastodon's media: 200 when ready, 202 without a URL while processing, 206 when asked then."""

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account
from sandbox.ledger import PublicMedia
from sandbox.mastodon.statuses import mastodon_error
from sandbox.media_store import image_size, sniff_content_type
from sandbox.network import Call
from sandbox.uploads import Upload

if TYPE_CHECKING:
    from sandbox.mastodon.instance import Mastodon

IMAGE_BYTES, IMAGE_PIXELS = 16_777_216, 33_177_600
VIDEO_BYTES, VIDEO_FRAME_RATE = 103_809_024, 120
MAX_DESCRIPTION = 1_500
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
VIDEOS = ("video/mp4", "video/quicktime")
NOT_FINISHED = "Cannot attach files that have not finished processing. Try again in a moment!"


class MastodonMedia:
    """The media endpoints, for the instance they belong to."""

    def __init__(self, network: "Mastodon") -> None:
        self._network = network
        self._state = network.state

    def limits(self) -> dict[str, Any]:
        return {
            "supported_mime_types": [*IMAGES, *VIDEOS],
            "description_limit": MAX_DESCRIPTION,
            "image_size_limit": IMAGE_BYTES,
            "image_matrix_limit": IMAGE_PIXELS,
            "video_size_limit": VIDEO_BYTES,
            "video_frame_rate_limit": VIDEO_FRAME_RATE,
            "video_matrix_limit": IMAGE_PIXELS,
        }

    async def upload(self, call: Call) -> Response:
        account = self._network.authenticated(call)
        self._network.limits.spend(account, "media")
        file = call.parameters.files.get("file")
        if file is None:
            raise mastodon_error(422, "Validation failed: File can't be blank")
        content_type = _checked_type(file.content)
        description = _checked_description(call.parameters.text("description"))
        usual = self._state.settings.video_polls if content_type in VIDEOS else 0
        upload = Upload(
            network="mastodon",
            account_id=account.id,
            id=self._state.identifiers.mastodon(),
            state="processing",
            created_at=self._state.clock.now(),
            sha256=self._state.media.put(file.content),
            content_type=content_type,
            size=len(file.content),
            alt_text=description,
            polls=call.processing_polls(usual),
            fails=call.media_fails,
        )
        if upload.polls == 0 and not upload.fails:
            upload.state = "ready"
        self._state.uploads.save(upload)
        status = 200 if upload.state == "ready" else 202
        return JSONResponse(self._shown(call, upload), status)

    async def get(self, call: Call) -> Response:
        upload = self._state.uploads.poll(self._own_unattached(call))
        if upload.state == "failed":
            raise mastodon_error(422, "Error processing thumbnail for uploaded media")
        status = 200 if upload.state == "ready" else 206
        return JSONResponse(self._shown(call, upload), status)

    async def describe(self, call: Call) -> Response:
        upload = self._own_unattached(call)
        upload.alt_text = _checked_description(call.parameters.text("description"))
        self._state.uploads.save(upload)
        return JSONResponse(self._shown(call, upload))

    def attach(self, account: Account, media_ids: tuple[str, ...]) -> tuple[PublicMedia, ...]:
        uploads = [self._network.upload_of(account, media_id) for media_id in media_ids]
        found = [upload for upload in uploads if upload is not None and upload.state != "used"]
        if len(found) < len(media_ids):
            known = {upload.id for upload in found}
            missing = ", ".join(media_id for media_id in media_ids if media_id not in known)
            message = f"Media {missing} not found or already attached to another post"
            raise mastodon_error(422, f"Validation failed: {message}")
        if len(found) > 1 and any(upload.content_type in VIDEOS for upload in found):
            message = "Cannot attach a video to a post that already contains images"
            raise mastodon_error(422, f"Validation failed: {message}")
        if any(upload.state != "ready" for upload in found):
            raise mastodon_error(422, NOT_FINISHED)
        return tuple(upload.as_media() for upload in found)

    def use(self, account: Account, media: tuple[PublicMedia, ...]) -> None:
        for item in media:
            if upload := self._network.upload_of(account, item.id):
                upload.state = "used"
                self._state.uploads.save(upload)

    def _own_unattached(self, call: Call) -> Upload:
        """Media that a status already has reads as not there."""
        account = self._network.authenticated(call)
        upload = self._network.upload_of(account, call.path("id"))
        if upload is None or upload.state == "used":
            raise mastodon_error(404, "Record not found")
        return upload

    def _shown(self, call: Call, upload: Upload) -> dict[str, Any]:
        is_ready = upload.state == "ready"
        url = f"{call.base}/pages/media/{upload.sha256}" if is_ready else None
        return {
            "id": upload.id,
            "type": "video" if upload.content_type in VIDEOS else "image",
            "url": url,
            "preview_url": url,
            "remote_url": None,
            "text_url": None,
            "meta": {"focus": {"x": 0.0, "y": 0.0}},
            "description": upload.alt_text,
            "blurhash": None,
        }


def _checked_type(content: bytes) -> str:
    content_type = sniff_content_type(content)
    if content_type not in {*IMAGES, *VIDEOS} or content_type is None:
        raise mastodon_error(422, "Validation failed: File content type is invalid")
    is_video = content_type in VIDEOS
    if len(content) > (VIDEO_BYTES if is_video else IMAGE_BYTES):
        raise mastodon_error(413, "Request Entity Too Large")
    size = None if is_video else image_size(content)
    if size is not None and size[0] * size[1] > IMAGE_PIXELS:
        message = f"{size[0]}x{size[1]} images are not supported"
        raise mastodon_error(422, f"Validation failed: File {message}")
    return content_type


def _checked_description(description: str | None) -> str | None:
    if description is not None and len(description) > MAX_DESCRIPTION:
        message = f"Description is too long (maximum is {MAX_DESCRIPTION} characters)"
        raise mastodon_error(422, f"Validation failed: {message}")
    return description
