"""Pictures as they are shown: in sizes, upright, with nothing hidden in them."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from images.inspection import BrokenImage, NotAnImage, TooManyPixels
from images.sizes import make_sizes

LIMIT = 10_000_000
ORIENTATION, GPS = 0x0112, 0x8825


def drawn(image: Image.Image, file_format: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, file_format, **options)
    return target.getvalue()


def pixel(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return found


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header tells of that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3200, 1600), {"large": (1600, 800), "medium": (800, 400), "small": (320, 160)}),
        ((600, 1200), {"large": (600, 1200), "medium": (400, 800), "small": (160, 320)}),
        ((40, 20), {"large": (40, 20), "medium": (40, 20), "small": (40, 20)}),
        ((2000, 1), {"large": (1600, 1), "medium": (800, 1), "small": (320, 1)}),
    ],
)
def test_a_picture_gets_its_sizes_and_none_is_larger_than_it_was(
    size: tuple[int, int], expected: dict[str, tuple[int, int]]
) -> None:
    made = make_sizes(drawn(Image.new("RGB", size, "navy"), "JPEG"), max_pixels=LIMIT)
    assert {one.name.value: (one.width, one.height) for one in made} == expected
    for one in made:
        picture = opened(one.content)
        assert (picture.format, picture.size) == ("WEBP", (one.width, one.height))


def test_nothing_of_the_camera_is_left_in_it() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    exif[0x010F] = "A camera that tells"
    exif[GPS] = {1: "N", 2: (52.0, 30.0, 0.0)}
    notes = PngInfo()
    notes.add_text("Comment", "A camera that tells")
    notes.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>A camera that tells</x:xmpmeta>")
    picture = Image.new("RGB", (400, 300), "navy")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for original in (
        drawn(picture, "JPEG", exif=exif, comment=b"A camera that tells", icc_profile=profile),
        drawn(picture, "PNG", exif=exif, pnginfo=notes),
        drawn(picture, "WEBP", exif=exif, icc_profile=profile),
    ):
        assert b"A camera that tells" in original
        for one in make_sizes(original, max_pixels=LIMIT):
            assert b"A camera that tells" not in one.content
            shown = opened(one.content)
            assert dict(shown.getexif()) == {}
            assert {"exif", "xmp", "icc_profile", "comment"}.isdisjoint(shown.info)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_it_stands_upright(file_format: str) -> None:
    lying = Image.new("RGB", (400, 200), "navy")
    lying.paste("red", (0, 0, 200, 200))  # the left half, which is the top when it stands
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for one in make_sizes(drawn(lying, file_format, exif=exif), max_pixels=LIMIT):
        shown = opened(one.content).convert("RGB")
        assert shown.size[0] * 2 == shown.size[1]
        red, _, blue = pixel(shown, (shown.width // 2, shown.height // 8))
        assert red > 200
        assert blue < 80


def test_what_is_transparent_stays_so() -> None:
    picture = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    for one in make_sizes(drawn(picture, "PNG"), max_pixels=LIMIT):
        assert pixel(opened(one.content).convert("RGBA"), (5, 5))[3] == 0


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("P", "GIF"), ("CMYK", "JPEG"), ("L", "JPEG"), ("1", "PNG"), ("LA", "PNG"), ("I;16", "PNG")],
)
def test_every_kind_of_pixel_is_taken(mode: str, file_format: str) -> None:
    assert len(make_sizes(drawn(Image.new(mode, (30, 20)), file_format), max_pixels=LIMIT)) == 3


def test_of_a_moving_picture_the_first_frame_is_shown() -> None:
    frames = [Image.new("RGB", (40, 20), colour) for colour in ("red", "navy", "green")]
    moving = drawn(frames[0], "GIF", save_all=True, append_images=frames[1:])
    for one in make_sizes(moving, max_pixels=LIMIT):
        shown = opened(one.content)
        assert getattr(shown, "n_frames", 1) == 1
        assert pixel(shown.convert("RGB"), (5, 5))[0] > 200


def test_a_broken_colour_profile_is_no_reason_to_refuse_it() -> None:
    original = drawn(Image.new("RGB", (40, 20), "red"), "JPEG", icc_profile=b"no profile at all")
    assert len(make_sizes(original, max_pixels=LIMIT)) == 3


def test_the_same_bytes_give_the_same_sizes() -> None:
    original = drawn(Image.effect_noise((900, 700), 50).convert("RGB"), "JPEG")
    assert make_sizes(original, max_pixels=LIMIT) == make_sizes(original, max_pixels=LIMIT)


def test_a_bomb_is_refused_by_its_header() -> None:
    assert len(bomb(50_000, 50_000)) < 500
    with pytest.raises(TooManyPixels):
        make_sizes(bomb(50_000, 50_000), max_pixels=LIMIT)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", NotAnImage),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", NotAnImage),
        (b"%PDF-1.7\n", NotAnImage),
        (drawn(Image.effect_noise((300, 300), 50), "JPEG")[:2000], BrokenImage),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        make_sizes(content, max_pixels=LIMIT)
