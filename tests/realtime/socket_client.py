"""A Socket.IO client that shows every packet: for what well-behaved clients never do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.patience import PATIENCE


class ConnectRefused(Exception):
    """What `connect_error` would tell."""

    def __init__(self, error: dict[str, Any]) -> None:
        """`error` is {message, data}."""
        super().__init__(error["message"])
        self.error = error


class SocketClient:
    """One socket over one WebSocket."""

    def __init__(self, websocket: ClientConnection) -> None:
        """See `connected`."""
        self._websocket = websocket
        self._acknowledged: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def open(self, auth: object) -> None:
        """Say who one is. Raises ConnectRefused."""
        await self._websocket.recv()  # the handshake
        await self.raw(f"40{orjson.dumps(auth).decode()}")
        while True:
            packet = str(await self._websocket.recv())
            if packet.startswith("44"):
                raise ConnectRefused(orjson.loads(packet[2:]))
            if packet.startswith("40"):
                return
            self._take(packet)

    async def read(self) -> None:
        """Take what comes until the socket is closed."""
        try:
            async for packet in self._websocket:
                if packet == "2":
                    await self.raw("3")
                else:
                    self._take(str(packet))
        except ConnectionClosed:
            pass
        finally:
            self.closed.set()

    async def raw(self, packet: str | bytes) -> None:
        """Send a packet of any kind."""
        await self._websocket.send(packet)

    async def call(self, event: str, payload: object = None) -> dict[str, Any]:
        """Send an event, and wait for its acknowledgement."""
        answer = self.start(event)
        await self.raw(self.packet(event, payload))
        async with asyncio.timeout(PATIENCE):
            found: dict[str, Any] = await answer
        return found

    def start(self, event: str) -> asyncio.Future[Any]:
        """The acknowledgement of the next packet."""
        del event
        self._count += 1
        self._acknowledged[self._count] = asyncio.get_running_loop().create_future()
        return self._acknowledged[self._count]

    def packet(self, event: str, payload: object) -> str:
        """An event that asks for the acknowledgement that was started last."""
        return f"42{self._count}{orjson.dumps([event, payload]).decode()}"

    async def next(self, *names: str) -> tuple[str, Any]:
        """The next event of those names; others are passed over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                name, data = await self.events.get()
                if name in names:
                    return name, data

    async def seen(self, name: str) -> Any:
        """The data of the next event of that name."""
        return (await self.next(name))[1]

    def _take(self, packet: str) -> None:
        if packet.startswith("42"):
            name, *data = orjson.loads(packet[2:])
            self.events.put_nowait((name, data[0] if data else None))
        elif packet.startswith("43"):
            head, _, rest = packet[2:].partition("[")
            answer = self._acknowledged.pop(int(head))
            if not answer.done():
                answer.set_result(orjson.loads("[" + rest)[0])


@asynccontextmanager
async def connected(url: str, auth: object) -> AsyncIterator[SocketClient]:
    """A socket to the API at http://…; `auth` is what it connects with. Raises ConnectRefused."""
    address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
    async with connect(address, ping_interval=None, max_queue=None) as websocket:
        client = SocketClient(websocket)
        await client.open(auth)
        reading = asyncio.create_task(client.read())
        try:
            yield client
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
