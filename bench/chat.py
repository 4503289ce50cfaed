"""From sent to seen: many sockets on two API processes, beside plain Node with the Redis adapter.

Each message is timed from the moment it was planned for until a member of its conversation has it,
in the one process that holds all clients; the clients are the stock ones of npm, the same for all.
Three systems take turns on this machine, two server processes each, through one Redis:

- Punctual: who sends is recognised, is a member and not blocked; the message, its number, its
  place in the event log and the notifications of the others are committed; then it is told.
  The notifications themselves are made by workers, of which none runs here.
- Node, relay: the message goes to the room. Nothing is checked, nothing is kept.
- Node, kept: the message is numbered and written to the same PostgreSQL first. Nothing is checked.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from shutil import which
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, text

from bench.children import running
from bench.machine import facts
from bench.redis_server import redis_child
from bench.results import bench_folder, keep
from domain.conversations import ConversationKind, MemberRole
from domain.ids import new_id
from domain.roles import UserRole
from stack.children import Child
from stack.errors import StackError
from stack.ports import HOST, Ports
from stack.readiness import http_answers
from stack.running import Stack, running_stack
from storage.database import Database
from storage.tables import ConversationMemberRow, ConversationRow, SessionRow, UserRow
from storage.users.access_tokens import AccessTokens

NODE_FOLDER: Final = Path(__file__).parent / "chat_node"
MEMBERS: Final = 10
"""Of each conversation: half on one server, half on the other."""
PATIENCE: Final = 30
"""Seconds after the last message until what was not seen counts as lost."""


class NodeMissing(Exception):
    """There is no Node here, or npm could not install what it runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Who one socket belongs to."""

    user_id: UUID
    conversation_id: UUID
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What is asked of each system."""

    sockets: int
    messages: int
    per_second: float


async def measure(load: Load, *, rounds: int, verbose: bool) -> dict[str, list[dict[str, Any]]]:
    """Run every system in turns; its figures, round by round."""
    node = await _installed_node()
    results: dict[str, list[dict[str, Any]]] = {"punctual": [], "relay": [], "kept": []}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(bench_folder())
        base = await stack.enter_async_context(
            running_stack(folder / "stack", Ports.free(), only=("postgres", "migrations"))
        )
        members = await _people(base, load.sockets)
        for number in range(rounds):
            for system, figured in results.items():
                async with _servers(system, base, folder, node, verbose=verbose) as urls:
                    task = _task(system, urls, members, load)
                    figures = await _loaded(node, folder / f"{system}-{number}.json", task)
                print(f"  {system}: {json.dumps(figures)}", flush=True)
                figured.append(figures)
    return results


@asynccontextmanager
async def _servers(
    system: str, base: Stack, folder: Path, node: str, *, verbose: bool
) -> AsyncIterator[list[str]]:
    """Two processes of the system behind one fresh Redis."""
    ports = _free_ports(3)
    redis_url = f"redis://{HOST}:{ports[0]}/0"
    environment = {**os.environ, "REDIS_URL": redis_url}
    if system == "punctual":
        environment |= {**base.settings, **_redis_settings(redis_url)}
        command: tuple[str, ...]
        command, ports_named, path = (sys.executable, "-m", "api"), "API_PORT", "/readyz"
        cwd = Path(__file__).parents[1]
    else:
        kept = {"DATABASE_URL": base.addresses.database} if system == "kept" else {}
        environment = {**environment, **kept}
        if not kept:
            environment.pop("DATABASE_URL", None)
        command, ports_named, path, cwd = (node, "server.mjs"), "PORT", "/", NODE_FOLDER
    servers = [
        Child(
            name=f"{system}-{port}",
            command=command,
            env={**environment, ports_named: str(port)},
            cwd=cwd,
            ready=http_answers(port, path),
            shows_its_stopping=False,
        )
        for port in ports[1:]
    ]
    home = folder / f"{system}-{ports[0]}"
    redis = redis_child(home / "redis", ports[0])
    async with running(home, [redis, *servers], verbose=verbose):
        yield [f"http://{HOST}:{port}" for port in ports[1:]]


def _redis_settings(url: str) -> dict[str, str]:
    return {
        "REDIS_ENABLED": "true",
        "REDIS_URL": url,
        "REDIS_SOCKET_ADAPTER_ENABLED": "true",
        "QUEUE_ENABLED": "true",
        "LOG_LEVEL": "WARNING",
    }


def _task(
    system: str, urls: Sequence[str], members: Sequence[Member], load: Load
) -> dict[str, Any]:
    def auth(member: Member) -> Mapping[str, str]:
        if system == "punctual":
            return {"token": member.token}
        return {"room": str(member.conversation_id)}

    return {
        "servers": urls,
        "sockets": [
            {
                "server": index % 2,
                "conversation": str(member.conversation_id),
                "auth": auth(member),
            }
            for index, member in enumerate(members)
        ],
        "messages": load.messages,
        "perSecond": load.per_second,
        "patienceSeconds": PATIENCE,
    }


