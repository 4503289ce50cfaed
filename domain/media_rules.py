"""What a network would refuse about the images of a post or a reply."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar
from uuid import UUID

from domain.content import Attachment, MediaFacts
from domain.counting import code_points
from domain.limits import AccountLimits, MediaRules, NetworkRules
from domain.networks import Network
from domain.text_rules import check_characters, variant_path
from domain.violations import Violation

_Limit = TypeVar("_Limit", int, int | None)


def check_media(
    network: Network,
    rules: NetworkRules,
    attachments: tuple[Attachment, ...],
    field: str,
    media: Mapping[UUID, MediaFacts],
    limits: AccountLimits,
) -> Iterator[Violation]:
    """All that `network` would refuse about the attachments that stand in `field`.

    An attachment whose id is not in `media` is a violation and is not examined further.
    """
    if not attachments and not rules.media.required:
        return
    allowed = _for_account(rules.media, limits)
    variant = variant_path(network, field)
    yield from _count(rules.name, allowed, attachments, field, variant)
    yield from _company(rules.name, allowed, attachments, field, variant, media)
    for number, attachment in enumerate(attachments):
        path = f"{field}[{number}]"
        facts = media.get(attachment.media_id)
        if facts is None:
            yield Violation(
                field=path,
                rule="media_unknown",
                actual=str(attachment.media_id),
                message=f"There is no media {attachment.media_id}, which {path} names.",
                fix="Upload the file first and use the id of that answer.",
            )
        else:
            yield from _file(rules.name, allowed, facts, path, variant)
        yield from _alt_text(network, rules, allowed, attachment, path)


def _for_account(media: MediaRules, limits: AccountLimits) -> MediaRules:
    """The network's media rules with what it told of the account put in their place."""
    return replace(
        media,
        max_items=_told(limits.max_media, media.max_items),
        max_bytes=_told(limits.max_image_bytes, media.max_bytes),
        max_pixels=_told(limits.max_image_pixels, media.max_pixels),
        max_alt_text=_told(limits.max_alt_text, media.max_alt_text),
    )


def _told(told: int | None, usual: _Limit) -> _Limit:
    """A limit of the account, or else the usual one."""
    return usual if told is None else told


def _count(
    name: str, allowed: MediaRules, attachments: tuple[Attachment, ...], field: str, variant: str
) -> Iterator[Violation]:
    """Too few or too many of them."""
    if allowed.required and not attachments:
        yield Violation(
            field=field,
            rule="media_required",
            limit=1,
            actual=0,
            message=f"{name} takes no post without an image.",
            fix=f"Add an image, put one into {variant}, or leave {name} out of this post.",
        )
    if len(attachments) > allowed.max_items:
        yield Violation(
            field=field,
            rule="too_many_media",
            limit=allowed.max_items,
            actual=len(attachments),
            message=f"{name} takes up to {allowed.max_items} images; {field} has"
            f" {len(attachments)}.",
            fix=f"Take out {len(attachments) - allowed.max_items}, or put fewer into {variant}.",
        )


def _company(
    name: str,
    allowed: MediaRules,
    attachments: tuple[Attachment, ...],
    field: str,
    variant: str,
    media: Mapping[UUID, MediaFacts],
) -> Iterator[Violation]:
    """A file of a type that stands alone, among others."""
    if len(attachments) < 2:
        return
    for number, attachment in enumerate(attachments):
        facts = media.get(attachment.media_id)
        if facts is not None and facts.content_type in allowed.alone:
            yield Violation(
                field=f"{field}[{number}]",
                rule="media_not_alone",
                limit=1,
                actual=len(attachments),
                message=f"{name} takes one {_short(facts.content_type)} alone;"
                f" {field} has {len(attachments)} images.",
                fix=f"Leave it alone in the post or take it out, or do so in {variant}.",
            )


def _file(
    name: str, allowed: MediaRules, facts: MediaFacts, path: str, variant: str
) -> Iterator[Violation]:
    """What is wrong with one file: its type, its weight, its size, its shape."""
    otherwise = f"or use another image in {variant}."
    if facts.content_type not in allowed.content_types:
        types = ", ".join(_short(one) for one in allowed.content_types)
        yield Violation(
            field=path,
            rule="media_type_not_allowed",
            limit=types,
            actual=facts.content_type,
            message=f"{name} takes {types}; {path} is {facts.content_type}.",
            fix=f"Convert the image to {_short(allowed.content_types[0])}, {otherwise}",
        )
    if allowed.max_bytes is not None and facts.size > allowed.max_bytes:
        yield Violation(
            field=path,
            rule="media_too_large",
            limit=allowed.max_bytes,
            actual=facts.size,
            message=f"{name} takes images of up to {allowed.max_bytes:,} bytes;"
            f" {path} has {facts.size:,}.",
            fix=f"Compress the image, {otherwise}",
        )
    pixels = facts.width * facts.height
    if allowed.max_pixels is not None and pixels > allowed.max_pixels:
        yield Violation(
            field=path,
            rule="media_too_many_pixels",
            limit=allowed.max_pixels,
            actual=pixels,
            message=f"{name} takes images of up to {allowed.max_pixels:,} pixels;"
            f" {path} has {facts.width} × {facts.height} = {pixels:,}.",
            fix=f"Scale the image down, {otherwise}",
        )
    yield from _shape(name, allowed, facts, path, otherwise)


def _shape(
    name: str, allowed: MediaRules, facts: MediaFacts, path: str, otherwise: str
) -> Iterator[Violation]:
    """An image that is too tall or too wide."""
    aspect = Fraction(facts.width, facts.height)
    too_tall = allowed.min_aspect is not None and aspect < allowed.min_aspect
    too_wide = allowed.max_aspect is not None and aspect > allowed.max_aspect
    if too_tall or too_wide:
        bounds = f"{_ratio(allowed.min_aspect)} to {_ratio(allowed.max_aspect)}"
        yield Violation(
            field=path,
            rule="media_aspect_ratio",
            limit=bounds,
            actual=f"{facts.width}:{facts.height}",
            message=f"{name} takes images from {bounds}, width to height; {path} is"
            f" {facts.width} × {facts.height}, too {'tall' if too_tall else 'wide'}.",
            fix=f"Crop the image, {otherwise}",
        )


def _alt_text(
    network: Network, rules: NetworkRules, allowed: MediaRules, attachment: Attachment, path: str
) -> Iterator[Violation]:
    """What is wrong with the description of one image."""
    field = f"{path}.alt_text"
    yield from check_characters(network, rules, attachment.alt_text, field)
    length = code_points(attachment.alt_text)
    if allowed.max_alt_text is not None and length > allowed.max_alt_text:
        yield Violation(
            field=field,
            rule="alt_text_too_long",
            limit=allowed.max_alt_text,
            actual=length,
            message=f"{rules.name} takes descriptions of up to {allowed.max_alt_text}"
            f" characters; {field} has {length}.",
            fix=f"Shorten it by {length - allowed.max_alt_text}, or describe the image more"
            f" briefly in {variant_path(network, field)}.",
        )


def _short(content_type: str) -> str:
    """A content type as people say it: JPEG."""
    return content_type.removeprefix("image/").upper()


def _ratio(aspect: Fraction | None) -> str:
    """A ratio as people write it: 4:5, and 1.91:1 where the short form is none."""
    if aspect is None:
        return "any"
    if aspect.denominator < 100:
        return f"{aspect.numerator}:{aspect.denominator}"
    return f"{float(aspect)}:1"
