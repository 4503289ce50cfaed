"""The system under test: the embedded stack with short times, whose parts are killed and restarted.

What a supervisor does in production, starting again what has died, the harness does here.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from crash import plants
from crash.customer import Customer
from crash.gate import ADDRESS
from crash.gatekeeper import Gatekeeper, gatekeeping
from crash.plants import Plant
from domain.networks import Network
from stack.errors import ChildFailed
from stack.ports import Ports
from stack.running import Stack, running_stack

SHORT_TIMES: Mapping[str, str] = MappingProxyType(
    {
        "HEARTBEAT_TIMEOUT_SECONDS": "2",
        "ARM_LEAD_SECONDS": "2",
        "PREPARE_LEAD_SECONDS": "4",
        "RETRY_DELAYS_SECONDS": "1,2,4",
        "LOOKUP_DELAYS_SECONDS": "1,2,3",
        "NETWORK_TIMEOUT_SECONDS": "2.5",
        "RELAY_SWEEP_SECONDS": "1",
        "RELAY_LEASE_SECONDS": "3",
        "SWEEP_SECONDS": "10",
        "API_RATE_PER_MINUTE": "0",
        "API_FAILED_AUTH_PER_MINUTE": "0",
        "CIRCUIT_OPEN_SECONDS": "2",
        "CIRCUIT_LONGEST_OPEN_SECONDS": "8",
        **{f"{network.upper()}_QUOTAS": "off" for network in Network},
    }
)
"""And no quotas: thousands of posts leave a handful of accounts within minutes."""

PARTS = ("postgres", "temporal", "sandbox", "api", "worker")

GATED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "api": (sys.executable, "-m", "crash.api"),
        "worker": (sys.executable, "-m", "crash.worker"),
    }
)


class System:
    """The running stack."""

    def __init__(self, stack: Stack, keeper: Gatekeeper, customer: Customer) -> None:
        """Everything runs already."""
        self.keeper = keeper
        self.customer = customer
        self.deaths: list[str] = []
        """Of parts that nobody had killed."""
        self._stack = stack
        self._turn = asyncio.Lock()

    async def restart(self, name: str, *, pause: float = 0.0) -> None:
        """SIGKILL a part, and start it again `pause` seconds later."""
        async with self._turn:
            await self._stack.kill(name)
            await asyncio.sleep(pause)
            await self._start(name)

    async def freeze(self, name: str, seconds: float) -> None:
        """Stop a part where it is, and let it go on as if nothing had been."""
        async with self._turn:
            self._stack.pause(name)
            await asyncio.sleep(seconds)
            self._stack.resume(name)

    async def recover(self) -> None:
        """Start again whatever does not run, of a restart that was cut off."""
        async with self._turn:
            for name in PARTS:
                await self._start(name)

    async def watch(self) -> None:
        """Start again what died by itself, for ever."""
        while True:
            await asyncio.sleep(0.2)
            async with self._turn:
                if failure := self._stack.failure:
                    await self._recover(failure)

    async def _start(self, name: str) -> None:
        while True:
            try:
                await self._stack.start(name)
            except ChildFailed as failure:
                if failure.name == name:
                    raise
                await self._recover(failure)
            else:
                return

    async def _recover(self, failure: ChildFailed) -> None:
        end = "\n".join(failure.last_lines[-15:])
        self.deaths.append(f"{failure}\n{end}")
        print(f"  {failure} by itself; starting it again", flush=True)
        await self._start(failure.name)


@asynccontextmanager
async def running_system(
    *,
    plant: Plant | None = None,
    gated: bool = True,
    verbose: bool = False,
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[System]:
    """A system on a folder of its own, gone with it. Raises StackError."""
    async with AsyncExitStack() as stack:
        # The stack's PostgreSQL may belong to another user, who cannot remove what is ours.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="punctual-", ignore_cleanup_errors=True)
        )
        keeper = await stack.enter_async_context(gatekeeping())
        settings = {
            **SHORT_TIMES,
            "LOG_LEVEL": "INFO" if verbose else "WARNING",
            **({ADDRESS: str(keeper.port)} if gated else {}),
            **({plants.VARIABLE: plant} if plant else {}),
            **overrides,
        }
        running = await stack.enter_async_context(
            running_stack(
                Path(folder) / "home",
                Ports.free(),
                quiet=not verbose,
                overrides=settings,
                commands=GATED if gated or plant else {},
            )
        )
        customer = Customer(running.addresses, running.api_key or "")
        stack.push_async_callback(customer.close)
        system = System(running, keeper, customer)
        watching = asyncio.create_task(system.watch())
        try:
            yield system
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
