"""Structured logs: one JSON object a line, with the ids that were bound on the way."""

import logging
import sys

import structlog

from runtime.settings import LogFormat, LogLevel


def configure_logs(level: LogLevel, *, log_format: LogFormat, service: str) -> None:
    """Route our own and the libraries' logs through structlog to standard error.

    No secret and no post's text is ever handed to a logger; nothing is filtered out here.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_service(service),
    ]
    rendering: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format is LogFormat.JSON
        else [_for_people, _for_terminals()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendering,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for quieter in ("sqlalchemy", "botocore", "urllib3", "asyncio"):
        logging.getLogger(quieter).setLevel(logging.WARNING)


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
