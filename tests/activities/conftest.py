"""Activities over the real store: in front of the sandbox networks, or of a scripted one."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from domain.networks import Network
from networks.bluesky.posts import BlueskyPosts
from networks.feed import FeedPosts
from networks.http_client import HttpClient
from networks.mastodon.statuses import MastodonStatuses
from networks.meta.facebook import FacebookPages
from networks.meta.instagram import InstagramBusiness
from networks.protocol import NetworkAdapter
from networks.x.posts import XPosts
from runtime.resources import FeedTable, Resources
from storage.database import Database
from storage.posts import TargetAccount
from storage.tables import FeedPostRow
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import (
    IdempotentNetwork,
    ScriptedAdapter,
    SearchableNetwork,
    TwoStepNetwork,
)
from tests.activities.written_posts import Author
from tests.conftest import API_BASE_URL, Tenant
from tests.networks.scripted_network import Reply, ScriptedNetwork, serving
from tests.running_sandbox import Sandbox

NewDispatcher = Callable[..., Dispatcher]
"""`new_dispatcher(*adapters, **settings)`"""

PATIENCE = timedelta(seconds=30)
"""How long an answer is waited for; `impatient_adapters` have less."""

IMPATIENCE = timedelta(seconds=2)


class PictureShelf:
    """One picture, under every key and link."""

    def __init__(self, content: bytes, url: str) -> None:
        """`url` is where networks fetch it."""
        self.content = content
        self._url = url

    def reader(self, storage_key: str) -> Callable[[], Awaitable[bytes]]:
        """Reads it."""

        async def read() -> bytes:
            return self.content

        return read

    def public_url(self, media_id: UUID, lifetime: timedelta) -> str:
        """Its link."""
        return self._url


@pytest.fixture(scope="session")
def picture_server() -> Iterator[ScriptedNetwork]:
    """Where networks fetch pictures."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def pictures(picture_server: ScriptedNetwork) -> PictureShelf:
    """A picture that every network takes."""
    buffer = io.BytesIO()
    Image.new("RGB", (640, 640), "orange").save(buffer, "JPEG")
    reply = Reply(body=buffer.getvalue(), headers={"content-type": "image/jpeg"})
    for method in ("GET", "HEAD"):
        picture_server.tell(method, "/picture.jpg", reply)
    return PictureShelf(buffer.getvalue(), f"{picture_server.base_url}/picture.jpg")


@pytest.fixture
def author(database: Database, workspace: Tenant, resources: Resources) -> Author:
    """Somebody of the workspace."""
    return Author(database, workspace.id, resources.vault)


@pytest.fixture
async def adapters(
    database: Database, sandbox_server: str
) -> AsyncIterator[dict[Network, NetworkAdapter]]:
    """The real adapters, in front of the sandbox networks."""
    http = HttpClient(timeout=PATIENCE, allow_private_addresses=True)
    yield _adapters(http, database, sandbox_server)
    await http.close()


@pytest.fixture
async def impatient_adapters(
    database: Database, sandbox_server: str
) -> AsyncIterator[dict[Network, NetworkAdapter]]:
    """The same, that soon stop waiting for an answer."""
    http = HttpClient(timeout=IMPATIENCE, allow_private_addresses=True)
    yield _adapters(http, database, sandbox_server)
    await http.close()


def _adapters(http: HttpClient, database: Database, sandbox: str) -> dict[Network, NetworkAdapter]:
    often = timedelta(milliseconds=5)
    return {
        Network.FACEBOOK: FacebookPages(http, base_url=f"{sandbox}/facebook/v25.0"),
        Network.INSTAGRAM: InstagramBusiness(
            http,
            base_url=f"{sandbox}/instagram/v25.0",
            poll_interval=often,
            processing_limit=often * 20,
        ),
        Network.X: XPosts(
            http, base_url=f"{sandbox}/x/2", poll_interval=often, processing_limit=often * 20
        ),
        Network.BLUESKY: BlueskyPosts(http, base_url=f"{sandbox}/bluesky"),
        Network.MASTODON: MastodonStatuses(http, poll_interval=often, processing_limit=often * 20),
        Network.FEED: FeedPosts(FeedTable(database), public_base_url=API_BASE_URL),
    }


