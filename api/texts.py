"""Kinds of text that requests carry."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

_LAYOUT: Final = frozenset("\n\r\t")

_UNUSABLE: Final = {"Cc": "control character", "Cs": "half of a surrogate pair"}
"""By Unicode category: PostgreSQL keeps no NUL, and UTF-8 has no halves."""


class UnusableText(ValueError):
    """A text with a character that nobody can publish; `str()` of it names which and where."""

    rule = "character_not_allowed"
    fix = "Take that character out."


def require_plain(text: str) -> str:
    """The text as it is. Raises UnusableText."""
    for position, character in enumerate(text):
        unusable = _UNUSABLE.get(unicodedata.category(character))
        if unusable is not None and character not in _LAYOUT:
            raise UnusableText(
                f"There is a {unusable}, U+{ord(character):04X}, at position {position}."
            )
    return text


def _on_one_line(text: str) -> str:
    for character in require_plain(text):
        if character in _LAYOUT:
            raise UnusableText("There is a line break or a tab in what has to be one line.")
    return text


PlainText = Annotated[str, AfterValidator(require_plain)]
"""Text of any length and many lines."""

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_on_one_line),
]
"""What people call a thing: 1 to 100 characters on one line."""
