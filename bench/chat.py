"""`make bench-chat`: from sent to seen, on two API processes, beside plain Node with Redis.

Each message is timed from the moment it was planned for until a member of its conversation has it,
in the one process that holds all clients; the clients are the stock ones of npm, the same for all.
Messages come at random moments, the same for all. Three systems take turns on this machine
(bench/chat_systems.py), each at several rates.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.chat_people import MEMBERS, Member, seat_people
from bench.chat_report import ChatReport, Heard, show
from bench.chat_systems import NODE_FOLDER, Servers, System, serving
from bench.command import carry_out
from bench.contenders.node_project import NodeNotUsable, installed_node
from bench.processes import usage_of
from bench.results import Outcome, bench_folder
from stack.ports import Ports
from stack.running import running_stack

HEADLINE: Final = 100.0
"""Messages a second of the last line: each of 1,000 people says something every ten seconds."""
PATIENCE: Final = 30
"""Seconds after the last message until what was not seen counts as lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatOptions:
    """What the command was told."""

    sockets: int
    rates: tuple[float, ...]
    """Messages a second, one after the other."""
    seconds: float
    """Of each rate."""
    rounds: int
    systems: tuple[System, ...]
    verbose: bool


async def run_chat(options: ChatOptions) -> Outcome:
    """Every system in turns, in each round; people and conversations are the same for all."""
    node = await installed_node(NODE_FOLDER, "socket.io")
    heard: list[Heard] = []
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(bench_folder())
        base = await stack.enter_async_context(
            running_stack(folder / "stack", Ports.free(), only=("postgres", "migrations"))
        )
        members = await seat_people(base, options.sockets)
        for number in range(1, options.rounds + 1):
            print(f"Round {number} of {options.rounds}", flush=True)
            for system in options.systems:
                async with serving(system, base, folder, node, verbose=options.verbose) as servers:
                    task = folder / "task.json"
                    task.write_text(json.dumps(_task(system, servers, members, options)))
                    async for one in _listen(node, task, system, servers):
                        show(one)
                        heard.append(one)
    headline = HEADLINE if HEADLINE in options.rates else options.rates[-1]
    report = ChatReport(heard, sockets=options.sockets, headline=headline)
    print(report.table())
    return report.outcome()


def _task(
    system: System, servers: Servers, members: Sequence[Member], options: ChatOptions
) -> dict[str, Any]:
    return {
        "servers": servers.urls,
        "sockets": [
            {
                "server": index % len(servers.urls),
                "conversation": str(member.conversation_id),
                "auth": system.auth(member),
            }
            for index, member in enumerate(members)
        ],
        "members": MEMBERS,
        "rates": options.rates,
        "seconds": options.seconds,
        "patienceSeconds": PATIENCE,
    }


async def _listen(node: str, task: Path, system: System, servers: Servers) -> AsyncIterator[Heard]:
    """Have the clients talk; what they tell of each rate. Raises NodeNotUsable."""
    clients = await asyncio.create_subprocess_exec(
        *(node, "load.mjs", str(task)), cwd=NODE_FOLDER, stdout=asyncio.subprocess.PIPE
    )
    pids = {**servers.pids, "clients": clients.pid}
    try:
        spent = _Spent(pids)
        while clients.stdout is not None and (line := await clients.stdout.readline()):
            told: Mapping[str, Any] = json.loads(line)
            shares = spent.a_second()
            if "perSecond" in told:  # the first line only says that the load begins
                yield Heard(
                    system=system,
                    per_second=told["perSecond"],
                    sent=told["sent"],
                    refused=told["refused"],
                    expected=told["expected"],
                    seen=told["seen"],
                    wrong=told["wrong"],
                    p50=told["p50"],
                    p99=told["p99"],
                    max=told["max"],
                    acknowledged_p99=told["acknowledgedP99"],
                    cpu_seconds=shares,
                )
        if await clients.wait():
            raise NodeNotUsable("load.mjs failed: see above")
    finally:
        if clients.returncode is None:
            clients.kill()
            await clients.wait()


class _Spent:
    """Processor time since the last look."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._looked_at = time.perf_counter()
        self._used = usage_of(pids)

    def a_second(self) -> dict[str, float]:
        before, since = self._used, self._looked_at
        self._used, self._looked_at = usage_of(self._pids), time.perf_counter()
        seconds = self._looked_at - since
        return {
            name: round((used.cpu_seconds - before[name].cpu_seconds) / seconds, 3)
            for name, used in self._used.items()
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when something was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.chat", description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rates", type=float, nargs="+", default=[25, 50, HEADLINE, 200])
    parser.add_argument("--seconds", type=float, default=20, help="of each rate")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--systems", nargs="+", default=list(System), choices=list(System))
    parser.add_argument("--keep", action="store_true", help="write its JSON and its plot")
    parser.add_argument("--verbose", action="store_true", help="show what the processes print")
    asked = parser.parse_args(arguments)
    options = ChatOptions(
        sockets=asked.sockets,
        rates=tuple(asked.rates),
        seconds=asked.seconds,
        rounds=asked.rounds,
        systems=tuple(System(name) for name in asked.systems),
        verbose=asked.verbose,
    )
    return carry_out(asked, run_chat(options))


if __name__ == "__main__":
    sys.exit(main())
