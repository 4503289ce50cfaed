"""What a user wrote, and what of it one network gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.networks import Network


class Visibility(StrEnum):
    """Who sees a post, on networks that ask (Mastodon's words)."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"
    DIRECT = "direct"


class PartKind(StrEnum):
    """How a part of a delivery hangs on the one before it."""

    POST = "post"
    REPLY = "reply"
    COMMENT = "comment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """One uploaded media item as a post uses it."""

    media_id: UUID
    alt_text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadPart:
    """One continuation of a thread, published as a reply to the part before it."""

    text: str
    media: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """Everything that one network gets of a post."""

    text: str = ""
    media: tuple[Attachment, ...] = ()
    link: str | None = None
    thread: tuple[ThreadPart, ...] = ()
    first_comment: str | None = None
    content_warning: str | None = None
    visibility: Visibility | None = None
    language: str | None = None

    def parts(self) -> tuple["Part", ...]:
        """The pieces that are published one after the other: the post, its thread, its comment."""
        post = Part(
            index=0,
            kind=PartKind.POST,
            text=self.text,
            media=self.media,
            link=self.link,
            content_warning=self.content_warning,
            visibility=self.visibility,
            language=self.language,
        )
        replies = tuple(
            replace(
                post, index=number, kind=PartKind.REPLY, text=part.text, media=part.media, link=None
            )
            for number, part in enumerate(self.thread, start=1)
        )
        if self.first_comment is None:
            return (post, *replies)
        comment = Part(
            index=len(replies) + 1,
            kind=PartKind.COMMENT,
            text=self.first_comment,
            language=self.language,
        )
        return (post, *replies, comment)

    def attachments(self) -> tuple[Attachment, ...]:
        """Every media item used anywhere in it."""
        return (*self.media, *(item for part in self.thread for item in part.media))


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One piece of a delivery that is sent in one request and gets one receipt."""

    index: int
    kind: PartKind
    text: str
    media: tuple[Attachment, ...] = ()
    link: str | None = None
    content_warning: str | None = None
    visibility: Visibility | None = None
    language: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PostContent:
    """What the user wrote: a base, and per network the fields that differ there."""

    base: Content
    variants: Mapping[Network, Mapping[str, Any]] = field(default_factory=dict)
    """By network: `Content` field name → value, already of the field's type."""

    def __post_init__(self) -> None:
        """Refuse variant fields that `Content` does not have (a programming error)."""
        known = {item.name for item in fields(Content)}
        for network, changes in self.variants.items():
            if unknown := set(changes) - known:
                raise ValueError(f"variant for {network} has unknown fields {sorted(unknown)}")

    def for_network(self, network: Network) -> Content:
        """The base with that network's differences applied."""
        return replace(self.base, **self.variants.get(network, {}))

    def attachments(self) -> frozenset[UUID]:
        """Every media id used by the base or any variant."""
        contents = (self.base, *(self.for_network(network) for network in self.variants))
        return frozenset(item.media_id for one in contents for item in one.attachments())


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaFacts:
    """What is known of an uploaded file, measured from its bytes and never from its name."""

    media_id: UUID
    content_type: str
    size: int
    """Bytes."""
    width: int
    """Pixels, after EXIF orientation."""
    height: int
    """Pixels, after EXIF orientation."""
