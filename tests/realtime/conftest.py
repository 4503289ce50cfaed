"""The API under a real server, people, and their sockets."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import httpx
import pytest

from api.app import create_app
from runtime.settings import Settings
from tests.api.chats import Chat
from tests.api.conftest import Person, new_user, other_user, serving, user
from tests.realtime.socket_client import SocketClient, connected

__all__ = ["new_user", "other_user", "user"]

Join = Callable[[Person], AbstractAsyncContextManager[SocketClient]]
"""`async with join(person) as socket`"""


@pytest.fixture
def socket_settings(settings: Settings) -> Settings:
    """Healing only when a test asks for it."""
    return settings.model_copy(update={"socket_heal_seconds": 3600})


@pytest.fixture
async def api(socket_settings: Settings) -> AsyncIterator[str]:
    """The address of an API that serves sockets."""
    async with serving(create_app(socket_settings)) as url:
        yield url


@pytest.fixture
async def other_api(socket_settings: Settings) -> AsyncIterator[str]:
    """The address of another one over the same database, with its own server and link."""
    async with serving(create_app(socket_settings)) as url:
        yield url


@pytest.fixture
async def chat(api: str) -> AsyncIterator[Chat]:
    """People talking to the first API over HTTP."""
    async with httpx.AsyncClient(base_url=api, timeout=30) as client:
        yield Chat(client)


@pytest.fixture
def join(api: str) -> Join:
    """Connects people to the first API."""
    return lambda person: connected(api, {"token": person.access_token})


@pytest.fixture
async def socket(join: Join, user: Person) -> AsyncIterator[SocketClient]:
    """A socket of the person that the test acts for."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(join(user))
