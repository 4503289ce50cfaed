"""From what a client writes to the domain's content."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.posts.wanted_schemas import AttachmentWanted, ContentWanted, PostWanted
from domain.content import Attachment, Content, PostContent, ThreadPart
from storage.media import Media

CONTENT_FIELDS = frozenset(ContentWanted.model_fields)


def media_places(wanted: PostWanted) -> dict[str, UUID]:
    """Every uploaded item that the post uses anywhere, by its place in the body."""
    places = _media_places("", wanted)
    for network, variant in wanted.variants.items():
        places |= _media_places(f"variants.{network}.", variant)
    return places


def content_of(wanted: PostWanted, media: Mapping[UUID, Media]) -> PostContent:
    """The post's content; alt texts that were left out are the uploads' own."""
    return PostContent(
        base=Content(**_fields(wanted, CONTENT_FIELDS, media)),
        variants={
            network: _fields(variant, variant.model_fields_set, media)
            for network, variant in wanted.variants.items()
        },
    )


def wanted_from(content: PostContent) -> dict[str, Any]:
    """A stored content as a client would write it: what a change starts from."""
    base = {name: _written(getattr(content.base, name)) for name in CONTENT_FIELDS}
    variants = {
        network: {name: _written(value) for name, value in changes.items()}
        for network, changes in content.variants.items()
    }
    return {**base, "variants": variants}


def _media_places(prefix: str, wanted: ContentWanted) -> dict[str, UUID]:
    lists = {f"{prefix}media": wanted.media}
    for number, part in enumerate(wanted.thread):
        lists[f"{prefix}thread[{number}].media"] = part.media
    return {
        f"{place}[{number}].media_id": item.media_id
        for place, items in lists.items()
        for number, item in enumerate(items)
    }


def _fields(
    wanted: ContentWanted, names: frozenset[str] | set[str], media: Mapping[UUID, Media]
) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(wanted, name) for name in names}
    if "media" in fields:
        fields["media"] = _attachments(wanted.media, media)
    if "thread" in fields:
        fields["thread"] = tuple(
            ThreadPart(text=part.text, media=_attachments(part.media, media))
            for part in wanted.thread
        )
    return fields


def _attachments(
    wanted: list[AttachmentWanted], media: Mapping[UUID, Media]
) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(media_id=item.media_id, alt_text=_alt_text(item, media)) for item in wanted
    )


def _alt_text(item: AttachmentWanted, media: Mapping[UUID, Media]) -> str:
    if item.alt_text is not None:
        return item.alt_text
    known = media.get(item.media_id)
    return known.alt_text if known else ""


def _written(value: object) -> Any:
    match value:
        case tuple():
            return [_written(item) for item in value]
        case Attachment():
            return {"media_id": value.media_id, "alt_text": value.alt_text}
        case ThreadPart():
            return {"text": value.text, "media": _written(value.media)}
        case _:
            return value
