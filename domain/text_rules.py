"""What a network would refuse about the words of a post, a reply or a comment."""

from collections.abc import Iterator
from functools import cache

import regex

from domain.content import Part
from domain.counting import cashtags, hashtags, mentions, utf8_bytes
from domain.limits import AccountLimits, NetworkRules
from domain.networks import Network
from domain.violations import Violation

_NOT_TEXT = "\0\ud800-\udfff"
"""NUL, which databases cannot store, and halves of surrogate pairs, which UTF-8 cannot hold."""


def check_text(
    network: Network, rules: NetworkRules, part: Part, field: str, limits: AccountLimits
) -> Iterator[Violation]:
    """All that `network` would refuse about the text of one part, which stands in `field`."""
    yield from check_characters(network, rules, part.text, field)
    limit = rules.max_characters if limits.max_characters is None else limits.max_characters
    warned = " with the content warning" if _counts_warning(rules, part) else ""
    yield from _too_much(
        network,
        rules,
        field,
        rule="text_too_long",
        what=f"characters{warned}",
        actual=rules.count(part, limits),
        limit=limit,
    )
    for rule, what, measure, allowed in (
        ("text_too_many_bytes", "bytes of UTF-8", utf8_bytes, rules.max_bytes),
        ("too_many_hashtags", "hashtags", hashtags, rules.max_hashtags),
        ("too_many_mentions", "mentions", mentions, rules.max_mentions),
        ("too_many_cashtags", "cashtags", cashtags, rules.max_cashtags),
    ):
        if allowed is not None:
            yield from _too_much(
                network,
                rules,
                field,
                rule=rule,
                what=what,
                actual=measure(part.text),
                limit=allowed,
            )


def check_characters(
    network: Network, rules: NetworkRules, text: str, field: str
) -> Iterator[Violation]:
    """Characters in a text that cannot be sent to `network`."""
    found = _refused(rules.refused_characters).findall(text)
    if found:
        shown = ", ".join(f"U+{ord(one):04X}" for one in dict.fromkeys(found))
        yield Violation(
            field=field,
            rule="character_not_allowed",
            actual=shown,
            message=f"{rules.name} does not take {shown}, which {field} contains.",
            fix=f"Delete the invisible character, or put a text without it into"
            f" {variant_path(network, field)}.",
        )


@cache
def _refused(characters: str) -> regex.Pattern[str]:
    return regex.compile(f"[{_NOT_TEXT}{characters}]")


def variant_path(network: Network, field: str) -> str:
    """Where a user can give `network` its own value for the content field that `field` is in."""
    return f"variants.{network}.{field.split('[', 1)[0]}"


def _too_much(
    network: Network,
    rules: NetworkRules,
    field: str,
    *,
    rule: str,
    what: str,
    actual: int,
    limit: int,
) -> Iterator[Violation]:
    """The violation of a countable limit, if it is one."""
    if actual <= limit:
        return
    where = "" if field == "text" else f" in {field}"
    allowed = "is allowed" if limit == 1 else "are allowed"
    excess = actual - limit
    advice = f"Take out {excess} of the {what}"
    if rule.startswith("text_"):
        advice = f"Shorten the text by {excess}{' bytes' if rule == 'text_too_many_bytes' else ''}"
    yield Violation(
        field=field,
        rule=rule,
        limit=limit,
        actual=actual,
        message=f"{rules.name} counts {actual} {what}{where}; {limit} {allowed}.",
        fix=f"{advice}, or put a shorter one into {variant_path(network, field)}.",
    )


def _counts_warning(rules: NetworkRules, part: Part) -> bool:
    """Whether the part's content warning is within its length."""
    return bool(part.content_warning) and "content_warning" in rules.takes
