"""Kinds of text that requests carry."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

_LAYOUT: Final = frozenset("\n\r\t")


def _without_controls(text: str) -> str:
    for position, character in enumerate(text):
        if unicodedata.category(character) == "Cc" and character not in _LAYOUT:
            raise ValueError(
                f"has the control character U+{ord(character):04X} at position {position}"
            )
    return text


def _on_one_line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("has a line break or another control character")
    return text


PlainText = Annotated[str, AfterValidator(_without_controls)]
"""Text of any length and many lines. Without control characters: PostgreSQL keeps no NUL."""

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_on_one_line),
]
"""What people call a thing: 1 to 100 characters on one line."""
