"""The whole embedded stack as one resource: `async with running_stack(...) as stack`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from stack.children import Child
from stack.home import Home
from stack.leash import leash
from stack.leftovers import ProcessRecord
from stack.ports import Ports
from stack.services import Addresses, EmbeddedParts, settings_environment
from stack.supervisor import Supervisor
from stack.terminal import Terminal

NAME_WIDTH = 10
NOTHING: Mapping[str, str] = MappingProxyType({})
NO_COMMANDS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Stack(Supervisor):
    """A running stack: its parts can be started, stopped, killed, paused and resumed by name."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        record: ProcessRecord,
        terminal: Terminal,
        home: Home,
        addresses: Addresses,
        settings: Mapping[str, str],
    ) -> None:
        super().__init__(children, record=record, terminal=terminal)
        self.home = home
        self.addresses = addresses
        self.settings = settings
        """The environment that its processes read their settings from."""

    @property
    def api_key(self) -> str | None:
        """The demo workspace's; None while the part that makes it was always left out."""
        return self.home.api_key


@asynccontextmanager
async def running_stack(
    home: Path,
    ports: Ports,
    *,
    only: Collection[str] | None = None,
    quiet: bool = True,
    overrides: Mapping[str, str] = NOTHING,
    commands: Mapping[str, tuple[str, ...]] = NO_COMMANDS,
) -> AsyncIterator[Stack]:
    """Start the parts called `only` (all by default) on that data folder; stop them at the end.

    `overrides` adds to and replaces the settings of our own processes; `commands` runs something
    else in the place of the parts that it names. Raises StackError, at the end too if a part died
    that nobody had ended.
    """
    terminal = Terminal(None if quiet else sys.stdout, width=NAME_WIDTH)
    folder = Home(home)
    async with folder.locked() as lock:
        record = ProcessRecord(folder.process_record)
        if ended := await asyncio.to_thread(record.end_all):
            terminal.say(f"  An earlier run was cut off: ended its {', '.join(ended)}")
        stack = _build(folder, ports, only, overrides, commands, record=record, terminal=terminal)
        async with leash(folder.process_record, lock=lock), _stopped_at_the_end(stack):
            await stack.start_all()
            yield stack


def _build(
    home: Home,
    ports: Ports,
    only: Collection[str] | None,
    overrides: Mapping[str, str],
    commands: Mapping[str, tuple[str, ...]],
    *,
    record: ProcessRecord,
    terminal: Terminal,
) -> Stack:
    secrets = home.secrets()
    addresses = Addresses.of(ports, secrets)
    ours = settings_environment(home=home, addresses=addresses, secrets=secrets)
    if replaced := sorted(ours.keys() & overrides.keys()):
        terminal.say(f"  From your environment: {', '.join(replaced)}")
    settings = {**ours, **overrides}
    parts = EmbeddedParts(
        home=home, ports=ports, secrets=secrets, settings=settings, terminal=terminal
    )
    children = [
        replace(child, command=commands.get(child.name, child.command))
        for child in parts.children(only)
    ]
    ports.require_free(name for child in children for name in child.ports)
    return Stack(
        children,
        record=record,
        terminal=terminal,
        home=home,
        addresses=addresses,
        settings=settings,
    )


@asynccontextmanager
async def _stopped_at_the_end(stack: Supervisor) -> AsyncIterator[None]:
    try:
        yield
    finally:
        try:
            await stack.stop_all()
        except asyncio.CancelledError:  # asked a second time
            await stack.kill_all()
            raise
    if stack.failure:
        raise stack.failure
