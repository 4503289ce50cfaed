"""Socket.IO's own server, which counts what each transport sends before it is looked into."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from socketio.async_server import AsyncServer
from socketio.packet import ACK

from realtime.flood import Meter, Verdict
from realtime.link import NAMESPACE
from realtime.waiting import WaitingSocket

_INTRODUCTION: Final = 10.0
"""Seconds within which a connection has to say who it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SocketLimits:
    """What one socket may send."""

    max_bytes: int
    """Of a packet."""
    events_per_second: float
    events_burst: int


class Doorkeeper(Protocol):
    """Decides about transports by their Engine.IO ids."""

    def is_known(self, eio_sid: str) -> bool:
        """Whether the transport's client has said who it is."""

    async def refuse(self, eio_sid: str, data: str | bytes, wait: float) -> None:
        """Acknowledge an event that is one too many."""

    async def close_malicious(self, eio_sid: str, reason: str) -> None:
        """Close a transport whose client floods, is mute, or does not speak the protocol."""

    def soon(self, closing: Coroutine[Any, Any, None]) -> None:
        """Have a socket closed by whoever cannot wait for it."""


class MeteredServer(AsyncServer):  # type: ignore[misc]  # the library has no types
    """Hands on what is admitted; the rest is the doorkeeper's."""

    def __init__(self, doorkeeper: Doorkeeper, limits: SocketLimits, **options: Any) -> None:
        """The options are the library's."""
        super().__init__(max_http_buffer_size=limits.max_bytes, **options)
        self._doorkeeper = doorkeeper
        self._limits = limits
        self._meters: dict[str, Meter] = {}

    async def acknowledge(self, eio_sid: str, packet_id: int, answer: object) -> None:
        """Answer an event that was not handed on."""
        packet = self.packet_class(ACK, namespace=NAMESPACE, id=packet_id, data=[answer])
        await self._send_packet(eio_sid, packet)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        # The library makes its sockets itself, and this is the first to see a new one.
        self.eio.sockets[eio_sid].__class__ = WaitingSocket
        self._meters[eio_sid] = Meter(
            per_second=self._limits.events_per_second, burst=self._limits.events_burst
        )
        asyncio.get_running_loop().call_later(_INTRODUCTION, self._expect_known, eio_sid)
        await super()._handle_eio_connect(eio_sid, environ)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        meter = self._meters.get(eio_sid)
        if meter is None:
            return  # closed already
        match meter.count():
            case Verdict.ADMITTED:
                await self._read(eio_sid, super()._handle_eio_message(eio_sid, data))
            case Verdict.REFUSED:
                await self._read(eio_sid, self._doorkeeper.refuse(eio_sid, data, meter.wait))
            case Verdict.CLOSED:
                await self._doorkeeper.close_malicious(eio_sid, "flooding")

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._meters.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _read(self, eio_sid: str, reading: Awaitable[None]) -> None:
        try:
            await reading
        except Exception:  # noqa: BLE001  whatever a packet was made to do, its sender goes for it
            await self._doorkeeper.close_malicious(eio_sid, "malformed")

    def _expect_known(self, eio_sid: str) -> None:
        if eio_sid in self._meters and not self._doorkeeper.is_known(eio_sid):
            self._doorkeeper.soon(self._doorkeeper.close_malicious(eio_sid, "silent"))
