"""Somebody who follows the demo's page on the built-in feed, and looks at a screen meanwhile."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import socketio

from networks.http_client import HttpClient
from stack.demo_report import DemoFailed

EVENT: Final = "feed.post"
"""What followers' sockets hear of a new post."""


class Follower:
    """A Socket.IO client like that of any app; the library runs it in threads of its own."""

    def __init__(self, url: str) -> None:
        """`url` is the API's."""
        self._url = url
        self._socket = socketio.Client(reconnection=False)
        self._socket.on(EVENT, self._take)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._heard: dict[str, datetime] = {}

    async def connect(self, access_token: str) -> None:
        """Be told of what is published from now on. Raises DemoFailed."""
        try:
            await asyncio.to_thread(
                self._socket.connect,
                self._url,
                auth={"token": access_token},
                transports=["websocket"],
            )
        except socketio.exceptions.ConnectionError as error:
            raise DemoFailed(f"a follower's socket cannot connect: {error}") from error

    async def disconnect(self) -> None:
        """Look away."""
        await asyncio.to_thread(self._socket.disconnect)

    async def heard(
        self, post_ids: Collection[str], *, within: timedelta
    ) -> Mapping[str, datetime]:
        """When it heard of each of these posts; those that do not come in time are missing."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while not self._heard.keys() >= set(post_ids):
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            pass
        return {post_id: self._heard[post_id] for post_id in post_ids if post_id in self._heard}

    def _take(self, told: Mapping[str, str]) -> None:
        self._loop.call_soon_threadsafe(self._note, told["post_id"], datetime.now(UTC))

    def _note(self, post_id: str, moment: datetime) -> None:
        self._heard.setdefault(post_id, moment)
        self._news.set()


@asynccontextmanager
async def following(http: HttpClient, url: str, page_id: str) -> AsyncIterator[Follower]:
    """A new user of the API at `url` who follows the page, and listens. Raises DemoFailed."""
    name = f"guest_{uuid4().hex[:12]}"
    registration = {
        "handle": name,
        "email": f"{name}@example.org",
        "password": secrets.token_urlsafe(16),
    }
    answer = await _sent(http, "POST", f"{url}/v1/auth/register", json=registration)
    token = str(answer["access_token"])
    await _sent(http, "PUT", f"{url}/v1/feed/users/{page_id}/follow", bearer=token)
    follower = Follower(url)
    await follower.connect(token)
    try:
        yield follower
    finally:
        await follower.disconnect()


async def _sent(http: HttpClient, method: str, url: str, **request: Any) -> Any:
    response = await http.request(method, url, **request)
    if response.status >= 400:
        raise DemoFailed(f"{method} {url}: {response.status} {response.body.decode()[:300]}")
    return response.json if response.body else None
