"""Log lines as JSON with the standard library alone, for processes that must stay small: gateways, the directory."""

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from onedoor.kernel.watch import trace

PLACES = 12
STDERR = 2


class Lines(logging.Formatter):
    """Writes a record as one JSON object; an exception leaves its type and its places, not its words."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event: dict[str, object] = {"event": record.getMessage(), **getattr(record, "facts", {})}
        if under_way := trace.current():
            event.setdefault("request", under_way.id)
        if record.exc_info and record.exc_info[1]:
            event |= bare(record.exc_info[1], record.exc_info[2])
        return line(record.levelname.lower(), record.name, record.created, event)


def line(level: str, logger: str, at: float, event: dict[str, object]) -> str:
    """Return *event* as a line; *at* is in seconds of Unix time."""
    moment = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({**event, "level": level, "logger": logger, "at": moment}, ensure_ascii=False)


def bare(error: BaseException, traced: TracebackType | None) -> dict[str, object]:
    """Return type and places of an exception: its message may quote somebody's data."""
    frames = traceback.extract_tb(traced)[-PLACES:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"exception": type(error).__name__, "places": places}


def set_up(level: str) -> None:
    """Send what is logged to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.raiseExceptions = False  # what cannot be logged (a full disk) is not printed in full instead
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def write(lines: list[str]) -> None:
    """Write many finished lines at once; what the disk does not take is not worth stopping for."""
    try:
        os.write(STDERR, "".join(f"{one}\n" for one in lines).encode())
    except OSError:
        return
