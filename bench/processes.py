"""What processes cost, from /proc: processor time and memory, children included."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PROC = Path("/proc")
TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Of one process or, added up, of a tree of them."""

    cpu_seconds: float = 0.0
    """User and system, since the start."""
    memory_bytes: int = 0
    """Resident, pages shared with others included."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            memory_bytes=self.memory_bytes + other.memory_bytes,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    parent: int
    usage: Usage


def usage_of(roots: Mapping[str, int]) -> dict[str, Usage]:
    """Of each named process with everything below it; zero of one that is gone."""
    lines: dict[int, _Line] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it ended meanwhile
                lines[int(entry.name)] = _read((entry / "stat").read_text())
    below: dict[int, list[int]] = {}
    for pid, line in lines.items():
        below.setdefault(line.parent, []).append(pid)

    def tree(pid: int) -> Usage:
        own = lines[pid].usage if pid in lines else Usage()
        return sum((tree(child) for child in below.get(pid, ())), own)

    return {name: tree(pid) for name, pid in roots.items()}


async def cpu_around(
    moment: datetime, roots: Mapping[str, int], *, before: float = 0.5, after: float = 1.5
) -> dict[str, float]:
    """Processor seconds of each tree from `before` to `after` seconds around `moment`."""
    await _sleep_until(moment, -before)
    first = usage_of(roots)
    await _sleep_until(moment, after)
    second = usage_of(roots)
    return {name: round(second[name].cpu_seconds - first[name].cpu_seconds, 2) for name in roots}


async def _sleep_until(moment: datetime, offset: float) -> None:
    wait = (moment - datetime.now(UTC)).total_seconds() + offset
    deadline = time.monotonic() + wait
    await asyncio.sleep(max(0.0, deadline - time.monotonic()))


def _read(stat: str) -> _Line:
    fields = stat.rpartition(")")[2].split()
    return _Line(
        parent=int(fields[1]),
        usage=Usage(
            cpu_seconds=(int(fields[11]) + int(fields[12])) * TICK,
            memory_bytes=int(fields[21]) * PAGE,
        ),
    )
