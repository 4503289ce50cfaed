"""Photos and videos of Facebook Pages: fetched or received, alone or for an album."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account
from sandbox.fetching import FetchFailed
from sandbox.ledger import PublicMedia
from sandbox.media_store import sniff_content_type
from sandbox.meta.graph import graph_error
from sandbox.network import Call
from sandbox.parameters import Parameters
from sandbox.uploads import Upload

if TYPE_CHECKING:
    from sandbox.meta.facebook import Facebook

MAX_PHOTO_BYTES = 10 * 1024 * 1024
PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff"})
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})
_VIDEO_STATES = {"processing": "processing", "ready": "ready", "used": "ready", "failed": "error"}


def posting_photo(_: Request, parameters: Parameters) -> tuple[str, ...]:
    """An unpublished photo is an upload, a published one a post."""
    return ("publish",) if parameters.flag("published", default=True) else ("upload",)


class FacebookMedia:
    """The media edges, for the network they belong to."""

    def __init__(self, network: "Facebook") -> None:
        self._network = network
        self._state = network.state

    async def photo(self, call: Call) -> Response:
        page = self._network.of_own_account(call, call.path("id"))
        message = call.parameters.text("message") or call.parameters.text("caption") or ""
        self._network.check_text(message)
        content = await self._content(call, "url")
        content_type = sniff_content_type(content)
        if content_type not in PHOTO_TYPES or call.media_fails:
            raise graph_error(324, "(#324) Missing or invalid image file")
        if len(content) > MAX_PHOTO_BYTES:
            message = "Photos should be smaller and saved as JPG or PNG."
            raise graph_error(100, f"(#100) {message}", subcode=1366046)
        upload = self._new_upload(page, content, content_type, call)
        if not call.parameters.flag("published", default=True):
            self._state.uploads.save(upload)
            return JSONResponse({"id": upload.id})
        upload.state = "used"
        self._state.uploads.save(upload)
        entry = self._network.publish_post(call, page, message, (upload.as_media(),), {})
        return JSONResponse({"id": upload.id, "post_id": entry.id})

    async def video(self, call: Call) -> Response:
        """A video becomes public when its processing is over, which its status tells."""
        page = self._network.of_own_account(call, call.path("id"))
        description = call.parameters.text("description") or ""
        self._network.check_text(description)
        content = await self._content(call, "file_url")
        content_type = sniff_content_type(content)
        if content_type not in VIDEO_TYPES:
            raise graph_error(352, "(#352) Sorry, the video file you selected is not supported.")
        upload = self._new_upload(page, content, content_type, call)
        upload.state = "processing"
        upload.polls = call.processing_polls(self._state.settings.video_polls)
        upload.fails = call.media_fails
        published = call.parameters.flag("published", default=True)
        upload.details = {"description": description, "published": published}
        self._state.uploads.save(upload)
        return JSONResponse({"id": upload.id})

    def attach(self, page: Account, item: Any, position: int) -> PublicMedia:
        """One `{"media_fbid": …}` of an album: a photo of this page that no post has yet."""
        photo_id = str(item.get("media_fbid")) if isinstance(item, dict) else ""
        upload = self._network.upload_of(page, photo_id)
        if upload is None:
            message = f"(#100) Param attached_media[{position}][media_fbid] is not a photo"
            raise graph_error(100, message)
        if upload.state == "used":
            raise graph_error(100, "(#100) These photos were already posted.", subcode=1366051)
        return upload.as_media()

    def use(self, page: Account, media: tuple[PublicMedia, ...]) -> None:
        for item in media:
            if upload := self._network.upload_of(page, item.id):
                upload.state = "used"
                self._state.uploads.save(upload)

    def describe(self, call: Call, page: Account, object_id: str) -> dict[str, Any] | None:
        upload = self._network.upload_of(page, object_id)
        if upload is None:
            return None
        if upload.content_type not in VIDEO_TYPES:
            return {"id": upload.id, "name": upload.alt_text}
        self._advance_video(call, page, upload)
        described: dict[str, Any] = {
            "id": upload.id,
            "status": {"video_status": _VIDEO_STATES[upload.state]},
            "description": upload.details["description"],
            "post_id": upload.details.get("post_id"),
        }
        if entry := self._state.ledger.get("facebook", upload.details.get("post_id", "")):
            described["permalink_url"] = self._network.permalink(call.base, entry)
        return described

    def _advance_video(self, call: Call, page: Account, upload: Upload) -> None:
        self._state.uploads.poll(upload)
        if upload.state != "ready" or not upload.details["published"]:
            return
        description, media = upload.details["description"], (upload.as_media(),)
        entry = self._network.publish_post(call, page, description, media, {})
        upload.state = "used"
        upload.details = {**upload.details, "post_id": entry.id}
        self._state.uploads.save(upload)

    async def _content(self, call: Call, address: str) -> bytes:
        if file := call.parameters.files.get("source"):
            return file.content
        url = call.parameters.text(address)
        if not url:
            raise graph_error(324, "(#324) Requires upload file")
        try:
            return await self._state.fetcher.fetch(url)
        except FetchFailed as error:
            message = "(#324) Missing or invalid image file: the address could not be fetched"
            raise graph_error(324, message, subcode=2069019) from error

    def _new_upload(self, page: Account, content: bytes, content_type: str, call: Call) -> Upload:
        return Upload(
            network="facebook",
            account_id=page.id,
            id=self._state.identifiers.graph(),
            state="ready",
            created_at=self._state.clock.now(),
            sha256=self._state.media.put(content),
            content_type=content_type,
            size=len(content),
            alt_text=call.parameters.text("alt_text_custom"),
        )
