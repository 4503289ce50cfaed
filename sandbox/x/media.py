"""X's media: one-shot and chunked uploads, processing, alt texts, attaching them to posts."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.exchange import endpoint
from sandbox.ledger import PublicMedia
from sandbox.media_store import sniff_content_type
from sandbox.network import Call
from sandbox.parameters import Parameters
from sandbox.uploads import Upload
from sandbox.x.posts import invalid_request, problem

if TYPE_CHECKING:
    from sandbox.x.api import X

MEBIBYTE = 1024 * 1024
EXPIRES_SECONDS = 86_400
MAX_PART = 5 * MEBIBYTE
MAX_ALT_TEXT = 1_000
SIZES = {"tweet_image": 5 * MEBIBYTE, "tweet_gif": 15 * MEBIBYTE, "tweet_video": 512 * MEBIBYTE}
SIZES["amplify_video"] = SIZES["tweet_video"]
IMAGES = frozenset({"image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff"})


class XMedia:
    """The media endpoints, for the network they belong to."""

    def __init__(self, network: "X") -> None:
        self._network = network
        self._state = network.state
        self._parts: dict[str, dict[int, bytes]] = {}

    def routes(self) -> list[Route]:
        x, root = self._network, "/2/media/upload"
        return [
            endpoint(x, "POST", root, self.upload, _uploading),
            endpoint(x, "GET", root, self.status, "publish_status"),
            endpoint(x, "POST", f"{root}/initialize", self.initialize, "upload"),
            endpoint(x, "POST", f"{root}/{{id}}/append", self.append, "upload"),
            endpoint(x, "POST", f"{root}/{{id}}/finalize", self.finalize, "upload"),
            endpoint(x, "POST", "/2/media/metadata", self.metadata, "alt_text"),
        ]

    async def upload(self, call: Call) -> Response:
        """One-shot; the older form names the step of a chunked upload in `command`."""
        match call.parameters.text("command"):
            case "INIT":
                return await self.initialize(call)
            case "APPEND":
                return await self.append(call)
            case "FINALIZE":
                return await self.finalize(call)
        account = self._network.authenticated(call, "upload")
        content = _content(call.parameters)
        category = call.parameters.text("media_category") or "tweet_image"
        if content is None or category not in SIZES:
            raise invalid_request("media and media_category are required")
        upload = self._new_upload(account, category)
        self._complete(call, upload, content)
        return JSONResponse({"data": self._described(upload)})

    async def initialize(self, call: Call) -> Response:
        account = self._network.authenticated(call, "chunk")
        category = call.parameters.text("media_category") or "tweet_image"
        total = call.parameters.text("total_bytes") or ""
        if category not in SIZES or not total.isdigit() or not call.parameters.text("media_type"):
            raise invalid_request("media_type, total_bytes and media_category are required")
        upload = self._new_upload(account, category)
        upload.state, upload.size = "receiving", int(total)
        self._state.uploads.save(upload)
        self._parts[upload.id] = {}
        return JSONResponse({"data": self._described(upload)})

    async def append(self, call: Call) -> Response:
        upload = self._receiving(call)
        segment = call.parameters.text("segment_index") or ""
        content = _content(call.parameters)
        if content is None or not segment.isdigit() or int(segment) > 999:
            raise invalid_request("media and a segment_index from 0 to 999 are required")
        if len(content) > MAX_PART:
            raise problem(413, "Payload Too Large", "Payload Too Large")
        self._parts.setdefault(upload.id, {})[int(segment)] = content
        expires_at = int(upload.created_at.timestamp()) + EXPIRES_SECONDS
        return JSONResponse({"data": {"expires_at": expires_at}})

    async def finalize(self, call: Call) -> Response:
        upload = self._receiving(call)
        parts = self._parts.get(upload.id, {})
        content = b"".join(parts[segment] for segment in sorted(parts))
        if len(content) != upload.size:
            raise invalid_request(f"{len(content)} bytes came, {upload.size} were announced")
        self._parts.pop(upload.id, None)
        self._complete(call, upload, content)
        return JSONResponse({"data": self._described(upload)})

    async def status(self, call: Call) -> Response:
        account = self._network.authenticated(call, "upload")
        upload = self._network.upload_of(account, call.parameters.text("media_id") or "")
        if upload is None:
            raise problem(404, "Not Found", "Not Found", kind="resource-not-found")
        return JSONResponse({"data": self._described(self._state.uploads.poll(upload))})

    async def metadata(self, call: Call) -> Response:
        account = self._network.authenticated(call, "upload")
        upload = self._network.upload_of(account, call.parameters.text("id") or "")
        metadata = call.parameters.values.get("metadata")
        alt_text = metadata.get("alt_text") if isinstance(metadata, dict) else None
        text = alt_text.get("text") if isinstance(alt_text, dict) else None
        if upload is None or not isinstance(text, str) or not 0 < len(text) <= MAX_ALT_TEXT:
            raise invalid_request(f"id and an alt text of 1 to {MAX_ALT_TEXT} characters")
        upload.alt_text = text
        self._state.uploads.save(upload)
        return JSONResponse(
            {"data": {"id": upload.id, "associated_metadata": {"alt_text": {"text": text}}}}
        )

    def attach(
        self, account: Account, media_ids: tuple[str, ...], tagged: tuple[str, ...]
    ) -> tuple[PublicMedia, ...]:
        """The media of a post: the account's own, ready, and images or one other."""
        uploads = [self._network.upload_of(account, media_id) for media_id in media_ids]
        ready = [upload for upload in uploads if upload and upload.state == "ready"]
        if len(ready) != len(media_ids) or any(self._is_over(upload) for upload in ready):
            raise invalid_request("Your media IDs are invalid.")
        if len(tagged) > 10:
            raise invalid_request("$.media.tagged_user_ids: at most 10 items")
        if len(ready) > 1 and any(item.content_type not in IMAGES for item in ready):
            raise invalid_request("A post has up to 4 photos, or 1 GIF, or 1 video.")
        return tuple(upload.as_media() for upload in ready)

    def links(
        self, account: Account, post_id: str, media: tuple[PublicMedia, ...]
    ) -> list[dict[str, Any]]:
        return [
            {
                "expanded_url": f"https://x.com/{account.handle}/status/{post_id}/photo/1",
                "display_url": f"pic.x.com/{post_id[-10:]}",
                "media_key": f"3_{item.id}",
            }
            for item in media
        ]

    def _is_over(self, upload: Upload) -> bool:
        age = self._state.clock.now() - upload.created_at
        return age.total_seconds() > EXPIRES_SECONDS

    def _new_upload(self, account: Account, category: str) -> Upload:
        return Upload(
            network=self._network.name,
            account_id=account.id,
            id=self._state.identifiers.snowflake(),
            state="ready",
            created_at=self._state.clock.now(),
            details={"category": category},
        )

    def _complete(self, call: Call, upload: Upload, content: bytes) -> None:
        content_type = sniff_content_type(content)
        is_video = content_type in {"video/mp4", "video/quicktime"}
        category = upload.details["category"]
        if content_type is None or is_video != category.endswith("video"):
            raise invalid_request("The media type is not one of its category.")
        if len(content) > SIZES[category]:
            raise invalid_request(f"The media is larger than {SIZES[category]} bytes.")
        usual = 0 if content_type in IMAGES else self._state.settings.video_polls
        upload.sha256 = self._state.media.put(content)
        upload.content_type, upload.size = content_type, len(content)
        upload.polls, upload.fails = call.processing_polls(usual), call.media_fails
        upload.details = {**upload.details, "has_processing": upload.polls != 0}
        upload.details["has_processing"] |= upload.fails
        upload.state = "processing" if upload.details["has_processing"] else "ready"
        self._state.uploads.save(upload)

    def _receiving(self, call: Call) -> Upload:
        account = self._network.authenticated(call, "chunk")
        media_id = call.request.path_params.get("id") or call.parameters.text("media_id")
        upload = self._network.upload_of(account, media_id or "")
        if upload is None or upload.state != "receiving":
            raise invalid_request("There is no open upload with this id.")
        return upload

    def _described(self, upload: Upload) -> dict[str, Any]:
        described: dict[str, Any] = {
            "id": upload.id,
            "media_key": f"3_{upload.id}",
            "expires_after_secs": EXPIRES_SECONDS,
        }
        if upload.state != "receiving":
            described["size"] = upload.size
        if upload.details.get("has_processing"):
            described["processing_info"] = _processing_info(upload)
        return described


def _processing_info(upload: Upload) -> dict[str, Any]:
    match upload.state:
        case "ready" | "used":
            return {"state": "succeeded", "progress_percent": 100}
        case "failed":
            error = {"code": 3, "name": "UnsupportedMedia", "message": "Unsupported media"}
            return {"state": "failed", "error": error}
    was_looked_at = upload.looks > 0
    state = "in_progress" if was_looked_at else "pending"
    return {"state": state, "check_after_secs": 1, "progress_percent": 50 if was_looked_at else 0}


def _content(parameters: Parameters) -> bytes | None:
    if file := parameters.files.get("media"):
        return file.content
    try:
        return base64.b64decode(parameters.text("media") or "", validate=True) or None
    except binascii.Error:
        return None


def _uploading(_: Request, parameters: Parameters) -> tuple[str, ...]:
    return ("upload",) if parameters.text("command") != "STATUS" else ("publish_status",)
