"""How the packets of a socket wait for the one task that writes them."""

import asyncio
from typing import Any

from engineio.async_socket import AsyncSocket
from engineio.exceptions import QueueEmpty


class WaitingSocket(AsyncSocket):  # type: ignore[misc]  # the library has no types
    """Engine.IO's socket, but for how its writer waits.

    The library has a task for each wait of each socket: in a room, that costs more than writing.
    Here the writer waits by itself.
    """

    async def poll(self) -> list[Any]:
        """The packets that are to be written; none when the socket is closed.

        Raises QueueEmpty when nothing came for longer than a client may be silent.
        """
        silence = self.server.ping_interval + self.server.ping_timeout
        try:
            async with asyncio.timeout(silence):
                packets = [await self.queue.get()]
        except (TimeoutError, asyncio.CancelledError):
            raise QueueEmpty from None
        self.queue.task_done()
        while packets[-1] is not None and not self.queue.empty():
            packets.append(self.queue.get_nowait())
            self.queue.task_done()
        if packets[-1] is None:
            packets.pop()
            if packets:
                self.queue.put_nowait(None)  # for the next call, when these are written
        return packets
