"""What the lexicon `app.bsky.feed.post` accepts, checked in the words of the reference server."""

import re
from datetime import datetime
from typing import Any

import regex

from sandbox.bluesky_identifiers import is_tid
from sandbox.bluesky_sessions import xrpc_error
from sandbox.network import Refusal

POST = "app.bsky.feed.post"
MAX_GRAPHEMES, MAX_BYTES = 300, 3_000
MAX_IMAGES, MAX_LANGUAGES, MAX_TAGS = 4, 3, 8
_CID = re.compile(r"b[a-z2-7]{58}")
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,20})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_MAIN_PROPERTY = {
    "app.bsky.embed.images": ("images", list),
    "app.bsky.embed.external": ("external", dict),
    "app.bsky.embed.video": ("video", dict),
    "app.bsky.embed.record": ("record", dict),
    "app.bsky.embed.recordWithMedia": ("media", dict),
}
_FEATURES = {"mention": "did", "link": "uri", "tag": "tag"}


def check_key(rkey: str) -> None:
    if not is_tid(rkey):
        message = f'Invalid record key for {POST}: expected a TID, got "{rkey}"'
        raise xrpc_error(400, "InvalidRequest", message)


def count_graphemes(text: str) -> int:
    """Extended grapheme clusters of Unicode: what a reader takes for one sign."""
    return len(regex.findall(r"\X", text))


def check_post(record: Any) -> dict[str, Any]:
    """The record, when it follows the lexicon."""
    if not isinstance(record, dict):
        raise xrpc_error(400, "InvalidRequest", "Input/record must be an object")
    if record.setdefault("$type", POST) != POST:
        raise xrpc_error(400, "InvalidRequest", f"Invalid $type: expected {POST}")
    _check_text(record)
    _check_created_at(record)
    for name, limit in (("langs", MAX_LANGUAGES), ("tags", MAX_TAGS)):
        values = record.get(name, [])
        if not isinstance(values, list):
            raise _invalid(f"Record/{name} must be an array")
        if len(values) > limit:
            raise _invalid(f"Record/{name} must not have more than {limit} elements")
    _check_facets(record)
    _check_reply(record)
    if "embed" in record:
        _check_embed(record["embed"], "Record/embed")
    return record


def _invalid(message: str) -> Refusal:
    return xrpc_error(400, "InvalidRequest", f"Invalid {POST} record: {message}")


def _check_text(record: dict[str, Any]) -> None:
    text = record.get("text")
    if text is None:
        raise _invalid('Record must have the property "text"')
    if not isinstance(text, str):
        raise _invalid("Record/text must be a string")
    if len(text.encode()) > MAX_BYTES:
        raise _invalid(f"Record/text must not be longer than {MAX_BYTES} characters")
    if count_graphemes(text) > MAX_GRAPHEMES:
        raise _invalid(f"Record/text must not be longer than {MAX_GRAPHEMES} graphemes")


def _check_created_at(record: dict[str, Any]) -> None:
    created_at = record.get("createdAt")
    if created_at is None:
        raise _invalid('Record must have the property "createdAt"')
    is_datetime = isinstance(created_at, str) and _DATETIME.fullmatch(created_at) is not None
    if not is_datetime or not _parses(created_at):
        message = "Record/createdAt must be an valid atproto datetime (both RFC-3339 and ISO-8601)"
        raise _invalid(message)


def _parses(text: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", text))
    except ValueError:
        return False
    return True


def _check_facets(record: dict[str, Any]) -> None:
    """Facets point at bytes of the UTF-8 text, and at whole characters."""
    encoded = record["text"].encode()
    facets = record.get("facets", [])
    if not isinstance(facets, list):
        raise _invalid("Record/facets must be an array")
    for position, facet in enumerate(facets):
        place = f"Record/facets/{position}"
        index = _property(facet, "index", dict, place)
        start = _property(index, "byteStart", int, f"{place}/index")
        end = _property(index, "byteEnd", int, f"{place}/index")
        if not 0 <= start < end <= len(encoded):
            raise _invalid(f"{place}/index does not lie within the text")
        try:
            encoded[start:end].decode()
        except UnicodeDecodeError as error:
            raise _invalid(f"{place}/index cuts a character") from error
        for feature in _property(facet, "features", list, place):
            kind = _property(feature, "$type", str, f"{place}/features").rpartition("#")[2]
            if kind in _FEATURES:
                _property(feature, _FEATURES[kind], str, f"{place}/features")


def _check_reply(record: dict[str, Any]) -> None:
    if "reply" not in record:
        return
    reply = _property(record, "reply", dict, "Record")
    for name in ("root", "parent"):
        reference = _property(reply, name, dict, "Record/reply")
        uri = _property(reference, "uri", str, f"Record/reply/{name}")
        cid = _property(reference, "cid", str, f"Record/reply/{name}")
        if not uri.startswith("at://"):
            raise _invalid(f"Record/reply/{name}/uri must be a valid at-uri")
        if not _CID.fullmatch(cid):
            raise _invalid(f"Record/reply/{name}/cid must be a cid string")


def _check_embed(embed: Any, place: str) -> None:
    kind = _property(embed, "$type", str, place)
    if kind not in _MAIN_PROPERTY:
        raise _invalid(f"{place}/$type {kind} is not an embed")
    name, expected = _MAIN_PROPERTY[kind]
    main = _property(embed, name, expected, place)
    match kind:
        case "app.bsky.embed.images":
            _check_images(main, f"{place}/images")
        case "app.bsky.embed.external":
            for text in ("uri", "title", "description"):
                _property(main, text, str, f"{place}/external")
            if "thumb" in main:
                _check_blob(main["thumb"], f"{place}/external/thumb")
        case "app.bsky.embed.video":
            _check_blob(main, f"{place}/video")
        case "app.bsky.embed.recordWithMedia":
            _check_embed(main, f"{place}/media")


def _check_images(images: list[Any], place: str) -> None:
    if len(images) > MAX_IMAGES:
        raise _invalid(f"{place} must not have more than {MAX_IMAGES} elements")
    for position, image in enumerate(images):
        _property(image, "alt", str, f"{place}/{position}")
        _check_blob(_property(image, "image", dict, f"{place}/{position}"), f"{place}/image")


def _check_blob(blob: Any, place: str) -> None:
    reference = blob.get("ref") if isinstance(blob, dict) else None
    link = reference.get("$link") if isinstance(reference, dict) else None
    if not isinstance(link, str) or blob.get("$type") != "blob":
        raise _invalid(f"{place} should be a blob ref")


def _property(owner: Any, name: str, expected: type, place: str) -> Any:
    if not isinstance(owner, dict) or name not in owner:
        raise _invalid(f'{place} must have the property "{name}"')
    if not isinstance(owner[name], expected):
        raise _invalid(f"{place}/{name} has the wrong type")
    return owner[name]
