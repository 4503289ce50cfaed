"""Everything that a network would refuse about a content, found before anything is sent."""

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

import regex

from domain.content import Content, MediaFacts, Part, PartKind
from domain.limits import RULES, AccountLimits, NetworkRules
from domain.media_rules import check_media
from domain.networks import Network
from domain.text_rules import check_characters, check_text, variant_path
from domain.violations import Violation

__all__ = ["AccountLimits", "Violation", "check"]

_LINK: Final = regex.compile(r"https?://[^\s/?#]+\S*", regex.IGNORECASE)
_LANGUAGE: Final = regex.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")

_NOTHING_TOLD: Final = AccountLimits()


def check(
    network: Network,
    content: Content,
    media: Mapping[UUID, MediaFacts],
    *,
    limits: AccountLimits | None = None,
) -> tuple[Violation, ...]:
    """All that `network` would refuse about `content`, part by part; empty if it is fine.

    `media` holds the facts of every uploaded file that the content may use. `limits` are those the
    network told of the one account; where given they count instead of the network's usual ones.
    """
    rules = RULES[network]
    told = limits or _NOTHING_TOLD
    return (
        *_parts(network, rules, content, media, told),
        *_link(network, rules, content),
        *_content_warning(network, rules, content),
        *_unused_fields(network, rules, content),
        *_language(content),
    )


def _parts(
    network: Network,
    rules: NetworkRules,
    content: Content,
    media: Mapping[UUID, MediaFacts],
    limits: AccountLimits,
) -> Iterator[Violation]:
    """What is wrong with the post, its replies and its comment, as far as the network has them."""
    for part in content.parts():
        match part.kind:
            case PartKind.POST:
                yield from _empty(network, rules, part, "text")
                yield from check_text(network, rules, part, "text", limits)
                yield from check_media(network, rules, part.media, "media", media, limits)
            case PartKind.REPLY if "thread" in rules.takes:
                place = f"thread[{part.index - 1}]"
                yield from _empty(network, rules, part, f"{place}.text")
                yield from check_text(network, rules, part, f"{place}.text", limits)
                yield from check_media(network, rules, part.media, f"{place}.media", media, limits)
            case PartKind.COMMENT if "first_comment" in rules.takes:
                # No source names a limit for comments. None allows more there than in a post.
                yield from _empty(network, rules, part, "first_comment")
                yield from check_text(network, rules, part, "first_comment", limits)


def _empty(network: Network, rules: NetworkRules, part: Part, field: str) -> Iterator[Violation]:
    """A part with nothing in it. Where media is required, its absence is told by another rule."""
    if part.text.strip() or part.media:
        return
    if part.kind is PartKind.POST and (part.link or rules.media.required):
        return
    yield Violation(
        field=field,
        rule="text_empty",
        message=f"{rules.name} takes nothing empty, and {field} is empty.",
        fix=f"Write a text, or put one into {variant_path(network, field)}.",
    )


def _link(network: Network, rules: NetworkRules, content: Content) -> Iterator[Violation]:
    """A link that is none, or that the attached images would displace."""
    if content.link is None or "link" not in rules.takes:
        return
    if not _LINK.fullmatch(content.link):
        yield Violation(
            field="link",
            rule="link_not_a_url",
            actual=content.link,
            message="The link is not a web address.",
            fix="Write it in full: https://example.com/page.",
        )
    if content.media and rules.media.excludes_link:
        yield Violation(
            field="link",
            rule="link_with_media",
            limit=0,
            actual=len(content.media),
            message=f"{rules.name} shows a link preview or images, not both;"
            f" the post has a link and {len(content.media)} in media.",
            fix=f"Put the link into {variant_path(network, 'text')}, or leave the images out of"
            f" {variant_path(network, 'media')}.",
        )


def _content_warning(
    network: Network, rules: NetworkRules, content: Content
) -> Iterator[Violation]:
    """Characters in the content warning that cannot be sent; its length counts with the text."""
    if content.content_warning is not None and "content_warning" in rules.takes:
        yield from check_characters(network, rules, content.content_warning, "content_warning")


def _unused_fields(network: Network, rules: NetworkRules, content: Content) -> Iterator[Violation]:
    """Fields that are filled in and mean nothing to the network: they would be lost in silence."""
    filled = {
        "link": content.link is not None,
        "thread": bool(content.thread),
        "first_comment": content.first_comment is not None,
        "content_warning": content.content_warning is not None,
        "visibility": content.visibility is not None,
    }
    for field, is_filled in filled.items():
        if is_filled and field not in rules.takes:
            yield Violation(
                field=field,
                rule=f"{field}_not_supported",
                message=f"{rules.name} has no use for {field}.",
                fix=_elsewhere(network, field),
            )


def _elsewhere(network: Network, field: str) -> str:
    """Where a field belongs that one network has no use for."""
    nothing = "[]" if field == "thread" else "null"
    clear = f"set {variant_path(network, field)} to {nothing}"
    if field == "link":
        return f"Put the link into {variant_path(network, 'text')}, and {clear}."
    takers = " and ".join(
        variant_path(other, field) for other, rules in RULES.items() if field in rules.takes
    )
    return f"Put it into {takers} instead of the base, or {clear}."


def _language(content: Content) -> Iterator[Violation]:
    """A language that does not look like a BCP 47 tag."""
    if content.language is not None and not _LANGUAGE.fullmatch(content.language):
        yield Violation(
            field="language",
            rule="language_not_a_tag",
            actual=content.language,
            message="The language is not a language tag (BCP 47).",
            fix="Use a tag such as en, de or pt-BR.",
        )
