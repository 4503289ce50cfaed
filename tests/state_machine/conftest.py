"""For the state machine: a database that writes down every move, and the system on it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from activities.settling import Settler
from relay.post_workflows import Leads
from runtime.settings import Settings
from tests.conftest import TEMPLATE
from tests.postgres_server import PostgresServer
from tests.state_machine.observed_moves import OBSERVE
from tests.state_machine.publishing_system import (
    LEADS,
    LoopThread,
    PublishingSystem,
    publishing_system,
)
from tests.state_machine.sudden_death import MortalStore

OpenSystem = Callable[..., PublishingSystem]
"""`open_system(settler=..., store=..., leads=...)`"""


@pytest.fixture
async def database_dsn(postgres_dsn: str, postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A database of its own, because it is altered."""
    name = await postgres_server.clone(TEMPLATE)
    await postgres_server.execute(OBSERVE, database=name)
    yield postgres_server.dsn(name)
    await postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    """Where the system lives."""
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def open_system(
    settings: Settings, loop_thread: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenSystem]:
    """Starts the system with that settler and that store, its clock shown to the API."""
    stack = AsyncExitStack()

    def start(
        settler: type[Settler] = Settler,
        store: type[MortalStore] = MortalStore,
        leads: Leads = LEADS,
    ) -> PublishingSystem:
        opening = publishing_system(settings, settler, store, leads)
        system = loop_thread.run(stack.enter_async_context(opening))
        system.time.show_to_the_api(monkeypatch)
        return system

    yield start
    loop_thread.run(stack.aclose())
