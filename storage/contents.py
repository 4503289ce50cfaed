"""A post's content as JSON, and back."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from domain.content import Attachment, Content, PostContent, ThreadPart, Visibility
from domain.networks import Network


def to_json(content: PostContent) -> dict[str, Any]:
    """What is kept in a revision."""
    base = {name: _dump(getattr(content.base, name)) for name in _LOADERS}
    variants = {
        str(network): {name: _dump(value) for name, value in changes.items()}
        for network, changes in content.variants.items()
    }
    return {"base": base, "variants": variants}


def from_json(stored: Mapping[str, Any]) -> PostContent:
    """What was kept in a revision."""
    return PostContent(
        base=Content(**_load(stored["base"])),
        variants={
            Network(network): _load(changes) for network, changes in stored["variants"].items()
        },
    )


def _dump(value: object) -> Any:
    match value:
        case tuple():
            return [_dump(item) for item in value]
        case Attachment():
            return {"media_id": str(value.media_id), "alt_text": value.alt_text}
        case ThreadPart():
            return {"text": value.text, "media": _dump(value.media)}
        case _:
            return value


def _load(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _LOADERS[name](value) for name, value in stored.items()}


def _media(stored: list[dict[str, Any]]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(media_id=UUID(item["media_id"]), alt_text=item["alt_text"]) for item in stored
    )


def _thread(stored: list[dict[str, Any]]) -> tuple[ThreadPart, ...]:
    return tuple(ThreadPart(text=item["text"], media=_media(item["media"])) for item in stored)


def _as_is(stored: Any) -> Any:
    return stored


def _visibility(stored: str | None) -> Visibility | None:
    return Visibility(stored) if stored else None


_LOADERS: dict[str, Callable[[Any], Any]] = {
    "text": _as_is,
    "media": _media,
    "link": _as_is,
    "thread": _thread,
    "first_comment": _as_is,
    "content_warning": _as_is,
    "visibility": _visibility,
    "language": _as_is,
}
