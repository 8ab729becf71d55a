"""Logs as JSON lines on stderr, without personal data: an exception leaves its type and its places, not its words."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from onedoor.kernel.watch import lines, trace

EventDict = MutableMapping[str, Any]


def set_up(level: str) -> None:
    """Send structlog and the standard library through one JSON formatter to stderr."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        with_request,
        bare_exception,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    handler.addFilter(without_address)
    logging.raiseExceptions = False  # what cannot be logged (a full disk) is not printed in full instead
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Their messages hold addresses, arguments of jobs or statements.
    for name in ("django.request", "django.db.backends", "procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(max(logging.ERROR, root.level))
    # What a stranger sends is refused, counted among the requests, and no news.
    logging.getLogger("django.security").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def without_address(record: logging.LogRecord) -> bool:
    """Take the address, which may name a case, from what Django says of a request that failed; keep the exception."""
    if record.name == "django.request":
        record.msg, record.args = "a request failed outside its view", ()
        return bool(record.exc_info)
    return True


def with_request(logger: object, method: str, event: EventDict) -> EventDict:  # noqa: ARG001 - structlog's signature
    """Add the id of the request that this thread works on."""
    if under_way := trace.current():
        event.setdefault("request", under_way.id)
    return event


def bare_exception(logger: object, method: str, event: EventDict) -> EventDict:  # noqa: ARG001 - structlog's signature
    """Replace an exception by its type and the places it passed: its message may quote somebody's data."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event.update(lines.bare(error, error.__traceback__))
    return event
