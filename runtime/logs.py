"""Structured logs: one JSON object a line, with the ids that were bound on the way."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

import orjson
import structlog

from runtime.settings import LogFormat, LogLevel

_LEVELS: Final = {
    **{name.lower(): number for name, number in logging.getLevelNamesMapping().items()},
    "exception": logging.ERROR,
}
"""By the methods of a logger."""


def configure_logs(level: LogLevel, *, log_format: LogFormat, service: str) -> None:
    """Route our own and the libraries' logs through structlog to standard error.

    Our own are written straight there: a record of the standard library costs more than the line,
    and there is a line for each request. No secret and no post's text is ever handed to a logger;
    nothing is filtered out here but by its level.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_service(service),
    ]
    rendering: list[structlog.typing.Processor] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ]
        if log_format is LogFormat.JSON
        else [_for_people, _for_terminals()]
    )
    structlog.configure(
        processors=[_from_level(level), *shared, *rendering],
        logger_factory=lambda *name: Lines(name[0] if name else service, sys.stderr),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
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


class Lines:
    """Writes finished lines; what structlog calls for each level."""

    def __init__(self, name: str, stream: TextIO) -> None:
        """`name` is the logger's, which stands in its lines."""
        self.name = name
        self._write = stream.write

    def info(self, line: str) -> None:
        """Write it with its end in one piece, so that no other line gets between."""
        self._write(line + "\n")

    debug = warning = error = exception = critical = info


def _from_level(level: LogLevel) -> structlog.typing.Processor:
    least = _LEVELS[level.lower()]

    def drop_lower(
        _logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if _LEVELS[method] < least:
            raise structlog.DropEvent
        return event

    return drop_lower


def _as_json(event: structlog.typing.EventDict, default: Callable[[Any], Any]) -> str:
    try:
        return orjson.dumps(event, default=default).decode()
    except TypeError:  # orjson refuses halves of characters and very large numbers
        return json.dumps(event, default=default)


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


def _name_service(service: str) -> structlog.typing.Processor:
    def add(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return add
