"""For every test: a real PostgreSQL, the API over it, workspaces, a running sandbox."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI
from pydantic import HttpUrl, PostgresDsn, SecretStr

from api.app import create_app
from api.workspaces.service import WorkspaceService
from domain.networks import Network
from runtime.resources import Resources, open_resources
from runtime.settings import NetworkLimits, Settings
from storage.database import Database
from tests.alembic_command import alembic
from tests.postgres_server import PostgresServer, running_postgres
from tests.running_sandbox import Sandbox, sandbox_process

API_BASE_URL = "http://api.test"
TEMPLATE = "template_punctual"


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A workspace with a key that may do everything."""

    id: UUID
    api_key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What its requests carry."""
        return {"Authorization": f"Bearer {self.api_key}"}


NewTenant = Callable[[str], Awaitable[Tenant]]


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[PostgresServer]:
    """A PostgreSQL that lives as long as the test run."""
    # pytest's own folders are closed to other users, and PostgreSQL does not run as root.
    with tempfile.TemporaryDirectory(prefix="punctual-tests-") as base:
        async with running_postgres(Path(base)) as server:
            yield server


@pytest.fixture(scope="session")
async def postgres_dsn(postgres_server: PostgresServer) -> str:
    """A migrated database that tests are cloned from; nobody may stay connected to it."""
    await postgres_server.execute(f"CREATE DATABASE {TEMPLATE}")
    dsn = postgres_server.dsn(TEMPLATE)
    code, output = await alembic("upgrade", "head", dsn=dsn)
    assert code == 0, output
    return dsn


@pytest.fixture(scope="session")
def spare_databases() -> list[str]:
    """Names of emptied databases: emptying one takes a tenth of the time of cloning."""
    return []


@pytest.fixture
async def database_dsn(
    postgres_dsn: str, postgres_server: PostgresServer, spare_databases: list[str]
) -> AsyncIterator[str]:
    """The address of an empty, migrated database of this test alone.

    Its tables may be filled, and not altered; numbers of rows go on counting.
    """
    name = spare_databases.pop() if spare_databases else await postgres_server.clone(TEMPLATE)
    yield postgres_server.dsn(name)
    await postgres_server.empty(name)
    spare_databases.append(name)


@pytest.fixture
def settings(database_dsn: str, tmp_path: Path) -> Settings:
    """Settings of an installation that only this test uses; its networks are a closed port."""
    nowhere = HttpUrl("http://127.0.0.1:9")
    return Settings(
        database_url=PostgresDsn(database_dsn),
        database_pool_size=5,
        credentials_keys=(SecretStr(Fernet.generate_key().decode()),),
        media_url_key=SecretStr("a key of the tests"),
        auth_signing_keys=(SecretStr("a signing key of the tests that is long enough"),),
        password_hash_memory_kib=8,
        password_hash_passes=1,
        public_base_url=HttpUrl(API_BASE_URL),
        storage_base_path=tmp_path / "media",
        media_max_bytes=2 * 1024 * 1024,
        media_max_pixels=4_000_000,
        facebook_base_url=nowhere,
        instagram_base_url=nowhere,
        x_base_url=nowhere,
        bluesky_base_url=nowhere,
        allow_private_addresses=True,
        network_timeout_seconds=5,
    ).model_copy(
        update={
            "network_limits": {network: NetworkLimits() for network in Network},
        }
    )


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """What a process holds: database, vault, media store, adapters."""
    async with open_resources(settings) as opened:
        yield opened


@pytest.fixture
def database(resources: Resources) -> Database:
    """The test's own database."""
    return resources.database


@pytest.fixture
def app(settings: Settings, resources: Resources) -> FastAPI:
    """The API over the same resources."""
    app = create_app(settings)
    app.state.resources = resources
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API; faults of ours come back as 500 and not as exceptions."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
        yield client


@pytest.fixture
def new_tenant(database: Database) -> NewTenant:
    """Makes workspaces."""

    async def make(name: str) -> Tenant:
        workspace, key = await WorkspaceService(database).create(name)
        return Tenant(id=workspace.id, api_key=str(key))

    return make


@pytest.fixture
async def workspace(new_tenant: NewTenant) -> Tenant:
    """The workspace that a test acts for."""
    return await new_tenant("Corner bakery")


@pytest.fixture
async def other_workspace(new_tenant: NewTenant) -> Tenant:
    """Somebody else's."""
    return await new_tenant("Rival bakery")


@pytest.fixture(scope="session")
async def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a sandbox that runs as long as the test run."""
    async with sandbox_process(tmp_path_factory.mktemp("sandbox")) as url:
        yield url


@pytest.fixture
async def sandbox(sandbox_server: str) -> AsyncIterator[Sandbox]:
    """The running sandbox; no fault and no moved clock outlives its test."""
    async with httpx.AsyncClient(timeout=10) as http:
        running = Sandbox(sandbox_server, http)
        yield running
        await running.clear_faults()
        await running.reset_clock()


@pytest.fixture
def sandbox_settings(settings: Settings, sandbox_server: str) -> Settings:
    """The same settings, with the sandbox for the networks."""
    return settings.model_copy(
        update={
            "facebook_base_url": HttpUrl(f"{sandbox_server}/facebook/v25.0"),
            "instagram_base_url": HttpUrl(f"{sandbox_server}/instagram/v25.0"),
            "x_base_url": HttpUrl(f"{sandbox_server}/x/2"),
            "bluesky_base_url": HttpUrl(f"{sandbox_server}/bluesky"),
        }
    )
