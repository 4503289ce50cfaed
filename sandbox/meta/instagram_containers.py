"""Instagram's containers: media really fetched, then processed, then published or expired."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import regex
from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account
from sandbox.fetching import FetchFailed, FetchTimedOut
from sandbox.media_store import image_size, sniff_content_type
from sandbox.meta.graph import graph_error, indexed_list
from sandbox.network import Call
from sandbox.parameters import Parameters
from sandbox.uploads import Upload

if TYPE_CHECKING:
    from sandbox.meta.instagram import Instagram

MAX_CAPTION, MAX_HASHTAGS, MAX_MENTIONS = 2_200, 30, 20
MAX_IMAGE_BYTES = 8 * 1024 * 1024
NARROWEST, WIDEST = 4 / 5, 1.91
# Rounding a picture's sides to whole pixels moves its ratio by a little.
RATIO_TOLERANCE = 0.01
MIN_CHILDREN, MAX_CHILDREN = 2, 10
LIFETIME = timedelta(hours=24)
_PRODUCTS = {"STORIES": "STORY", "REELS": "REELS"}
_STATUSES = {"processing": "IN_PROGRESS", "ready": "FINISHED", "failed": "ERROR"}
_STATUS_TEXTS = {
    "IN_PROGRESS": "In Progress: Media is still being processed.",
    "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
    "ERROR": "Error: Media upload has failed with error code 2207053",
    "EXPIRED": "Expired: The container was not published within 24 hours.",
    "PUBLISHED": "Published: Media has been published.",
}


class InstagramContainers:
    """Creates containers and knows which can be published."""

    def __init__(self, network: "Instagram") -> None:
        self._network = network
        self._state = network.state

    async def create(self, call: Call) -> Response:
        account = self._network.of_own_account(call, call.path("id"))
        caption = call.parameters.text("caption") or ""
        _check_caption(caption)
        media_type = _media_type(call.parameters)
        container = Upload(
            network=self._network.name,
            account_id=account.id,
            id=self._state.identifiers.graph(),
            state="processing",
            created_at=self._state.clock.now(),
            alt_text=call.parameters.text("alt_text"),
            fails=call.media_fails,
        )
        if media_type == "CAROUSEL":
            media = self._children(account, call.parameters)
        else:
            await self._fetch_into(container, call.parameters, media_type)
            media = [_media_of(container)]
        container.details = {
            "caption": caption,
            "media_type": _shown_type(media_type, container.content_type),
            "media_product_type": _PRODUCTS.get(media_type, "FEED"),
            "is_carousel_item": call.parameters.flag("is_carousel_item", default=False),
            "media": media,
        }
        container.polls = call.processing_polls(self._state.settings.container_polls)
        if container.polls == 0 and not container.fails:
            container.state = "ready"
        self._state.uploads.save(container)
        return JSONResponse({"id": container.id})

    def publishable(self, account: Account, creation_id: str | None) -> Upload:
        """The container to publish, or the reason why it cannot be."""
        container = self._network.upload_of(account, creation_id or "")
        if container is None or container.details["is_carousel_item"]:
            raise graph_error(24, "The requested resource does not exist", subcode=2207006)
        match self._status(container):
            case "PUBLISHED":
                raise graph_error(100, "(#100) The media of this container is published already")
            case "EXPIRED":
                raise graph_error(24, "The media builder has expired", subcode=2207008)
            case "IN_PROGRESS" | "ERROR":
                raise graph_error(
                    9007,
                    "Media ID is not available",
                    subcode=2207027,
                    title="Media is not ready",
                    user_message="The media is not ready for publishing, please wait a moment",
                )
        return container

    def describe(self, container: Upload) -> dict[str, Any]:
        """One look at the status; looking also brings the processing forward."""
        self._state.uploads.poll(container)
        status = self._status(container)
        return {"id": container.id, "status_code": status, "status": _STATUS_TEXTS[status]}

    def _status(self, container: Upload) -> str:
        if container.state == "used":
            return "PUBLISHED"
        if self._state.clock.now() - container.created_at >= LIFETIME:
            return "EXPIRED"
        return _STATUSES[container.state]

    def _children(self, account: Account, parameters: Parameters) -> list[dict[str, Any]]:
        ids = indexed_list(parameters, "children")
        if len(ids) == 1 and isinstance(ids[0], str):
            ids = ids[0].split(",")
        ids = [str(child).strip() for child in ids if child]
        if not MIN_CHILDREN <= len(ids) <= MAX_CHILDREN:
            message = f"A carousel has {MIN_CHILDREN} to {MAX_CHILDREN} children"
            raise graph_error(100, message, subcode=2207028)
        media: list[dict[str, Any]] = []
        for child_id in ids:
            child = self._network.upload_of(account, child_id)
            if child is None or not child.details["is_carousel_item"]:
                raise graph_error(24, "The requested resource does not exist", subcode=2207006)
            if self._status(child) == "EXPIRED":
                raise graph_error(-2, "The media has expired", subcode=2207020)
            if child.state != "ready":
                raise graph_error(9007, "Media ID is not available", subcode=2207027)
            media += child.details["media"]
        return media

    async def _fetch_into(self, container: Upload, parameters: Parameters, media_type: str) -> None:
        image_url, video_url = parameters.text("image_url"), parameters.text("video_url")
        if not (image_url or video_url):
            raise graph_error(100, "(#100) The parameter image_url is required")
        try:
            content = await self._state.fetcher.fetch(image_url or video_url or "")
        except FetchTimedOut as error:
            raise graph_error(-2, "Timeout downloading the media", subcode=2207003) from error
        except FetchFailed as error:
            raise graph_error(
                9004,
                "Only photo or video can be accepted as media type.",
                subcode=2207052,
                title="Media download has failed",
                user_message="The media could not be fetched from this URI",
            ) from error
        if image_url:
            _check_image(content, is_story=media_type == "STORIES")
        elif sniff_content_type(content) not in {"video/mp4", "video/quicktime"}:
            raise graph_error(352, "The video format is not supported", subcode=2207026)
        container.sha256 = self._state.media.put(content)
        container.content_type = sniff_content_type(content) or "application/octet-stream"
        container.size = len(content)


def _media_type(parameters: Parameters) -> str:
    asked = (parameters.text("media_type") or "IMAGE").upper()
    if asked not in {"IMAGE", "VIDEO", "REELS", "STORIES", "CAROUSEL"}:
        raise graph_error(100, f"(#100) {asked} is not a media type", subcode=2207023)
    if asked == "VIDEO" and not parameters.flag("is_carousel_item", default=False):
        message = "The VIDEO value for media_type is no longer supported. Use REELS."
        raise graph_error(100, message, subcode=2207067)
    if asked in {"VIDEO", "REELS"} and not parameters.text("video_url"):
        raise graph_error(100, "(#100) The parameter video_url is required")
    return asked


def _shown_type(media_type: str, content_type: str) -> str:
    if media_type == "CAROUSEL":
        return "CAROUSEL_ALBUM"
    return "VIDEO" if content_type.startswith("video/") else "IMAGE"


def _media_of(container: Upload) -> dict[str, Any]:
    media = container.as_media()
    return {name: getattr(media, name) for name in ("id", "sha256", "content_type", "alt_text")}


def _check_caption(caption: str) -> None:
    limits = (
        (len(caption), MAX_CAPTION, "characters"),
        (len(regex.findall(r"(?<!\w)[#＃]\w*[\p{L}_]\w*", caption)), MAX_HASHTAGS, "hashtags"),
        (len(regex.findall(r"(?<!\w)@[\w.]+", caption)), MAX_MENTIONS, "mentions"),
    )
    for count, limit, name in limits:
        if count > limit:
            message = f"The caption has {count} {name}, at most {limit} are allowed"
            raise graph_error(36004, message, subcode=2207010)


def _check_image(content: bytes, *, is_story: bool) -> None:
    size = image_size(content)
    if sniff_content_type(content) != "image/jpeg" or size is None:
        raise graph_error(36001, "The image format is not supported: JPEG only", subcode=2207005)
    if len(content) > MAX_IMAGE_BYTES:
        raise graph_error(36000, "The image size is too large", subcode=2207004)
    ratio = size[0] / size[1]
    is_fitting = NARROWEST - RATIO_TOLERANCE <= ratio <= WIDEST + RATIO_TOLERANCE
    if not (is_fitting or is_story):
        raise graph_error(
            36003,
            "The submitted image with aspect ratio is not supported",
            subcode=2207009,
            user_message=f"The aspect ratio {ratio:.2f} is not between 4:5 and 1.91:1",
        )
