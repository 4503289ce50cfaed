"""`/socket.io` in the app, and what stands behind it while the process runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.chat.marks import MarkService
from api.chat.reading import ReadingService
from api.chat.service import MessageService
from api.chat.sockets import ChatSockets
from api.chat.telling import Telling
from api.live.healing import Healing
from api.live.host import LiveHost
from api.live.presence import PresenceKeeper
from api.problems import Unavailable, problem_response
from realtime.metered import SocketLimits
from realtime.server import SocketServer
from runtime.resources import Resources
from storage.database import DatabaseUnavailable

PATH: Final = "/socket.io"

LEASE_ROUNDS: Final = 3
"""A process that was silent for so many rounds of healing counts as dead."""


class SocketEndpoint:
    """ASGI: hands over to the Socket.IO server of the running process."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket; 503 before the process runs."""
        sockets: SocketServer | None = getattr(scope["app"].state, "sockets", None)
        if sockets is not None:
            await sockets(scope, receive, send)
        elif scope["type"] == "http":
            answer = problem_response(Unavailable("Sockets are not served."), None)
            await answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1013})


@asynccontextmanager
async def serving_sockets(app: FastAPI, resources: Resources) -> AsyncIterator[None]:
    """Sockets are served within the block."""
    settings = resources.settings
    every = timedelta(seconds=settings.socket_heal_seconds)
    presence = PresenceKeeper(resources.database, resources.live, lease=every * LEASE_ROUNDS)
    reading = ReadingService(resources.database)
    host = LiveHost(
        database=resources.database,
        signing_in=resources.signing_in,
        presence=presence,
        reading=reading,
    )
    sockets = SocketServer(
        resources.link,
        host,
        limits=SocketLimits(
            max_bytes=settings.socket_max_bytes,
            events_per_second=settings.socket_events_per_second,
            events_burst=settings.socket_events_burst,
        ),
        allowed_origins=settings.socket_allowed_origins,
    )
    telling = Telling(resources.live, resources.media_links)
    host.serve(
        sockets,
        ChatSockets(
            writing=MessageService(resources.database, telling),
            marking=MarkService(resources.database, telling),
            reading=reading,
            links=resources.media_links,
            sockets=sockets,
        ),
    )
    healing = Healing(
        database=resources.database, sockets=sockets, host=host, presence=presence, every=every
    )
    sockets.start()
    app.state.sockets = sockets
    running = asyncio.create_task(healing.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sockets.close()
        with suppress(DatabaseUnavailable):
            await presence.end()
