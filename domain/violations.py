"""What a network would refuse, told so that a person can mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One reason why a network would refuse a content."""

    field: str
    """Path into the content: `text`, `media[2]`, `media[0].alt_text`, `thread[1].text`."""

    rule: str
    """The broken rule as a stable word for programs, such as `text_too_long`."""

    limit: int | str | None = None
    """What is allowed, where that can be named."""

    actual: int | str | None = None
    """What was found, in the unit of `limit`."""

    message: str
    """What is wrong, where, and the number."""

    fix: str
    """What to do about it."""
