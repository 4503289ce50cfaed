"""Bluesky's blobs: taken as they come, compared with the first record, dropped without one."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account
from sandbox.bluesky.identifiers import blob_cid
from sandbox.bluesky.input import xrpc_error
from sandbox.bluesky.lexicon import blobs_in
from sandbox.ledger import PublicMedia
from sandbox.media_store import sniff_content_type
from sandbox.network import Call
from sandbox.uploads import State, Upload

if TYPE_CHECKING:
    from sandbox.bluesky.server import Bluesky

MAX_BLOB = 5 * 1024 * 1024
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
        declared = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "/" not in declared:
            message = "Request encoding (Content-Type) required but not provided"
            raise xrpc_error(400, "InvalidRequest", message)
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
        """What a record shows."""
        return tuple(
            PublicMedia(
                id=blob["ref"]["$link"],
                sha256=upload.sha256,
                content_type=upload.content_type,
                alt_text=alt_text or None,
            )
            for blob, alt_text in _shown(record.get("embed") or {})
            for upload in [self._blob(account, blob)]
        )

    def keep(self, account: Account, record: dict[str, Any]) -> None:
        """A blob in a record is no longer dropped; the first record must tell what it is."""
        uploads = [self._verified(account, blob) for blob in blobs_in(record)]
        for upload in uploads:
            upload.state = "used"
            self._state.uploads.save(upload)

    def _verified(self, account: Account, blob: dict[str, Any]) -> Upload:
        upload = self._blob(account, blob)
        if upload.state == "used":
            return upload
        for error, name, stored, told in (
            ("InvalidMimeType", "Mimetype", upload.content_type, blob["mimeType"]),
            ("InvalidSize", "Size", upload.size, blob["size"]),
        ):
            if stored != told:
                message = f"Referenced {name} does not match stored blob. "
                raise xrpc_error(400, error, f"{message}Expected: {stored}, Got: {told}")
        return upload

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


def _shown(embed: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Blob and alt text of each picture and video that readers see."""
    match embed.get("$type"):
        case "app.bsky.embed.recordWithMedia":
            yield from _shown(embed["media"])
        case "app.bsky.embed.images":
            for image in embed["images"]:
                yield image["image"], image["alt"]
        case "app.bsky.embed.video":
            yield embed["video"], embed.get("alt", "")
