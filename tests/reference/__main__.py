"""`make test-bluesky`: install the Bluesky reference server, then run the tests against it."""

import asyncio
import sys

import pytest

from tests.reference.node_project import FOLDER, InstallationFailed, NodeMissing, NodeProject


async def prepare() -> None:
    """Install the server unless it is there. Raises NodeMissing, InstallationFailed."""
    project = await NodeProject.found()
    if not project.is_installed:
        _say("Installing the Bluesky reference server (one or two minutes, once) ...")
        await project.install()


def main() -> int:
    """The exit code: 0 also when there is no Node to test with."""
    try:
        asyncio.run(prepare())
    except NodeMissing as missing:
        _say(f"test-bluesky: skipped: it needs Node 20 or newer with npm, and {missing}.")
        return 0
    except InstallationFailed as error:
        _say(f"test-bluesky: {error}")
        return 1
    return pytest.main(["-m", "bluesky_reference", str(FOLDER), *sys.argv[1:]])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
