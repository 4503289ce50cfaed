"""A run cut into stages: what a part took in each, without what it takes anyway."""

import sys
from asyncio import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bench.stages import IDLE, Stopwatch

BURN = """
import sys, time
for line in sys.stdin:
    until = time.process_time() + float(line)
    while time.process_time() < until: pass
    print("burnt", flush=True)
"""

Burn = Callable[[float], Awaitable[None]]


@pytest.fixture
async def burner() -> AsyncIterator[tuple[int, Burn]]:
    """A process, and what has it use up so many seconds of a processor."""
    child = await subprocess.create_subprocess_exec(
        sys.executable, "-c", BURN, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    given, answers = child.stdin, child.stdout

    async def burn(seconds: float) -> None:
        given.write(f"{seconds}\n".encode())
        assert await answers.readline() == b"burnt\n"

    await burn(0)
    yield child.pid, burn
    given.close()
    await child.wait()


async def test_processor_time_counts_for_the_stage_it_was_spent_in(
    burner: tuple[int, Burn],
) -> None:
    pid, burn = burner
    stopwatch = Stopwatch({"part": pid})
    await burn(0)
    stopwatch.ends(IDLE)
    await burn(0.3)
    stopwatch.ends("busy")
    await burn(0)
    stopwatch.ends("quiet")
    cpu = stopwatch.cpu_ms(10)
    assert cpu["busy"]["part"] == pytest.approx(30, abs=3)
    assert cpu["quiet"]["part"] <= 3
    assert IDLE not in cpu


async def test_what_is_taken_anyway_is_taken_off(burner: tuple[int, Burn]) -> None:
    pid, burn = burner
    stopwatch = Stopwatch({"part": pid})
    await burn(0.3)
    stopwatch.ends(IDLE)
    await burn(0.3)
    stopwatch.ends("no busier")
    assert 0 < stopwatch.idle_cores()["part"] <= 1.1
    assert stopwatch.cpu_ms(10)["no busier"]["part"] < 30