async def _loaded(node: str, file: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    await asyncio.to_thread(file.write_text, json.dumps(task))
    output = await _run(node, "load.mjs", str(file))
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


async def _people(base: Stack, sockets: int) -> list[Member]:
    """People who are signed in, in conversations of MEMBERS, in a database that is fresh."""
    tokens = AccessTokens(
        base.settings["AUTH_SIGNING_KEYS"].split(","), lifetime=timedelta(hours=2)
    )
    database = Database(base.addresses.database.replace("://", "+asyncpg://", 1))
    members = []
    try:
        async with database.transaction() as session:
            for statement in _NODE_TABLES:
                await session.execute(text(statement))
            for number in range(sockets):
                if number % MEMBERS == 0:
                    conversation_id = new_id()
                user_id, session_id = new_id(), new_id()
                await session.execute(insert(UserRow).values(_user(user_id, number)))
                await session.execute(insert(SessionRow).values(_session(session_id, user_id)))
                if number % MEMBERS == 0:
                    await session.execute(
                        insert(ConversationRow).values(_conversation(conversation_id, user_id))
                    )
                    await session.execute(
                        text("INSERT INTO node_conversations (id) VALUES (:id)"),
                        {"id": conversation_id},
                    )
                await session.execute(
                    insert(ConversationMemberRow).values(
                        conversation_id=conversation_id, user_id=user_id, role=MemberRole.MEMBER
                    )
                )
                token = tokens.issue(user_id=user_id, session_id=session_id, role=UserRole.USER)
                members.append(
                    Member(user_id=user_id, conversation_id=conversation_id, token=token)
                )
    finally:
        await database.close()
    return members


_NODE_TABLES: Final = (
    "CREATE TABLE node_conversations (id uuid PRIMARY KEY, last_seq bigint DEFAULT 0 NOT NULL)",
    "CREATE TABLE node_messages (conversation_id uuid REFERENCES node_conversations, seq bigint,"
    " client_id text NOT NULL, text text NOT NULL, PRIMARY KEY (conversation_id, seq))",
)


def _user(user_id: UUID, number: int) -> dict[str, Any]:
    return {
        "id": user_id,
        "handle": f"person{number}",
        "display_name": f"Person {number}",
        "email": f"person{number}@example.org",
    }


def _session(session_id: UUID, user_id: UUID) -> dict[str, Any]:
    return {
        "id": session_id,
        "user_id": user_id,
        "device": "bench",
        "address": HOST,
        "expires_at": text("now() + interval '1 day'"),
    }


def _conversation(conversation_id: UUID, user_id: UUID) -> dict[str, Any]:
    return {
        "id": conversation_id,
        "kind": ConversationKind.GROUP,
        "title": "Bench",
        "created_by": user_id,
        "member_count": MEMBERS,
    }


def _free_ports(count: int) -> list[int]:
    ports = Ports.free()
    return [ports.api, ports.temporal_ui, ports.sandbox][:count]


async def _installed_node() -> str:
    node, npm = which("node"), which("npm")
    if node is None or npm is None:
        raise NodeMissing("the clients and the contender are Node's: install Node 20 or newer")
    marker = NODE_FOLDER / "node_modules" / ".installed"
    state = sha256((NODE_FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if not (marker.is_file() and marker.read_text() == state):
        print("Installing the contender ...", flush=True)
        await _run(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
        marker.write_text(state)
    return node


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=NODE_FOLDER, stdout=asyncio.subprocess.PIPE
    )
    try:
        output = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NodeMissing(f"{Path(command[0]).name} {command[1]} failed: see above")
    return output


def summary(load: Load, results: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The last line: of several rounds the median one, by its p99."""
    best = {
        system: sorted(rounds, key=lambda figures: figures["p99"])[len(rounds) // 2]
        for system, rounds in results.items()
    }
    ours = results["punctual"]
    lost = sum(one["expected"] - one["seen"] + one["refused"] + one["wrong"] for one in ours)
    return (
        f"chat: sockets={load.sockets} sent={sum(one['sent'] for one in ours)}"
        f" seen={sum(one['seen'] for one in ours)} lost={lost:g}"
        f" p50={best['punctual']['p50']:.1f}ms p99={best['punctual']['p99']:.1f}ms"
        f" node_p50={best['relay']['p50']:.1f}ms node_p99={best['relay']['p99']:.1f}ms"
        f" ratio={best['punctual']['p99'] / best['relay']['p99']:.2f}"
        f" node_kept_p50={best['kept']['p50']:.1f}ms node_kept_p99={best['kept']['p99']:.1f}ms"
        f" ratio_kept={best['punctual']['p99'] / best['kept']['p99']:.2f}"
    )


def main() -> int:
    """The exit code: 1 when something was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.chat", description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=3000, help="in each round")
    parser.add_argument("--per-second", type=float, default=100.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="show what the processes print")
    asked = parser.parse_args()
    load = Load(sockets=asked.sockets, messages=asked.messages, per_second=asked.per_second)
    before = facts()
    try:
        results = asyncio.run(measure(load, rounds=asked.rounds, verbose=asked.verbose))
    except (StackError, NodeMissing) as error:
        print(f"chat: {error}", file=sys.stderr)
        return 1
    keep("chat", {"machine": before, "per_second": load.per_second, "rounds": results})
    line = summary(load, results)
    print(line)
    return 0 if " lost=0 " in line else 1


if __name__ == "__main__":
    sys.exit(main())
