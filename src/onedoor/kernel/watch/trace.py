"""Which request this is: one id, made at the door, carried by W3C ``traceparent`` from process to process.

The id of a request is the trace id of its ``traceparent``: what stands in log lines finds the trace, and the other way
round. It is a UUIDv7 of ours; another one is taken over only in exactly that shape and from our own time, and only
where its sender showed a certificate. So it says nothing about anybody.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from onedoor.kernel.ids import uuid7_hex

HEADER = "traceparent"
DAY = 86_400_000
"""Milliseconds by which the time inside an id may differ from ours."""
_SHAPE = re.compile(r"00-([0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Trace:
    """A request under way: its *id*, the id of the *span* that is now, whether spans are kept."""

    id: str
    span: str
    kept: bool = False

    def header(self) -> str:
        """Return the value of ``traceparent`` for whom we ask."""
        return f"00-{self.id}-{self.span}-{'01' if self.kept else '00'}"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def new_span() -> str:
    """Return a new id of a span."""
    return os.urandom(8).hex()


def new() -> Trace:
    """Return the trace of a request that begins here."""
    made = uuid7_hex()
    return Trace(made, made[16:])  # its latter half is random, and never zero


def read(header: str) -> Trace | None:
    """Return the trace in a ``traceparent``, or nothing when it is not one that we could have made."""
    match = _SHAPE.fullmatch(header)
    if match is None or abs(int(match[1][:12], 16) - time.time_ns() // 1_000_000) > DAY:
        return None
    return Trace(match[1], match[2], bool(int(match[3], 16) & 1))


def current() -> Trace | None:
    """Return the request this thread or task works on, if any."""
    return _current.get()


@contextmanager
def within(trace: Trace) -> Iterator[Trace]:
    """Work on *trace* for the time of a block."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
