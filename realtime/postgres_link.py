"""The link through PostgreSQL's LISTEN and NOTIFY: for installations without Redis."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg

from domain.ids import new_id
from realtime.link import Link
from realtime.wire import WIRE

_LARGEST: Final = 7_900
"""Bytes of one notification, its head included; PostgreSQL takes less than 8,000."""

_PIECE: Final = 1_900
"""Characters of one piece of what is larger: at most 4 bytes each, and room for the head."""

_PATIENCE: Final = 2.0
"""Seconds that a notification may take."""

_PAUSE: Final = 1.0
"""Seconds between two tries while PostgreSQL is away."""

_AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresLink(Link):
    """One NOTIFY channel. Notifications of the same instant share one transaction."""

    name = "postgresql"

    def __init__(self, database_url: str, *, channel: str) -> None:
        """`database_url` is plain postgresql://. No connection is made before something is told."""
        super().__init__(channel)
        self._database_url = database_url
        self._sender: asyncpg.Connection | None = None
        self._sending = asyncio.Lock()
        self._unsent: list[str] = []

    async def close(self) -> None:
        """See Link."""
        listening: asyncio.Task[None] | None = getattr(self, "thread", None)
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if self._sender is not None:
            await self._sender.close(timeout=1)

    async def _publish(self, data: dict[str, Any]) -> None:
        self._unsent.extend(in_pieces(WIRE.dumps(data)))
        async with self._sending:
            pieces, self._unsent = self._unsent, []
            if not pieces:
                return  # whoever was sending before has taken ours along
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._notify(pieces)
            except _AWAY as error:
                self._tell_away(error)
                await self._drop_sender()
            else:
                self._tell_back()

    async def _notify(self, pieces: list[str]) -> None:
        if self._sender is None or self._sender.is_closed():
            self._sender = await asyncpg.connect(self._database_url, timeout=_PATIENCE)
        await self._sender.execute(
            "SELECT pg_notify($1, piece) FROM unnest($2::text[]) AS piece", self.channel, pieces
        )

    async def _drop_sender(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.terminate()

    async def _listen(self) -> AsyncIterator[str]:
        while True:
            try:
                async for text in self._heard():
                    yield text
            except _AWAY as error:
                self._tell_away(error)
            await asyncio.sleep(_PAUSE)

    async def _heard(self) -> AsyncIterator[str]:
        heard: asyncio.Queue[str | None] = asyncio.Queue()
        whole = Whole()
        connection = await asyncpg.connect(self._database_url, timeout=_PATIENCE)
        connection.add_termination_listener(lambda _: heard.put_nowait(None))
        try:
            await connection.add_listener(self.channel, lambda *seen: heard.put_nowait(seen[-1]))
            while (piece := await heard.get()) is not None:
                text = whole.add(piece)
                if text is not None:
                    yield text
        finally:
            connection.terminate()


def in_pieces(text: str) -> list[str]:
    """The text as notifications: each says which message it belongs to, and where in it."""
    if len(text.encode()) <= _LARGEST - 64:
        return [f"{new_id().hex}:0:1:{text}"]
    name = new_id().hex
    cuts = range(0, len(text), _PIECE)
    return [
        f"{name}:{index}:{len(cuts)}:{text[cut : cut + _PIECE]}" for index, cut in enumerate(cuts)
    ]


class Whole:
    """Puts messages together again; pieces of one come in order, others' may stand between."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._begun: dict[str, list[str]] = {}

    def add(self, piece: str) -> str | None:
        """The message whose last piece that is; None while pieces of it are missing."""
        name, index, count, text = piece.split(":", 3)
        if count == "1":
            return text
        pieces = self._begun.setdefault(name, [])
        pieces.append(text)
        if int(index) + 1 < int(count):
            return None
        del self._begun[name]
        return "".join(pieces)
