"""The append-only file that lets accounts, tokens, containers and posts survive a restart.

Every lasting change is one JSON line: `record` writes it and applies it, `open` applies the lines
of an earlier run. So what a restart brings back is by construction what was there before it.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_CHANGE = "change"
# Built once: json.dumps builds an encoder for each call that has options.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Event = Mapping[str, Any]
Apply = Callable[[Event], None]


class Journal:
    """Writes changes down, then makes them happen."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._appliers: dict[str, Apply] = {}
        self._file: int | None = None

    def on(self, change: str, apply: Apply) -> None:
        self._appliers[change] = apply

    def record(self, change: str, event: Event) -> None:
        if self._file is not None:
            line = _ENCODER.encode({_CHANGE: change, **event})
            os.write(self._file, line.encode() + b"\n")
        self._appliers[change](event)

    def open(self) -> None:
        """Replay what an earlier run wrote, then go on writing behind it."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        whole = self._path.read_bytes()
        complete = whole[: whole.rfind(b"\n") + 1]
        # A process killed in the middle of a write leaves half a line: that change never happened.
        os.ftruncate(self._file, len(complete))
        for line in complete.splitlines():
            event = json.loads(line)
            self._appliers[event.pop(_CHANGE)](event)

    def clear(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
