"""What a process costs, read from the system."""

import asyncio
import os
import sys

from bench.processes import usage_of

BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True)\ninput()"


async def test_a_tree_counts_what_is_below_it() -> None:
    """A child's processor time is its parent's too, while the child lives."""
    before = usage_of({"us": os.getpid()})["us"]
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BURN),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    await child.stdout.readline()
    usage = usage_of({"child": child.pid, "us": os.getpid()})
    await child.communicate(b"\n")
    assert usage["child"].cpu_seconds >= 0.28
    assert usage["us"].cpu_seconds - before.cpu_seconds >= 0.28
    assert usage["us"].memory_bytes > usage["child"].memory_bytes > 1_000_000


def test_a_process_that_is_gone_costs_nothing() -> None:
    """A benchmark may look after its end."""
    usage = usage_of({"nobody": 2**22 + 1})["nobody"]
    assert (usage.cpu_seconds, usage.memory_bytes) == (0, 0)
