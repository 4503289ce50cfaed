"""Which processes run on a data folder's behalf, so that none outlives its supervisor.

Only the standard library: the leash imports this.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

END_SECONDS = 5.0
"""How long a leftover may take to stop by itself."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One process as it was recorded. `born` tells it from a later process of the same pid."""

    name: str
    pid: int
    born: str
    stop_signal: int


class ProcessRecord:
    """The processes that were started and not yet seen to end, on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, *, name: str, pid: int, stop_signal: int) -> None:
        """Record a process that just started."""
        if (born := birth_of(pid)) is not None:
            entry = Recorded(name=name, pid=pid, born=born, stop_signal=stop_signal)
            self._write([*self._read(), entry])

    def remove(self, pid: int) -> None:
        """Forget a process that was seen to end."""
        self._write([entry for entry in self._read() if entry.pid != pid])

    def end_all(self) -> list[str]:
        """End every recorded process that still runs, the youngest first; their names.

        Takes END_SECONDS at most.
        """
        alive = [entry for entry in reversed(self._read()) if birth_of(entry.pid) == entry.born]
        end_processes([(entry.pid, entry.stop_signal) for entry in alive])
        self._write([])
        return [entry.name for entry in alive]

    def _read(self) -> list[Recorded]:
        try:
            return [Recorded(**entry) for entry in json.loads(self._path.read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def _write(self, entries: list[Recorded]) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps([asdict(entry) for entry in entries]))
        draft.replace(self._path)


def end_processes(pids_and_signals: list[tuple[int, int]]) -> None:
    """Ask each process to stop by its signal; kill the group of each that did not in time."""
    for pid, stop_signal in pids_and_signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
            os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + END_SECONDS
    waiting = [pid for pid, _ in pids_and_signals]
    while waiting and time.monotonic() < deadline:
        time.sleep(0.02)
        waiting = [pid for pid in waiting if birth_of(pid) is not None]
    for pid in waiting:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def birth_of(pid: int) -> str | None:
    """When a process started, in the system's own unit; None when it is gone or only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _birth_by_ps(pid)
    except ProcessLookupError:
        return None
    after_name = stat.rpartition(")")[2].split()
    state, start_time = after_name[0], after_name[19]
    return None if state in "ZX" else start_time


def _birth_by_ps(pid: int) -> str | None:
    command = ("/bin/ps", "-o", "state=", "-o", "lstart=", "-p", str(pid))
    answer = subprocess.run(  # noqa: S603 (a fixed program and a number)
        command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    state, _, start_time = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else start_time.strip()
