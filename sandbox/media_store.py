"""Bytes of images and videos by their SHA-256, in a folder or in memory."""

import hashlib
import io
import re
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaStore:
    """Keeps each distinct file once."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        if self._folder is None:
            self._memory[sha256] = content
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / sha256).write_bytes(content)
        return sha256

    def get(self, sha256: str) -> bytes | None:
        if not _SHA256.fullmatch(sha256):
            return None
        if self._folder is None:
            return self._memory.get(sha256)
        path = self._folder / sha256
        return path.read_bytes() if path.is_file() else None

    def clear(self) -> None:
        self._memory.clear()
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.iterdir():
                path.unlink()


def sniff_content_type(content: bytes) -> str | None:
    """The media type that the first bytes show, whatever the sender called it."""
    if content[4:8] == b"ftyp":
        return "video/quicktime" if content[8:10] == b"qt" else "video/mp4"
    starts = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF8": "image/gif",
        b"BM": "image/bmp",
        b"II*\x00": "image/tiff",
        b"MM\x00*": "image/tiff",
    }
    for start, content_type in starts.items():
        if content.startswith(start):
            return content_type
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None when it cannot be read as an image."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except (UnidentifiedImageError, OSError, ValueError):
        return None
