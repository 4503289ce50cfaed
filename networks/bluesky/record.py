"""The record that a Bluesky post is, built alike each time from what was written down ahead."""

from collections.abc import Mapping
from typing import Any

from domain.networks import Network
from domain.receipts import Receipt
from networks.bluesky.facets import facets_of
from networks.errors import Answer, ContentRefused
from networks.protocol import MediaFile, Outgoing

COLLECTION = "app.bsky.feed.post"


def post_record(outgoing: Outgoing) -> dict[str, Any]:
    """The record of that attempt; the same attempt always gives the same record."""
    piece = outgoing.piece
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": piece.text,
        "createdAt": outgoing.evidence["created_at"],
    }
    if piece.language:
        record["langs"] = [piece.language]
    if facets := facets_of(piece.text, outgoing.prepared.get("dids", {})):
        record["facets"] = facets
    if blobs := outgoing.prepared.get("blobs"):
        images = [_image(media, blob) for media, blob in zip(piece.media, blobs, strict=True)]
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    if outgoing.root and outgoing.parent:
        record["reply"] = {
            "root": _reference(outgoing.root),
            "parent": _reference(outgoing.parent),
        }
    return record


def is_same(value: Mapping[str, Any], outgoing: Outgoing) -> bool:
    """Whether the record that stands at the server is this attempt's."""
    return (
        value.get("text") == outgoing.piece.text
        and value.get("createdAt") == outgoing.evidence["created_at"]
    )


def _image(media: MediaFile, blob: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "alt": media.alt_text,
        "image": blob,
        "aspectRatio": {"width": media.width, "height": media.height},
    }


def _reference(receipt: Receipt) -> dict[str, str]:
    cid = receipt.details.get("cid")
    if cid is None or not receipt.remote_id.startswith("at://"):
        detail = (
            "Bluesky needs the exact version of the post that this one answers, and it is unknown."
        )
        raise ContentRefused(Network.BLUESKY, detail, answer=Answer(operation="publish"))
    return {"uri": receipt.remote_id, "cid": cid}
