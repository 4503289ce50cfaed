"""Order, readiness, output, death and stopping, with small real processes."""

import asyncio
import io
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, Signals

import pytest

from stack.children import Child
from stack.errors import ChildFailed, UnknownChild
from stack.leftovers import ProcessRecord, birth_of
from stack.supervisor import Supervisor
from tests.patience import PATIENCE

Supervise = Callable[..., Supervisor]
Sleeper = Callable[[str], Child]
PythonChild = Callable[[str, str], Child]
ReadyWhen = Callable[[Child, Path], Child]


def _append(file: Path, text: str) -> str:
    return f"open({str(file)!r}, 'a').write({text!r})"


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def _when_quiet(number: Callable[[], int]) -> int:
    """Once it stays what it is: what was printed before may still be read."""
    async with asyncio.timeout(PATIENCE):
        while True:
            before = number()
            await asyncio.sleep(0.2)
            if number() == before:
                return before


async def test_starts_each_child_once_the_one_before_is_ready(
    supervise: Supervise, python_child: PythonChild, ready_when: ReadyWhen, tmp_path: Path
) -> None:
    ready, order = tmp_path / "ready", tmp_path / "order"
    slow = (
        f"import time; time.sleep(0.2); {_append(order, 'a')}; {_append(ready, '')}; time.sleep(60)"
    )
    first = ready_when(python_child("first", slow), ready)
    second = replace(python_child("second", _append(order, "b")), runs_once=True)
    await supervise(first, second).start_all()
    assert order.read_text() == "ab"


async def test_puts_the_childs_name_before_each_of_its_lines(
    supervise: Supervise, python_child: PythonChild, printed: io.StringIO
) -> None:
    long = "print('one'); import sys; print('two', file=sys.stderr); print('x' * 200_000, end='')"
    await supervise(replace(python_child("job", long), runs_once=True)).start_all()
    lines = printed.getvalue().splitlines()
    assert lines[:2] == ["job    | one", "job    | two"]
    assert lines[2] == f"job    | {'x' * 200_000}"
    assert lines[3].startswith("  job     done in ")


async def test_a_child_that_runs_once_hands_its_output_over_unprinted(
    supervise: Supervise, python_child: PythonChild, printed: io.StringIO
) -> None:
    taken: list[str] = []
    job = replace(python_child("job", "print('key')"), runs_once=True, collect=taken.extend)
    await supervise(job).start_all()
    assert taken == ["key"]
    assert "key" not in printed.getvalue()


async def test_a_child_that_runs_once_and_fails_stops_the_start(
    supervise: Supervise, python_child: PythonChild, sleeper: Sleeper
) -> None:
    job = replace(python_child("job", "print('why'); raise SystemExit(3)"), runs_once=True)
    supervisor = supervise(job, sleeper("later"))
    with pytest.raises(ChildFailed, match=r"^job exited with code 3$") as failed:
        await supervisor.start_all()
    assert failed.value.last_lines == ("why",)
    assert not supervisor.is_running("later")


async def test_a_child_that_is_not_ready_in_time_fails_with_its_last_lines(
    supervise: Supervise, sleeper: Sleeper
) -> None:
    async def never_ready() -> bool:
        await _until(lambda: supervisor.last_lines("slow") == ["up"])
        return False

    supervisor = supervise(replace(sleeper("slow"), ready=never_ready, ready_seconds=0.4))
    with pytest.raises(ChildFailed, match=r"slow was not ready after 0\.4 s") as failed:
        await supervisor.start_all()
    assert failed.value.last_lines == ("up",)


async def test_a_child_that_dies_while_another_starts_stops_the_start(
    supervise: Supervise,
    python_child: PythonChild,
    sleeper: Sleeper,
    ready_when: ReadyWhen,
    tmp_path: Path,
) -> None:
    dying = python_child("dying", "import time; time.sleep(0.1); raise SystemExit(4)")
    waiting = ready_when(sleeper("waiting"), tmp_path / "never")
    with pytest.raises(ChildFailed, match="dying exited with code 4"):
        await supervise(dying, waiting).start_all()


async def test_a_program_that_is_not_there_is_named(supervise: Supervise) -> None:
    missing = Child(name="ghost", command=("/nowhere/ghost",), env={})
    with pytest.raises(ChildFailed, match=r"could not be started: No such file .*: /nowhere/ghost"):
        await supervise(missing).start_all()


