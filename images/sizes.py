"""Pictures as they are shown: upright, in the colours of screens, with nothing hidden in them."""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageCms, ImageOps

from domain.pictures import LONGER_SIDE, PictureSizeName
from images.inspection import opened, reading, require_pixels

CONTENT_TYPE: Final = "image/webp"

_LARGEST: Final = max(LONGER_SIDE.values())
_QUALITY: Final = 82
"""Of WebP: about that of a JPEG at 90, in two thirds of its bytes."""
_EFFORT: Final = 4
"""Of WebP, 0 to 6: more takes much longer for a few percent."""
_COLOURS: Final = ImageCms.createProfile("sRGB")
_TRANSPARENT: Final = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SizedImage:
    """One size of a picture."""

    name: PictureSizeName
    content: bytes
    """WebP without EXIF, XMP, colour profile or comment."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""


def make_sizes(original: bytes, *, max_pixels: int) -> list[SizedImage]:
    """Every size of the picture, the largest first; of a moving one its first frame. Blocks.

    The same bytes give the same sizes. Raises NotAnImage, BrokenImage or TooManyPixels, the last
    before anything is decoded.
    """
    with opened(io.BytesIO(original)) as image:
        require_pixels(image, max_pixels)
        with reading():
            # JPEG only: decodes at a half, quarter or eighth when that is still large enough.
            image.draft(None, (_LARGEST, _LARGEST))
            shown = _for_screens(ImageOps.exif_transpose(image))
    return list(_shrunk(shown))


def _for_screens(image: Image.Image) -> Image.Image:
    """RGB or RGBA, in the colours that browsers take for granted."""
    profile = image.info.get("icc_profile")
    mode = "RGBA" if _is_transparent(image) else "RGB"
    if profile and image.mode in {"RGB", "RGBA", "CMYK", "L"}:
        # A broken profile is no reason to refuse a picture that can be seen without it.
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _COLOURS, outputMode=mode)
            if converted is not None:
                image = converted
    return image.convert(mode)


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in _TRANSPARENT or "transparency" in image.info


def _shrunk(image: Image.Image) -> Iterator[SizedImage]:
    """Each made of the one before: far less work, and no difference to be seen."""
    for name, longest in sorted(LONGER_SIDE.items(), key=lambda size: -size[1]):
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
        target = io.BytesIO()
        # Only what is given here is written: metadata of the original stays behind.
        bare = Image.frombytes(image.mode, image.size, image.tobytes())
        bare.save(target, "WEBP", quality=_QUALITY, method=_EFFORT)
        yield SizedImage(
            name=name, content=target.getvalue(), width=image.width, height=image.height
        )
