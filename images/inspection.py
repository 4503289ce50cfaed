"""What an uploaded file really is, found in its bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from PIL import Image, ImageFile, UnidentifiedImageError

CONTENT_TYPES: Final = {
    "GIF": "image/gif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
"""By Pillow's name of the format. What is not here is not taken."""

# Pillow would warn at its own limit and refuse at twice that; ours is checked before decoding.
Image.MAX_IMAGE_PIXELS = None

_ORIENTATION: Final = 0x0112
_LYING: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that turn the picture by a quarter: what is stored as width is its height."""


class NotAnImage(Exception):
    """The bytes are no picture of a format that is taken."""


class BrokenImage(Exception):
    """It begins like a picture and cannot be read to its end."""


class TooManyPixels(Exception):
    """Decoding it would take too much memory, here and at the networks."""

    def __init__(self, width: int, height: int) -> None:
        """Pixels, as the file's header tells them."""
        super().__init__(f"{width} x {height}")
        self.width = width
        self.height = height


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFacts:
    """What was found."""

    content_type: str
    width: int
    """Pixels, after EXIF orientation."""
    height: int
    """Pixels, after EXIF orientation."""


def inspect_image(file: BinaryIO, *, max_pixels: int) -> ImageFacts:
    """Read the picture to its end. Blocks: run it in a thread.

    Raises NotAnImage, BrokenImage or TooManyPixels.
    """
    with opened(file) as image:
        require_pixels(image, max_pixels)
        width, height = image.size
        with reading():
            image.verify()  # spoils the image for decoding
    with opened(file) as image, reading():
        image.load()
        turned = image.getexif().get(_ORIENTATION) in _LYING
        return ImageFacts(
            content_type=CONTENT_TYPES[image.format or ""],
            width=height if turned else width,
            height=width if turned else height,
        )


def opened(file: BinaryIO) -> ImageFile.ImageFile:
    """The picture with its header read, and nothing decoded. Raises NotAnImage, BrokenImage."""
    file.seek(0)
    with reading():
        return Image.open(file, formats=tuple(CONTENT_TYPES))


def require_pixels(image: Image.Image, limit: int) -> None:
    """Raises TooManyPixels when the header tells of more."""
    if image.width * image.height > limit:
        raise TooManyPixels(image.width, image.height)


@contextmanager
def reading() -> Iterator[None]:
    """Pillow's decoders raise whatever they stumble over. Raises NotAnImage or BrokenImage."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise NotAnImage from error
    except Exception as error:
        raise BrokenImage(type(error).__name__) from error
