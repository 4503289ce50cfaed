"""What a supervisor that died without a word leaves behind, and who ends it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stack.children import ROOT
from stack.leftovers import ProcessRecord, _birth_by_ps, birth_of
from tests.patience import PATIENCE

SLEEP = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
DEAF = (
    *(sys.executable, "-S", "-uc"),
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)",
)
SUPERVISOR_OF_ONE = """
import asyncio, os, sys
from pathlib import Path
from stack.children import Child
from stack.home import Home
from stack.leash import leash
from stack.leftovers import ProcessRecord
from stack.supervisor import Supervisor
from stack.terminal import Terminal

async def main():
    home = Home(Path(sys.argv[1]))
    command = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
    child = Child(name="one", command=command, env=os.environ)
    record = ProcessRecord(home.process_record)
    supervisor = Supervisor([child], record=record, terminal=Terminal(None))
    async with home.locked() as lock, leash(home.process_record, lock=lock):
        await supervisor.start_all()
        print(supervisor.pid("one"), flush=True)
        await supervisor.wait_for_failure()

asyncio.run(main())
"""


@pytest.fixture
async def sleeping() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*SLEEP, start_new_session=True)
    yield process
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def test_ends_what_was_recorded(
    sleeping: asyncio.subprocess.Process, record: ProcessRecord
) -> None:
    record.add(name="one", pid=sleeping.pid, stop_signal=signal.SIGTERM)
    assert await asyncio.to_thread(record.end_all) == ["one"]
    assert await sleeping.wait() == -signal.SIGTERM
    assert record.end_all() == []


async def test_kills_what_does_not_listen(
    record: ProcessRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.leftovers.END_SECONDS", 0.2)
    pipe = asyncio.subprocess.PIPE
    deaf = await asyncio.create_subprocess_exec(*DEAF, stdout=pipe, start_new_session=True)
    assert deaf.stdout
    assert await deaf.stdout.readline() == b"up\n"
    record.add(name="deaf", pid=deaf.pid, stop_signal=signal.SIGTERM)
    await asyncio.to_thread(record.end_all)
    assert await deaf.wait() == -signal.SIGKILL


async def test_leaves_a_later_process_of_the_same_pid_alone(
    sleeping: asyncio.subprocess.Process, record: ProcessRecord, tmp_path: Path
) -> None:
    record.add(name="one", pid=sleeping.pid, stop_signal=signal.SIGTERM)
    file = tmp_path / "processes.json"
    file.write_text(file.read_text().replace(str(birth_of(sleeping.pid)), "1"))
    assert record.end_all() == []
    assert sleeping.returncode is None


def test_a_damaged_record_is_an_empty_one(record: ProcessRecord, tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text('[{"pid":')
    assert record.end_all() == []


async def test_no_child_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISOR_OF_ONE, str(tmp_path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert supervisor.stdout
    child = int(await supervisor.stdout.readline())
    assert birth_of(child)
    os.kill(supervisor.pid, signal.SIGKILL)
    await supervisor.wait()
    async with asyncio.timeout(PATIENCE):
        while True:
            if birth_of(child) is None:
                return
            await asyncio.sleep(0.02)


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps, as every macOS has")
async def test_ps_tells_a_birth_where_there_is_no_proc(
    sleeping: asyncio.subprocess.Process,
) -> None:
    born = _birth_by_ps(sleeping.pid)
    assert born
    assert _birth_by_ps(sleeping.pid) == born
    sleeping.kill()
    await sleeping.wait()
    assert _birth_by_ps(sleeping.pid) is None
