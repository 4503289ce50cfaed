"""Whom and what a text of the feed speaks of: @handles and #hashtags."""

from typing import Final

import regex

MENTION_LIMIT: Final = 20
"""People that one text can call; the rest of the handles are words like any other."""

HASHTAG_LIMIT: Final = 30
"""Hashtags under which one text is found."""

HASHTAG_LENGTH: Final = 100
"""Characters of a hashtag without its #; a longer one is none."""

_MENTION: Final = regex.compile(r"(?<![\w@./-])@(?P<handle>\w{1,64})(?![\w@])")
_HASHTAG: Final = regex.compile(r"(?<![\w&/])[#＃](?P<hashtag>[\w\p{M}]+)")


def mentioned_handles(text: str) -> tuple[str, ...]:
    """The handles after @, lower case, each once, in their order; at most MENTION_LIMIT.

    An e-mail address has none, nor has an address on another server.
    """
    found = dict.fromkeys(match["handle"].lower() for match in _MENTION.finditer(text))
    return tuple(found)[:MENTION_LIMIT]


def hashtags_in(text: str) -> tuple[str, ...]:
    """The hashtags without #, as they are kept, each once, in their order; at most HASHTAG_LIMIT.

    A number alone is none: "#1" is a rank.
    """
    found = dict.fromkeys(folded_hashtag(match["hashtag"]) for match in _HASHTAG.finditer(text))
    return tuple(
        hashtag
        for hashtag in found
        if len(hashtag) <= HASHTAG_LENGTH and any(one.isalpha() for one in hashtag)
    )[:HASHTAG_LIMIT]


def folded_hashtag(written: str) -> str:
    """The form in which a hashtag is kept and looked for: #Brötchen and #BRÖTCHEN are one."""
    return written.strip().lstrip("#＃").casefold()
