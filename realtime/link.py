"""What joins the processes that hold sockets: an emit or an order in one is carried to all."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from engineio import packet as engine_packet
from engineio.exceptions import SocketIsClosedError
from socketio import packet
from socketio.async_pubsub_manager import AsyncPubSubManager

from realtime.wire import WIRE

log = structlog.get_logger("realtime")

Order = Callable[[dict[str, Any]], Awaitable[None]]
"""What a process does when it is told to; its argument is JSON."""

Notice = Callable[[dict[str, Any]], None]
"""Takes note of what sockets were told."""

NAMESPACE = "/"


class Link(AsyncPubSubManager):  # type: ignore[misc]  # the library has no types
    """Socket.IO's pub/sub manager, and orders to every process besides what sockets are told.

    At most once: what does not come through is lost, said in the log once, and found again in the
    database. A process without sockets uses it to tell only.
    """

    def __init__(self, channel: str) -> None:
        """`channel` is what all processes of one installation have in common."""
        super().__init__(channel=channel, logger=Silent(), json=WIRE)
        self._orders: dict[str, Order] = {}
        self._notices: dict[str, Notice] = {}
        self._away = False

    def obey(self, order: str, carry_out: Order) -> None:
        """Carry that order out in this process, whoever gives it."""
        self._orders[order] = carry_out

    def notice(self, event: str, note: Notice) -> None:
        """Call `note` with what the sockets of this process are told by that event."""
        self._notices[event] = note

    async def give(self, order: str, details: dict[str, Any]) -> None:
        """Have every process carry that order out, this one first."""
        await self.emit(order, details, namespace=NAMESPACE)

    async def close(self) -> None:
        """Stop listening and close the connections."""
        raise NotImplementedError

    async def _handle_emit(self, message: dict[str, Any]) -> None:
        carry_out = self._orders.get(message["event"])
        if carry_out is not None:
            await carry_out(message["data"][0])
        elif self.server is not None:
            await self._send_here(message)

    async def _send_here(self, message: dict[str, Any]) -> None:
        """Encode once, and put it before each socket of the room; the library has a task for each.

        Nothing here waits for a client: its packets queue until it reads them.
        """
        event = packet.Packet(
            packet.EVENT, namespace=NAMESPACE, data=[message["event"], *message["data"]]
        )
        told = engine_packet.Packet(engine_packet.MESSAGE, event.encode())
        for sid, eio_sid in self.get_participants(NAMESPACE, message["room"]):
            if sid != message["skip_sid"]:
                with suppress(SocketIsClosedError):
                    await self.server.eio.send_packet(eio_sid, told)
        note = self._notices.get(message["event"])
        if note is not None:
            note(message["data"][0])

    def _tell_away(self, error: BaseException) -> None:
        """Once, not at each try."""
        if not self._away:
            log.warning("live link is away", link=self.name, error=type(error).__name__)
        self._away = True

    def _tell_back(self) -> None:
        if self._away:
            log.info("live link is back", link=self.name)
        self._away = False


class Silent:
    """The library would log each failed try; `Link` says it once. Its own faults are still told."""

    def debug(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    info = warning = error = debug

    def exception(self, message: str, *_: Any, **__: Any) -> None:
        """A fault of a handler, without its words: those may quote what people wrote."""
        kind = sys.exc_info()[0]
        log.error("socket fault", fault=message, error=kind.__name__ if kind else None)
