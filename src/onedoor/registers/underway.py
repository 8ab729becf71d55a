"""Writes under way: announced while they run, waited for by who asks what was known, and never held up by them.

A write takes a shared advisory lock that bears the minute in which it began; nobody ever asks for it alone. The moment
of a write is later than its beginning, so only writes that began in the minute asked for, or before it, can still
change what was known then.
"""

import time
from datetime import datetime

from onedoor.kernel import clock
from onedoor.registers.definition import Register
from onedoor.registers.errors import NotSettled
from onedoor.store import rows
from onedoor.store.rows import Statement

PATIENCE = 3.0
"""Seconds a look-up waits for writes, before it asks its reader to come again."""
SHORTEST, LONGEST = 0.002, 0.1
ANNOUNCE = "SELECT pg_advisory_xact_lock_shared(hashtext(%s), %s)"
WRITING = """
SELECT pid, virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND pid <> pg_backend_pid()
    AND classid::bigint = hashtext(%s)::bigint & 4294967295 AND objid::bigint <= %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def announced(register: Register) -> Statement:
    """Return the statement that announces a write of *register* until the transaction ends.

    It comes before the moment of the write is taken, never after.
    """
    return ANNOUNCE, [_space(register), _minute(clock.now())]


def announce(register: Register) -> None:
    """Announce a write of *register* until the transaction ends."""
    rows.fetch(*announced(register))


def await_writes(register: Register, known_on: datetime) -> None:
    """Return when no write of *register* that may bear a moment up to *known_on* is under way; raise `NotSettled`."""
    asked = [_space(register), _minute(known_on)]
    waited_for = set(rows.fetch(WRITING, asked))
    until, pause = time.monotonic() + PATIENCE, SHORTEST
    while waited_for:
        if time.monotonic() > until:
            raise NotSettled(register=register.id)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)
        waited_for &= set(rows.fetch(WRITING, asked))


def _space(register: Register) -> str:
    return f"registers.writing.{register.id}"


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
