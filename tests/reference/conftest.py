"""The reference server, and a whole Punctual that publishes to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from stack.running import running_stack
from tests.free_port import free_ports
from tests.reference.node_project import NodeMissing, NodeProject
from tests.reference.punctual_api import PunctualApi
from tests.reference.reference_server import Owner, ReferenceServer, running_reference_server

PARTS = ("postgres", "temporal", "migrations", "workspace", "api", "worker")
"""All but the sandbox networks."""


def pytest_configure(config: pytest.Config) -> None:
    """Tell what the marker of these tests means."""
    config.addinivalue_line(
        "markers", "bluesky_reference: publishes to the Bluesky reference server; needs Node 20"
    )


@pytest.fixture(scope="session")
async def node() -> NodeProject:
    """Node with the server's packages, which `make test-bluesky` installs."""
    try:
        project = await NodeProject.found()
    except NodeMissing as missing:
        pytest.skip(f"needs Node 20 or newer with npm, and {missing}")
    if not project.is_installed:
        pytest.fail("the reference server is not installed: make test-bluesky does", pytrace=False)
    return project


@pytest.fixture(scope="session")
async def reference_server(
    node: NodeProject, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ReferenceServer]:
    """The running server, with no accounts but those that tests make."""
    data = tmp_path_factory.mktemp("pds")
    async with running_reference_server(node.node, data) as server:
        yield server


@pytest.fixture
async def baker(reference_server: ReferenceServer) -> Owner:
    """A fresh account, with nothing public."""
    return await reference_server.new_owner()


@pytest.fixture(scope="session")
async def punctual(
    reference_server: ReferenceServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PunctualApi]:
    """Punctual, running, with that server as its Bluesky."""
    home: Path = tmp_path_factory.mktemp("punctual")
    overrides = {
        "BLUESKY_BASE_URL": reference_server.url,
        "BLUESKY_PERMALINK_TEMPLATE": "https://bsky.app/profile/{handle}/post/{rkey}",
    }
    async with running_stack(home, free_ports(), only=PARTS, overrides=overrides) as stack:
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        async with httpx.AsyncClient(
            base_url=stack.addresses.api, headers=headers, timeout=30
        ) as http:
            yield PunctualApi(http)
