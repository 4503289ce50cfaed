"""What the supervisor prints: its own lines, and its children's lines under their names."""

import os
from typing import TextIO

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""ANSI foreground colours, given to the children in turn."""


class Terminal:
    """Prints to `out`, in colour when that is a terminal; `out=None` prints nothing."""

    def __init__(self, out: TextIO | None, *, width: int = 0) -> None:
        self._out = out
        self._width = width
        self._coloured = out is not None and out.isatty() and "NO_COLOR" not in os.environ
        self._colour_of: dict[str, int] = {}

    def say(self, text: str) -> None:
        """One line of the supervisor's own."""
        self._write(text)

    def child_line(self, name: str, line: str) -> None:
        """One line that a child printed."""
        self._write(f"{self._paint(name)} | {line}")

    def child_ready(self, name: str, what: str, seconds: float) -> None:
        """One part's progress while the stack starts."""
        self._write(f"  {self._paint(name)}  {what} in {seconds:.1f} s")

    def _paint(self, name: str) -> str:
        padded = name.ljust(self._width)
        if not self._coloured:
            return padded
        colour = self._colour_of.setdefault(name, COLOURS[len(self._colour_of) % len(COLOURS)])
        return f"\x1b[{colour}m{padded}\x1b[0m"

    def _write(self, text: str) -> None:
        if self._out is None:
            return
        try:
            print(text, file=self._out, flush=True)
        except OSError:
            self._out = None  # its reader is gone (`make up | head`); the stack need not go too
