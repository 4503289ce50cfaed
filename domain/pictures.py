"""Pictures that are shown in sizes."""

from enum import StrEnum
from typing import Final


class PictureStatus(StrEnum):
    """How far its sizes are."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class PictureSizeName(StrEnum):
    """The sizes that every picture is shown in."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


LONGER_SIDE: Final = {
    PictureSizeName.SMALL: 320,
    PictureSizeName.MEDIUM: 800,
    PictureSizeName.LARGE: 1600,
}
"""Pixels at most; nothing is made larger than it was."""
