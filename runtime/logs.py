"""Structured logs: one JSON object a line, with the ids that were bound on the way."""

import asyncio
import atexit
import json
import logging
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog

from runtime.settings import LogFormat, LogLevel


def configure_logs(level: LogLevel, *, log_format: LogFormat, service: str) -> None:
    """Route our own and the libraries' logs through structlog to standard error.

    Our own are written straight there: a record of the standard library costs more than the line,
    and there is a line for each request. No secret and no post's text is ever handed to a logger;
    nothing is filtered out here but by its level.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _stamp(service),
    ]
    rendering: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, _as_json]
        if log_format is LogFormat.JSON
        else [_for_people, _for_terminals()]
    )
    output = Output(sys.stderr)
    atexit.register(output.flush)
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=lambda *name: Lines(name[0] if name else service, output),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for quieter in ("sqlalchemy", "botocore", "urllib3", "asyncio"):
        logging.getLogger(quieter).setLevel(logging.WARNING)


class Output:
    """Standard error, to which the requests of one moment write their lines together.

    Each call of the system costs as much as making the line. What tells of no trouble waits for
    the end of this turn of the event loop; anything else is written at once, after what waits.
    """

    def __init__(self, stream: TextIO) -> None:
        """Lines wait in the thread that calls this, and in no other."""
        self._stream = stream
        self._thread = threading.get_ident()
        self._waiting: deque[str] = deque()
        self._flushed_by: asyncio.AbstractEventLoop | None = None

    def write_soon(self, text: str) -> None:
        """Write it in this turn of the event loop, or now where there is none."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.write(text)
            return
        if threading.get_ident() != self._thread:
            self.write(text)
            return
        self._waiting.append(text)
        if self._flushed_by is not loop:
            self._flushed_by = loop
            loop.call_soon(self.flush)

    def write(self, text: str) -> None:
        """Write it now in one piece, so that no other line gets between."""
        self._stream.write(self._taken() + text)

    def flush(self) -> None:
        """Write what waits."""
        self._flushed_by = None
        if self._waiting:
            self.write("")

    def _taken(self) -> str:
        """What waits, each line once whichever thread asks."""
        taken = ""
        while self._waiting:
            try:
                taken += self._waiting.popleft()
            except IndexError:  # another thread was faster
                break
        return taken


class Lines:
    """Writes finished lines; what structlog calls for each level."""

    def __init__(self, name: str, output: Output) -> None:
        """`name` is the logger's, which stands in its lines."""
        self.name = name
        self._output = output

    def info(self, line: str) -> None:
        """Write it with the others of this moment."""
        self._output.write_soon(line + "\n")

    def error(self, line: str) -> None:
        """Write it now: there may be no other moment."""
        self._output.write(line + "\n")

    debug = info
    warning = exception = critical = error


def _stamp(service: str) -> structlog.typing.Processor:
    """Whose line it is, when it was said, and how bad it is."""

    def stamp(
        logger: Any, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        record: logging.LogRecord | None = event.get("_record")
        event["level"] = method
        event["logger"] = logger.name if record is None else record.name
        event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
        event["service"] = service
        return event

    return stamp


def _as_json(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # orjson refuses halves of characters and very large numbers
        return json.dumps(event, default=repr)


def _for_terminals() -> structlog.typing.Processor:
    """Lines as people read them.

    Tracebacks are plain: rich ones show local variables, secrets among them, and take seconds, in
    which the process would not heartbeat.
    """
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=30, exception_formatter=plain)


def _for_people(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Leave out what the terminal tells already, or nobody reads there."""
    for name in ("service", "logger"):
        event.pop(name, None)
    event["timestamp"] = event["timestamp"][11:23]
    return event
