"""The stock Socket.IO client from npm, in Node."""

import asyncio
import fcntl
import hashlib
import shutil
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parent / "socketio_client"
LOCK_FILE = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / ".installed"
"""Says for which lock file the installation is whole."""

PATIENCE = 100.0
"""Seconds that a script may take, on a busy machine."""


class NodeMissing(Exception):
    """There is no Node here; the text says what is missing."""


class NodeClient:
    """Node with the client installed."""

    def __init__(self, node: str) -> None:
        """`node` is the program."""
        self._node = node

    @classmethod
    async def found(cls) -> "NodeClient":
        """The one on PATH; npm installs the client unless it is there. Raises NodeMissing."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise NodeMissing(f"{'node' if node is None else 'npm'} is not on PATH")
        with LOCK_FILE.open("rb") as wanted:
            await asyncio.to_thread(fcntl.flock, wanted, fcntl.LOCK_EX)  # one process installs
            state = hashlib.sha256(wanted.read()).hexdigest()
            if not (INSTALLED.is_file() and INSTALLED.read_text() == state):
                await _run(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
                INSTALLED.write_text(state)
        return cls(node)

    async def run(self, script: str, task: dict[str, Any]) -> dict[str, Any]:
        """What the script tells of its task."""
        output = await _run(self._node, script, orjson.dumps(task).decode())
        told: dict[str, Any] = orjson.loads(output.splitlines()[-1])
        return told


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=FOLDER,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode(errors="replace")
    return output.decode()
