"""What lexicons are made of, each part refused in the words of the reference server.

A check takes a value and its place, such as `$.record.text`, and raises Invalid.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import regex

from sandbox.bluesky.identifiers import is_tid

Check = Callable[[Any, str], None]
MAX_PREVIEW = 48
_PLAIN_NAME = re.compile(r"[a-zA-Z_$][a-zA-Z0-9_]*")
_BLOB_KEYS = frozenset({"$type", "ref", "mimeType", "size"})
_DATA = "one of null, boolean, integer, string, cid, bytes, array or object"


class Invalid(Exception):
    """What is wrong, and where."""


# Formats of strings

_HANDLE = (
    r"(?=.{1,253}\Z)(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+"
    r"[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
_DID = r"(?=.{1,2048}\Z)did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]"
_NSID = (
    r"[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\.[a-zA-Z][a-zA-Z0-9]{0,62}"
)
_RECORD_KEY = r"(?!\.{1,2}\Z)[a-zA-Z0-9_~.:-]{1,512}"
# What ECMAScript takes for a space; Python's own idea of one differs.
_SPACE = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_LANGUAGE = "|".join(
    [
        "en-GB-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)",
        "sgn-(?:BE-FR|BE-NL|CH-DE)|art-lojban|cel-gaulish|no-bok|no-nyn",
        "zh-(?:guoyu|hakka|min|min-nan|xiang)",
        "(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?"
        "(?:-(?:[A-Za-z]{2}|[0-9]{3}))?(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
        "(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*(?:-x(?:-[A-Za-z0-9]{1,8})+)?",
        "x(?:-[A-Za-z0-9]{1,8})+",
    ]
)
# Any month has 31 days there, and no minute a leap second.
_DATETIME = (
    r"(?=.{1,64}\Z)(?!.*-00:00\Z)[0-9]{4}-(?:0[1-9]|1[012])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_PATTERNS = {
    "AT identifier": f"{_DID}|{_HANDLE}",
    "at-uri": rf"at://[^/?#\s]+(?:/{_NSID}(?:/{_RECORD_KEY})?)?",
    "CID string": r"b[a-z2-7]{58}",
    "datetime": _DATETIME,
    "DID": _DID,
    "handle": _HANDLE,
    "language": _LANGUAGE,
    "NSID": _NSID,
    "record key": _RECORD_KEY,
    "uri": rf"[a-zA-Z0-9_]+:(?://)?[^/{_SPACE}][^{_SPACE}]*",
}
_FORMATS = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}


def has_format(text: str, name: str) -> bool:
    if name == "TID string":
        return is_tid(text)
    if _FORMATS[name].fullmatch(text) is None:
        return False
    authority = text.removeprefix("at://").partition("/")[0]
    return name != "at-uri" or has_format(authority, "AT identifier")


# Checks


def string(
    *, max_bytes: int | None = None, max_graphemes: int | None = None, form: str | None = None
) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, str):
            raise _unexpected("string", value, place)
        if max_bytes is not None:
            _limit("string", max_bytes, len(value.encode()), place)
        if max_graphemes is not None:
            _limit("grapheme", max_graphemes, count_graphemes(value), place)
        if form is not None and not has_format(value, form):
            raise Invalid(f"Invalid {form} (got {_preview(value)}) at {place}")

    return check


def integer(minimum: int) -> Check:
    def check(value: Any, place: str) -> None:
        # The JSON of 1.0 and of 1 is one number to the server; other fractions do not come here.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _unexpected("integer", value, place)
        if value < minimum:
            raise Invalid(f"integer too small (minimum {minimum}, got {value:g}) at {place}")

    return check


def array(of: Check, maximum: int | None = None) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, list):
            raise _unexpected("array", value, place)
        if maximum is not None:
            _limit("array", maximum, len(value), place)
        for position, each in enumerate(value):
            of(each, f"{place}[{position}]")

    return check


def mapping(properties: Mapping[str, Check], optional: Collection[str] = ()) -> Check:
    """An object with those properties, looked at in that order, and any others."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise _unexpected("object", value, place)
        for name, of in properties.items():
            if name in value:
                of(value[name], _inside(place, name))
            elif name not in optional:
                raise Invalid(f"Missing required key {json.dumps(name)} at {place}")

    return check


