"""Bluesky's blobs: taken as they come, checked when a record names them, dropped when none does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account
from sandbox.bluesky_identifiers import blob_cid
from sandbox.bluesky_sessions import xrpc_error
from sandbox.ledger import PublicMedia
from sandbox.media_store import sniff_content_type
from sandbox.network import Call
from sandbox.uploads import State, Upload

if TYPE_CHECKING:
    from sandbox.bluesky import Bluesky

MAX_BLOB = 52_428_800
MAX_IMAGE = 1_000_000
MAX_VIDEO = 100_000_000
UNREFERENCED_LIFETIME = timedelta(hours=1)


class BlueskyBlobs:
    """Stores blobs and finds those of a record."""

    def __init__(self, network: "Bluesky") -> None:
        self._network = network
        self._state = network.state
        self._sessions = network.sessions

    async def upload(self, call: Call) -> Response:
        account = self._sessions.authenticated(call)
        content = call.parameters.body
        if len(content) > MAX_BLOB:
            raise xrpc_error(413, "PayloadTooLarge", "request entity too large")
        declared = call.request.headers.get("content-type", "application/octet-stream")
        content_type = sniff_content_type(content) or declared
        cid = blob_cid(content)
        earlier = self._network.upload_of(account, _blob_id(account, cid))
        state: State = "used" if earlier is not None and earlier.state == "used" else "ready"
        upload = Upload(
            network="bluesky",
            account_id=account.id,
            id=_blob_id(account, cid),
            state="failed" if call.media_fails else state,
            created_at=self._state.clock.now(),
            sha256=self._state.media.put(content),
            content_type=content_type,
            size=len(content),
        )
        self._state.uploads.save(upload)
        reference = {"$link": cid}
        blob = {
            "$type": "blob",
            "ref": reference,
            "mimeType": content_type,
            "size": len(content),
        }
        return JSONResponse({"blob": blob})

    def media_of(self, account: Account, record: dict[str, Any]) -> tuple[PublicMedia, ...]:
        """What a record shows; each blob must be there, small enough and of the right kind."""
        shown = []
        for path, blob, alt_text in _blobs_of(record.get("embed") or {}):
            upload = self._blob(account, blob)
            is_video = path == "video"
            if not upload.content_type.startswith("video/mp4" if is_video else "image/"):
                message = f"Wrong type of file. It is {upload.content_type} at {path}"
                raise xrpc_error(400, "InvalidMimeType", message)
            limit = MAX_VIDEO if is_video else MAX_IMAGE
            if upload.size > limit:
                message = (
                    f"This file is too large. It is {upload.size / 1e6:.2f}MB"
                    f" but the maximum size is {limit / 1e6:g}MB."
                )
                raise xrpc_error(400, "BlobTooLarge", message)
            if path != "thumb":
                shown.append(
                    PublicMedia(
                        id=blob["ref"]["$link"],
                        sha256=upload.sha256,
                        content_type=upload.content_type,
                        alt_text=alt_text or None,
                    )
                )
        return tuple(shown)

    def keep(self, account: Account, record: dict[str, Any]) -> None:
        """A blob in a record is no longer dropped."""
        for _, blob, _ in _blobs_of(record.get("embed") or {}):
            upload = self._blob(account, blob)
            upload.state = "used"
            self._state.uploads.save(upload)

    def _blob(self, account: Account, blob: dict[str, Any]) -> Upload:
        cid = blob["ref"]["$link"]
        upload = self._network.upload_of(account, _blob_id(account, cid))
        is_gone = upload is None or upload.state == "failed"
        if upload is not None and upload.state == "ready":
            age = self._state.clock.now() - upload.created_at
            is_gone = age > UNREFERENCED_LIFETIME
        if upload is None or is_gone:
            raise xrpc_error(400, "BlobNotFound", f"Could not find blob: {cid}")
        return upload


def _blob_id(account: Account, cid: str) -> str:
    """The same bytes have the same CID, so two accounts need two names for them."""
    return f"{account.id}/{cid}"


def _blobs_of(embed: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Place, blob and alt text of each blob in an embed."""
    kind = embed.get("$type", "")
    if kind == "app.bsky.embed.recordWithMedia":
        yield from _blobs_of(embed["media"])
    for image in embed.get("images", []) if kind == "app.bsky.embed.images" else []:
        yield "images", image["image"], image["alt"]
    if kind == "app.bsky.embed.video":
        yield "video", embed["video"], embed.get("alt", "")
    if kind == "app.bsky.embed.external" and "thumb" in embed["external"]:
        yield "thumb", embed["external"]["thumb"], ""
