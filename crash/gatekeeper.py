"""The harness's side of the gate: lets everybody pass, but for those that a trap waits for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from crash.gate import GO, HOST, Arrival
from crash.points import Point

STRAGGLERS_SECONDS = 2.5
"""How long those that stand at a point wait for the ones that should stand there too."""


@dataclass(kw_only=True)
class Trap:
    """A point at which certain arrivals are held until the trap is opened."""

    point: Point
    expected: frozenset[str]
    """Networks; one empty name where a whole post passes at once."""
    part: int = 0
    post: str | None = None
    """Only this post; None: any that is not in `ignored`."""
    ignored: frozenset[str] = frozenset()
    holds: bool = True
    in_turn: bool = False
    """Whether the first who comes keeps the others from coming."""
    arrived: set[str] = field(default_factory=set)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def catches(self, arrival: Arrival) -> bool:
        """Whether this arrival is one that it waits for."""
        if self.opened.is_set() or arrival.point is not self.point or arrival.part != self.part:
            return False
        if arrival.network not in self.expected:
            return False
        return arrival.post == self.post if self.post else arrival.post not in self.ignored

    async def hold(self, arrival: Arrival) -> None:
        """Note the arrival, and keep it until the trap is opened."""
        self.arrived.add(arrival.network)
        self._changed.set()
        if self.holds:
            await self.opened.wait()

    async def sprung(self, timeout: float) -> bool:
        """Wait until everybody stands there, or nobody more comes; whether anybody does."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
            while self.arrived != self.expected and not self.in_turn:
                self._changed.clear()
                await asyncio.wait_for(self._changed.wait(), STRAGGLERS_SECONDS)
        except TimeoutError:
            return bool(self.arrived)
        return True

    def open(self) -> None:
        """Let everybody go on, now and later."""
        self.opened.set()


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A fault to be played by whoever sends next."""

    network: str
    text: str
    ignored: frozenset[str]
    """Posts that are not meant."""

    def is_for(self, arrival: Arrival) -> bool:
        """Whether this is who is meant."""
        is_sending = arrival.point is Point.SENDING and arrival.network == self.network
        return is_sending and arrival.post not in self.ignored


class Gatekeeper:
    """Listens to every process under test."""

    def __init__(self) -> None:
        """Nothing is trapped, and no fault is played, until somebody says so."""
        self.port = 0
        self._traps: list[Trap] = []
        self._words: list[Word] = []

    def set_trap(self, trap: Trap) -> None:
        """Hold what the trap catches, from now on."""
        self._traps = [each for each in self._traps if not each.opened.is_set()]
        self._traps.append(trap)

    def say(self, word: Word) -> None:
        """Say this to the next send that it is meant for."""
        self._words.append(word)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One arrival."""
        # A process that was killed where it stood hangs up; there is nobody left to tell.
        with suppress(ConnectionError):
            if line := await reader.readline():
                arrival = Arrival.read(line)
                for trap in self._traps:
                    if trap.catches(arrival):
                        await trap.hold(arrival)
                writer.write(f"{self._word_for(arrival)}\n".encode())
                await writer.drain()
        writer.close()

    def _word_for(self, arrival: Arrival) -> str:
        for word in self._words:
            if word.is_for(arrival):
                self._words.remove(word)
                return word.text
        return GO


@asynccontextmanager
async def gatekeeping() -> AsyncIterator[Gatekeeper]:
    """A gatekeeper that listens while inside."""
    keeper = Gatekeeper()
    server = await asyncio.start_server(keeper.answer, HOST, 0)
    keeper.port = server.sockets[0].getsockname()[1]
    try:
        yield keeper
    finally:
        server.close()
