"""What a process writes to standard error: a JSON object a line, ours and the libraries' alike."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from runtime.logs import configure_logs
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


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """One that no other test has used."""
    made: structlog.stdlib.BoundLogger = structlog.get_logger(name)
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
