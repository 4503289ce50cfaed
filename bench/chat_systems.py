"""Three ways from sent to seen, each as two server processes behind one fresh Redis."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.chat_people import Member
from bench.children import running
from bench.redis_server import redis_child
from stack.children import Child
from stack.ports import HOST, Ports
from stack.readiness import http_answers
from stack.running import Stack

NODE_FOLDER: Final = Path(__file__).parent / "chat_node"
ROOT: Final = Path(__file__).parents[1]


class System(StrEnum):
    """What carries the messages."""

    PUNCTUAL = "punctual"
    """Who sends is known, is a member, not blocked and not too fast. The message, its number, its
    place in the event log and the news for the others are committed; then it is told. The
    notifications themselves are made by workers, of which none runs here."""
    RELAY = "relay"
    """Node: the message goes to the room. Nothing is checked, nothing is kept."""
    KEPT = "kept"
    """Node: it is numbered and written to the same PostgreSQL first. Nothing is checked."""

    def auth(self, member: Member) -> Mapping[str, str]:
        """What a member's socket connects with."""
        if self is System.PUNCTUAL:
            return {"token": member.token}
        return {"room": str(member.conversation_id)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Servers:
    """One running system."""

    urls: tuple[str, ...]
    pids: Mapping[str, int]
    """Of every process that has a part in it, by what it is."""


@asynccontextmanager
async def serving(
    system: System, base: Stack, folder: Path, node: str, *, verbose: bool
) -> AsyncIterator[Servers]:
    """Two processes of the system. Raises StackError."""
    free = Ports.free()
    redis, *ports = free.api, free.temporal_ui, free.sandbox
    redis_url = f"redis://{HOST}:{redis}/0"
    servers = [_server(system, base, node, port=port, redis_url=redis_url) for port in ports]
    home = folder / f"{system}-{redis}"
    children = [redis_child(home / "redis", redis), *servers]
    async with running(home, children, verbose=verbose) as supervisor:
        yield Servers(
            urls=tuple(f"http://{HOST}:{port}" for port in ports),
            pids={
                **{child.name: supervisor.pid(child.name) for child in children},
                "postgres": base.pid("postgres"),
            },
        )


def _server(system: System, base: Stack, node: str, *, port: int, redis_url: str) -> Child:
    name = f"server-{port}"
    if system is System.PUNCTUAL:
        return Child(
            name=name,
            command=(sys.executable, "-m", "api"),
            env={**os.environ, **base.settings, **_settings(redis_url), "API_PORT": str(port)},
            cwd=ROOT,
            ready=http_answers(port, "/readyz"),
            shows_its_stopping=False,
        )
    kept = {"DATABASE_URL": base.addresses.database} if system is System.KEPT else {}
    others = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return Child(
        name=name,
        command=(node, "server.mjs"),
        env={**others, **kept, "REDIS_URL": redis_url, "PORT": str(port)},
        cwd=NODE_FOLDER,
        ready=http_answers(port, "/"),
        shows_its_stopping=False,
    )


def _settings(redis_url: str) -> dict[str, str]:
    return {
        "REDIS_ENABLED": "true",
        "REDIS_URL": redis_url,
        "REDIS_SOCKET_ADAPTER_ENABLED": "true",
        "QUEUE_ENABLED": "true",
        "LOG_LEVEL": "WARNING",
    }
