"""What a process writes to standard error: a JSON object a line, ours and the libraries' alike."""

import asyncio
import io
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.typing import FilteringBoundLogger

from runtime.logs import Output, configure_logs
from runtime.settings import LogFormat, LogLevel


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Nothing that is configured here outlives its test."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def logger(name: str) -> FilteringBoundLogger:
    """One that no other test has used."""
    made: FilteringBoundLogger = structlog.get_logger(name)
    return made


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_has_what_was_said_and_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogLevel.INFO, log_format=LogFormat.JSON, service="api")
    structlog.contextvars.bind_contextvars(request_id="abc")
    logger("api.requests").info("request", status=200, ms=1.5)
    [line] = written(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "status": 200,
        "ms": 1.5,
        "request_id": "abc",
        "level": "info",
        "logger": "api.requests",
        "service": "api",
    }


def test_the_libraries_lines_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogLevel.INFO, log_format=LogFormat.JSON, service="worker")
    structlog.contextvars.bind_contextvars(request_id="abc")
    logging.getLogger("temporalio").warning("slow by %d s", 3)
    logging.getLogger("sqlalchemy").info("noise")
    [line] = written(capsys)
    assert line.pop("timestamp")
    assert line == {
        "event": "slow by 3 s",
        "request_id": "abc",
        "level": "warning",
        "logger": "temporalio",
        "service": "worker",
    }


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogLevel.WARNING, log_format=LogFormat.JSON, service="api")
    ours = logger("quiet")
    ours.debug("one")
    ours.info("two")
    ours.warning("three")
    ours.error("four")
    assert [line["event"] for line in written(capsys)] == ["three", "four"]


def test_a_traceback_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogLevel.INFO, log_format=LogFormat.JSON, service="api")
    try:
        int("bread")
    except ValueError:
        logger("faults").exception("failed")
    [line] = written(capsys)
    assert (line["event"], line["level"]) == ("failed", "error")
    assert line["exception"].endswith("'bread'")


def test_what_json_does_not_know_is_written_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(LogLevel.INFO, log_format=LogFormat.JSON, service="api")
    odd = logger("odd")
    odd.info("half", text="\ud800 of a pair")
    odd.info("large", number=2**70)
    odd.info("object", thing={1, 2}.__class__)
    odd.info("two\nlines")
    half, large, thing, lines = written(capsys)
    assert half["text"] == "\ud800 of a pair"
    assert large["number"] == 2**70
    assert "set" in thing["thing"]
    assert lines["event"] == "two\nlines"


def test_people_read_lines_without_braces(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogLevel.INFO, log_format=LogFormat.CONSOLE, service="api")
    logger("people").info("request", status=200)
    logging.getLogger("library").warning("slow")
    ours, theirs = capsys.readouterr().err.splitlines()
    assert "request" in ours
    assert "status=200" in ours
    assert "slow" in theirs


class Pieces(io.StringIO):
    """Keeps each piece that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


async def test_the_lines_of_one_moment_are_written_together() -> None:
    stream = Pieces()
    output = Output(stream)
    output.write_soon("one\n")
    output.write_soon("two\n")
    assert stream.pieces == []
    await asyncio.sleep(0)
    assert stream.pieces == ["one\ntwo\n"]
    output.write_soon("three\n")
    await asyncio.sleep(0)
    assert stream.pieces[1:] == ["three\n"]


async def test_trouble_is_told_at_once_and_after_what_was_before_it() -> None:
    stream = Pieces()
    output = Output(stream)
    output.write_soon("before\n")
    output.write("trouble\n")
    assert stream.pieces == ["before\ntrouble\n"]
    await asyncio.sleep(0)
    assert len(stream.pieces) == 1


async def test_lines_of_other_threads_do_not_wait() -> None:
    stream = Pieces()
    output = Output(stream)

    async def elsewhere() -> None:
        output.write_soon("elsewhere\n")
        assert stream.pieces == ["elsewhere\n"]

    await asyncio.to_thread(asyncio.run, elsewhere())


def test_without_a_loop_lines_do_not_wait() -> None:
    stream = Pieces()
    Output(stream).write_soon("now\n")
    assert stream.pieces == ["now\n"]


@pytest.mark.parametrize(
    "end",
    [
        "raise SystemExit(0)",
        "raise LookupError",
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); signal.raise_signal(15)",
        "asyncio.get_running_loop().stop(); await asyncio.sleep(60)",
    ],
)
def test_what_waits_is_written_when_the_process_ends(end: str) -> None:
    program = f"""
import asyncio, signal, sys
import structlog
from runtime.logs import configure_logs
from runtime.settings import LogFormat, LogLevel

async def run():
    structlog.get_logger("ending").info("the last line")
    {end}

configure_logs(LogLevel.INFO, log_format=LogFormat.JSON, service="api")
asyncio.run(run())
"""
    ended = subprocess.run(  # noqa: S603  ours
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.stderr.count('"event":"the last line"') == 1, ended.stderr
    assert ended.returncode != -signal.SIGTERM