def union(known: Mapping[str, Check]) -> Check:
    """One of these by its `$type`; what has another `$type` may be anything."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict) or "$type" not in value:
            raise _unexpected('an object which includes the "$type" property', value, place)
        string()(value["$type"], f"{place}.$type")
        if of := known.get(value["$type"]):
            of(value, place)

    return check


def blob(accepted: str, max_size: int) -> Check:
    """A reference to a file, judged by what it declares; `accepted` may end in `/*`."""

    def check(value: Any, place: str) -> None:
        if not is_blob(value):
            raise _unexpected("blob", value, place)
        declared = value["mimeType"]
        if declared != accepted and not (
            accepted.endswith("/*") and declared.startswith(accepted.removesuffix("*"))
        ):
            told = f"Expected {_preview(accepted)} (got {_preview(declared)})"
            raise Invalid(f"{told} at {place}.mimeType")
        _limit("blob", max_size, value["size"], place)

    return check


def data(value: Any, place: str) -> None:
    """An object that can be stored: its numbers are whole."""
    if not isinstance(value, dict):
        raise _unexpected("object", value, place)
    for inner, where in _values(value, place):
        if isinstance(inner, float) and not inner.is_integer():
            raise _unexpected(_DATA, inner, where)


def nullable(of: Check) -> Check:
    def check(value: Any, place: str) -> None:
        if value is not None:
            of(value, place)

    return check


# Values


def is_blob(value: Any) -> bool:
    """Whether it has the exact shape of a reference to a file."""
    if not isinstance(value, dict) or value.get("$type") != "blob" or set(value) != _BLOB_KEYS:
        return False
    kind, size, reference = value["mimeType"], value["size"], value["ref"]
    link = reference.get("$link") if isinstance(reference, dict) else None
    return (
        isinstance(kind, str)
        and "/" in kind
        and isinstance(size, int)
        and not isinstance(size, bool)
        and size >= 0
        and isinstance(link, str)
        and link.startswith("bafkrei")
        and has_format(link, "CID string")
    )


def blobs_in(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Each reference to a file, wherever it stands."""
    return [value for value, _ in _values(record, "$") if is_blob(value)]


def count_graphemes(text: str) -> int:
    """Extended grapheme clusters of Unicode: what a reader takes for one sign."""
    return len(regex.findall(r"\X", text))


def _values(value: Any, place: str) -> Iterator[tuple[Any, str]]:
    """The value and whatever is in it, with the places."""
    yield value, place
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(inner, _inside(place, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _values(inner, f"{place}[{position}]")


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{place}[{json.dumps(name)}]"


def _limit(what: str, maximum: int, actual: int, place: str) -> None:
    if actual > maximum:
        raise Invalid(f"{what} too big (maximum {maximum}, got {actual}) at {place}")


def _unexpected(expected: str, value: Any, place: str) -> Invalid:
    return Invalid(f"Expected {expected} value type (got {_preview(value)}) at {place}")


def _preview(value: Any) -> str:
    if isinstance(value, str):
        cut = value if len(value) < MAX_PREVIEW else f"{value[: MAX_PREVIEW - 1]}…"
        return json.dumps(cut, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{_first_two([_preview(each) for each in value[:3]])}]"
    if isinstance(value, dict):
        return f"{{{_first_two([f'{json.dumps(name)}: ...' for name in value])}}}"
    return json.dumps(value)


def _first_two(told: list[str]) -> str:
    return ", ".join(told[:2]) + (", ..." if len(told) > 2 else "")
