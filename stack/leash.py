"""Ends the children of a supervisor that died without a word (SIGKILL, out of memory).

It waits for the end of a pipe that only the supervisor holds. A pipe works on every Unix, reaches
whole process groups and lets PostgreSQL shut down; the kernel's parent-death signal does neither.
It also holds the data folder's lock, so the next supervisor waits until it is done.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stack.leftovers import ProcessRecord

ROOT = Path(__file__).resolve().parent.parent
GOODBYE_SECONDS = 10.0


@asynccontextmanager
async def leash(record: Path, *, lock: int) -> AsyncIterator[None]:
    """While this is open, every process in `record` ends when this process does.

    `lock` is the descriptor of the locked file.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stack.leash",
        str(record),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(lock,),
        start_new_session=True,
    )
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), GOODBYE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def main() -> None:
    """Wait for the supervisor's end, then end what it left."""
    for deaf_to in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(deaf_to, signal.SIG_IGN)
    sys.stdin.buffer.read()
    ProcessRecord(Path(sys.argv[1])).end_all()


if __name__ == "__main__":
    main()
