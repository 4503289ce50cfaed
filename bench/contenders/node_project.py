"""Node projects that contenders run from: their packages, exactly as the lock file names them."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "bullmq"
OLDEST_NODE = 20
LAST_LINES = 20


class NodeNotUsable(Exception):
    """No Node that is new enough, or npm could not install; the text says what was wrong."""


async def installed_node(folder: Path = FOLDER, what: str = "BullMQ") -> str:
    """The path of `node`, after the folder's packages were installed if need be.

    `what` they are is told while it is waited for. Raises NodeNotUsable.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeNotUsable(
            f"{'node' if node is None else 'npm'} is not on PATH: install Node {OLDEST_NODE} or "
            f"newer, or leave {what} out"
        )
    version = (await _run(folder, node, "--version")).strip()
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise NodeNotUsable(f"the node on PATH is {version}; {what} needs {OLDEST_NODE}")
    # Says for which lock file and which Node the installation is whole.
    installed = folder / "node_modules" / ".installed"
    state = f"{sha256((folder / 'package-lock.json').read_bytes()).hexdigest()} {version}"
    if not installed.is_file() or installed.read_text() != state:
        print(f"Installing {what} ...", flush=True)
        await _run(folder, npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
        installed.write_text(state)
    return node


async def run_script(
    node: str, script: str, environment: Mapping[str, str], asked: Mapping[str, Any]
) -> dict[str, float]:
    """Run one of its short programs: JSON in, JSON out. Raises NodeNotUsable."""
    process = await asyncio.create_subprocess_exec(
        *(node, script),
        cwd=FOLDER,
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, told = await process.communicate(json.dumps(asked).encode())
    if process.returncode:
        raise NodeNotUsable(f"{script}: {told.decode(errors='replace')[-500:]}")
    answered: dict[str, float] = json.loads(out)
    return answered


async def _run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode(errors="replace")
    if process.returncode:
        last = "\n".join(output.splitlines()[-LAST_LINES:])
        raise NodeNotUsable(f"{Path(command[0]).name} {command[1]} failed:\n{last}")
    return output
