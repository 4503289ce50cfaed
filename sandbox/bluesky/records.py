"""What the lexicon `app.bsky.feed.post` and the calls that carry records accept."""

from typing import Any

from sandbox.bluesky.input import xrpc_error
from sandbox.bluesky.lexicon import (
    Check,
    Invalid,
    array,
    blob,
    data,
    integer,
    mapping,
    nullable,
    string,
    union,
)

POST = "app.bsky.feed.post"
MAX_GRAPHEMES, MAX_BYTES = 300, 3_000
MAX_IMAGES, MAX_LANGUAGES, MAX_TAGS = 4, 3, 8
MAX_IMAGE, MAX_VIDEO = 1_000_000, 100_000_000

_TAG = string(max_bytes=640, max_graphemes=64)
_URI = string(form="uri")
_IMAGE_FILE = blob("image/*", MAX_IMAGE)
_ASPECT_RATIO = mapping({"width": integer(1), "height": integer(1)})
_FACET = mapping(
    {
        # Where a facet points is not compared with the text: readers drop what lies outside it.
        "index": mapping({"byteStart": integer(0), "byteEnd": integer(0)}),
        "features": array(
            union(
                {
                    "app.bsky.richtext.facet#mention": mapping({"did": string(form="DID")}),
                    "app.bsky.richtext.facet#link": mapping({"uri": _URI}),
                    "app.bsky.richtext.facet#tag": mapping({"tag": _TAG}),
                }
            )
        ),
    }
)
_REFERENCE = mapping({"uri": string(form="at-uri"), "cid": string(form="CID string")})
_IMAGE = mapping(
    {"image": _IMAGE_FILE, "alt": string(), "aspectRatio": _ASPECT_RATIO}, {"aspectRatio"}
)
_EXTERNAL = mapping(
    {"uri": _URI, "title": string(), "description": string(), "thumb": _IMAGE_FILE}, {"thumb"}
)
_MEDIA = {
    "app.bsky.embed.images": mapping({"images": array(_IMAGE, MAX_IMAGES)}),
    "app.bsky.embed.video": mapping(
        {
            "video": blob("video/mp4", MAX_VIDEO),
            "alt": string(max_bytes=10_000, max_graphemes=1_000),
            "aspectRatio": _ASPECT_RATIO,
        },
        {"alt", "aspectRatio"},
    ),
    "app.bsky.embed.external": mapping({"external": _EXTERNAL}),
}
_QUOTE = mapping({"record": _REFERENCE})
_EMBED = union(
    {
        **_MEDIA,
        "app.bsky.embed.record": _QUOTE,
        "app.bsky.embed.recordWithMedia": mapping({"record": _QUOTE, "media": union(_MEDIA)}),
    }
)
_POST_RECORD = mapping(
    {
        "text": string(max_bytes=MAX_BYTES, max_graphemes=MAX_GRAPHEMES),
        "facets": array(_FACET),
        "reply": mapping({"root": _REFERENCE, "parent": _REFERENCE}),
        "embed": _EMBED,
        "langs": array(string(form="language"), MAX_LANGUAGES),
        "tags": array(_TAG, MAX_TAGS),
        "createdAt": string(form="datetime"),
    },
    {"facets", "reply", "embed", "langs", "tags"},
)

_COLLECTION: dict[str, Check] = {
    "repo": string(form="AT identifier"),
    "collection": string(form="NSID"),
}
_PLACE: dict[str, Check] = {**_COLLECTION, "rkey": string(form="record key")}
_KEYED: dict[str, Check] = {**_COLLECTION, "rkey": string(max_bytes=512, form="record key")}
CREATE = mapping({**_KEYED, "record": data}, {"rkey"})
PUT = mapping(
    {**_KEYED, "record": data, "swapRecord": nullable(string(form="CID string"))}, {"swapRecord"}
)
DELETE = mapping(_PLACE)
GET = mapping({**_PLACE, "cid": string(form="CID string")}, {"cid"})
LIST = mapping(_COLLECTION)


def check_post(record: dict[str, Any], rkey: str) -> None:
    """Refuse a record that does not follow the lexicon, and a key that posts do not have."""
    kind = record.setdefault("$type", POST)
    if kind != POST:
        told = "null" if kind is None else kind
        raise xrpc_error(400, "InvalidRequest", f"Invalid $type: expected {POST}, got {told}")
    for check, value, place, what in (
        (string(form="TID string"), rkey, "$", f"record key for {POST}:"),
        (_POST_RECORD, record, "$.record", f"{POST} record:"),
    ):
        try:
            check(value, place)
        except Invalid as error:
            raise xrpc_error(400, "InvalidRequest", f"Invalid {what} {error}") from error