class Networks:
    """The author's accounts there, and what is public of them."""

    def __init__(
        self,
        sandbox: Sandbox,
        author: Author,
        adapters: Mapping[Network, NetworkAdapter],
        database: Database,
    ) -> None:
        """Accounts are connected through the adapters, as the API does."""
        self.sandbox = sandbox
        self._author = author
        self._adapters = adapters
        self._database = database
        self._names: dict[UUID, str] = {}
        self._handles: dict[UUID, str] = {}

    async def connect(self, network: Network, handle: str | None = None) -> TargetAccount:
        """An account, connected: a fresh one, or the one of that handle again."""
        if network is Network.FEED:
            there: dict[str, Any] = {"handle": handle or "corner_bakery"}
            supplied = {"handle": str(there["handle"])}
        else:
            there = await self.sandbox.account(network, handle)
            supplied = {name: str(value) for name, value in there["credentials"].items()}
        connection = await self._adapters[network].connect(supplied)
        account = await self._author.connect(network, connection)
        self._names[account.account_id] = connection.remote_id
        self._handles[account.account_id] = there["handle"]
        return account

    async def connect_again(self, account: TargetAccount) -> None:
        """Give the account fresh credentials, as its user does."""
        again = await self.connect(account.network, self._handles[account.account_id])
        assert again == account

    async def fault(self, account: TargetAccount, kind: str, **more: Any) -> None:
        """Let the account's next matching call meet a fault."""
        name = self._names[account.account_id]
        await self.sandbox.fault(account.network, kind, account=name, **more)

    async def public(self, account: TargetAccount) -> list[dict[str, Any]]:
        """Everything public of that account, oldest first, as the network itself says."""
        if account.network is not Network.FEED:
            name = self._names[account.account_id]
            return await self.sandbox.truth(network=account.network, account=name)
        rows = FeedPostRow.__table__
        async with self._database.transaction() as session:
            found = await session.execute(rows.select().order_by(rows.c.id))
            return [{**row._mapping, "received_at": row.published_at} for row in found]


@pytest.fixture
def networks(
    sandbox: Sandbox,
    author: Author,
    adapters: dict[Network, NetworkAdapter],
    database: Database,
) -> Networks:
    """The sandbox networks."""
    return Networks(sandbox, author, adapters, database)


@pytest.fixture
def new_dispatcher(
    database: Database, resources: Resources, pictures: PictureShelf
) -> NewDispatcher:
    """Makes dispatchers."""

    def make(adapters: Mapping[Network, NetworkAdapter], **settings: Any) -> Dispatcher:
        return Dispatcher(
            database=database,
            vault=resources.vault,
            adapters=adapters,
            media=settings.pop("media", pictures),
            **settings,
        )

    return make


@pytest.fixture
def dispatcher(
    new_dispatcher: NewDispatcher, adapters: dict[Network, NetworkAdapter], sandbox: Sandbox
) -> Dispatcher:
    """Dispatches to the sandbox networks; their clock goes with the worker's."""

    async def jump(time: timedelta) -> None:
        await sandbox.advance(time.total_seconds())

    return new_dispatcher(adapters, also_jump=jump)


@pytest.fixture
def searchable() -> SearchableNetwork:
    """A network that can only be searched."""
    return SearchableNetwork()


@pytest.fixture
def idempotent() -> IdempotentNetwork:
    """A network that takes the same key again."""
    return IdempotentNetwork()


@pytest.fixture
def two_step() -> TwoStepNetwork:
    """A network with containers."""
    return TwoStepNetwork()


@pytest.fixture
def scripted(
    new_dispatcher: NewDispatcher,
    searchable: ScriptedAdapter,
    idempotent: ScriptedAdapter,
    two_step: ScriptedAdapter,
) -> Dispatcher:
    """Dispatches to the scripted networks."""
    return new_dispatcher({one.network: one for one in (searchable, idempotent, two_step)})