async def test_notices_a_child_that_is_killed_by_someone_else(
    supervise: Supervise, sleeper: Sleeper
) -> None:
    supervisor = supervise(sleeper("one"), sleeper("two"))
    await supervisor.start_all()
    await _until(lambda: supervisor.last_lines("two") == ["up"])
    os.kill(supervisor.pid("two"), SIGKILL)
    with pytest.raises(ChildFailed, match="two was killed by SIGKILL") as failed:
        await asyncio.wait_for(supervisor.wait_for_failure(), PATIENCE)
    assert failed.value.last_lines == ("up",)
    assert supervisor.failure is failed.value
    await supervisor.start("two")
    assert supervisor.failure is None


async def test_stops_in_reverse_order(
    supervise: Supervise, python_child: PythonChild, tmp_path: Path
) -> None:
    order = tmp_path / "order"

    def child(name: str) -> Child:
        on_stop = f"lambda *_: ({_append(order, name)}, exit())"
        listen = f"import signal, time; signal.signal(signal.SIGTERM, {on_stop})"
        return python_child(name, f"{listen}; print('up'); time.sleep(60)")

    supervisor = supervise(child("a"), child("b"), child("c"))
    await supervisor.start_all()
    await _until(lambda: all(supervisor.last_lines(name) for name in "abc"))
    await supervisor.stop_all()
    assert order.read_text() == "cba"
    assert supervisor.failure is None


async def test_kills_a_child_that_does_not_stop_in_time(
    supervise: Supervise, python_child: PythonChild
) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"
    supervisor = supervise(replace(python_child("deaf", deaf), stop_seconds=0.2))
    await supervisor.start_all()
    await _until(lambda: supervisor.last_lines("deaf") == ["up"])
    began = time.monotonic()
    await supervisor.stop_all()
    assert 0.2 <= time.monotonic() - began < PATIENCE / 2
    assert not supervisor.is_running("deaf")


async def test_stops_a_child_by_the_signal_it_wants(
    supervise: Supervise, python_child: PythonChild, printed: io.StringIO
) -> None:
    # A run of the tests in the background may have handed down that SIGINT is ignored.
    wants_int = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n  print('up')\n  time.sleep(60)\nexcept KeyboardInterrupt: print('int')"
    )
    supervisor = supervise(replace(python_child("c", wants_int), stop_signal=Signals.SIGINT))
    await supervisor.start_all()
    await _until(lambda: supervisor.last_lines("c") == ["up"])
    await supervisor.stop_all()
    assert "| int" in printed.getvalue()


async def test_a_killed_child_is_no_failure_and_starts_again(
    supervise: Supervise, sleeper: Sleeper, record: ProcessRecord
) -> None:
    supervisor = supervise(sleeper("one"))
    await supervisor.start_all()
    first = supervisor.pid("one")
    await supervisor.kill("one")
    assert birth_of(first) is None
    assert not supervisor.is_running("one")
    assert supervisor.failure is None
    await supervisor.start("one")
    assert supervisor.pid("one") != first


async def test_a_paused_child_does_nothing_until_it_is_resumed(
    supervise: Supervise, python_child: PythonChild
) -> None:
    ticking = "import time\nwhile True: print('tick'); time.sleep(0.01)"
    supervisor = supervise(python_child("clock", ticking))
    await supervisor.start_all()
    await _until(lambda: bool(supervisor.last_lines("clock")))
    supervisor.pause("clock")
    before = await _when_quiet(lambda: len(supervisor.last_lines("clock")))
    supervisor.resume("clock")
    await _until(lambda: len(supervisor.last_lines("clock")) > before)


async def test_a_paused_child_can_be_stopped(supervise: Supervise, sleeper: Sleeper) -> None:
    supervisor = supervise(replace(sleeper("one"), stop_seconds=10 * PATIENCE))
    await supervisor.start_all()
    supervisor.pause("one")
    async with asyncio.timeout(PATIENCE):
        await supervisor.stop("one")


async def test_an_unknown_name_is_answered_with_the_known_ones(
    supervise: Supervise, sleeper: Sleeper
) -> None:
    with pytest.raises(UnknownChild, match="no part is called two: there are one"):
        await supervise(sleeper("one")).kill("two")
