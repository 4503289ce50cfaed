"""The Node project that the reference server runs from: which Node, and what npm installs."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

FOLDER = Path(__file__).parent
OLDEST_NODE = 20
LAST_LINES = 30
INSTALLED = FOLDER / "node_modules" / ".installed"
"""Says for which lock file and which Node the installation is whole."""


class NodeMissing(Exception):
    """There is no Node here that the server runs on; the text says what is there."""


class InstallationFailed(Exception):
    """What npm said."""


class NodeProject:
    """Node and npm of this machine, and the packages of `package-lock.json`."""

    def __init__(self, *, node: str, npm: str, version: str) -> None:
        """Where they are; `version` is Node's."""
        self.node = node
        self._npm = npm
        self._state = f"{hashlib.sha256(_lock_file()).hexdigest()} {version}"

    @classmethod
    async def found(cls) -> "NodeProject":
        """Those on PATH. Raises NodeMissing."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise NodeMissing(f"{'node' if node is None else 'npm'} is not on PATH")
        version = (await _run(node, "--version")).strip()
        major = version.removeprefix("v").partition(".")[0]
        if not major.isdecimal() or int(major) < OLDEST_NODE:
            raise NodeMissing(f"the node on PATH is {version}")
        return cls(node=node, npm=npm, version=version)

    @property
    def is_installed(self) -> bool:
        """Whether every package is there, built for this Node."""
        return INSTALLED.is_file() and INSTALLED.read_text() == self._state

    async def install(self) -> None:
        """Exactly what the lock file names. Raises InstallationFailed."""
        options = ("--no-audit", "--no-fund", "--loglevel=error")
        await _run(self._npm, "ci", *options, env=self._environment())
        INSTALLED.write_text(self._state)

    def _environment(self) -> dict[str, str]:
        prefix = Path(self.node).resolve().parents[1]
        if not (prefix / "include" / "node" / "node.h").is_file():
            return {**os.environ}
        # The database driver is compiled; without this, headers would be downloaded for it.
        return {"npm_config_nodedir": str(prefix), **os.environ}


def _lock_file() -> bytes:
    return (FOLDER / "package-lock.json").read_bytes()


async def _run(*command: str, env: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=FOLDER,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output = (await process.communicate())[0].decode(errors="replace")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = "\n".join(output.splitlines()[-LAST_LINES:])
        raise InstallationFailed(f"{Path(command[0]).name} {command[1]} failed:\n{last}")
    return output
