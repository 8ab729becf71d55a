"""Message ids seen within a window: the same id of the same client is served once, by whichever worker."""

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from onedoor.exchange.gateway import batches, messages, reading
from onedoor.exchange.identifiers import MEMBER, SUBSYSTEM, BadIdentifier, read_identifier

WINDOW = 300 * 10**9
"""Nanoseconds a batch may be old or ahead; ids are remembered for twice as long at least, for four times at most."""
SLOTS = 2**22
"""Ids for which one worker's table has room within twice the window. It takes memory as it fills: 16 bytes an id."""
SHARE = 3 / 4
"""Of the room, what one account may take in a term: whoever fills its own leaves the rest to others."""
ACCOUNTS = 4096
"""Accounts that are told apart; two of the same number share what one may take."""
PROBES = 1024
"""Places looked at for one id, at most."""
_TERM = 2 * WINDOW
_ID = 16
_NOBODY, _FORGOTTEN = bytes(_ID), b"\xff" * _ID
_TERMS = struct.Struct("=QQ")


class TooMany(Exception):
    """No place is free for another id, or none that this account may take: to forget one would let it come again."""


class Seen:
    """Digests of ids in memory that processes share by *file*: those of this term of time, and those of the one before.

    Without a *file* a table for *slots* ids a term is made; who shares it is given its number.
    """

    def __init__(self, file: int | None = None, *, slots: int = SLOTS) -> None:
        self._shared = file is not None
        self.file = os.memfd_create("seen") if file is None else file
        if file is None:
            os.ftruncate(self.file, _HEAD + 2 * _pages(slots * _ID))
        self._table = mmap.mmap(self.file, 0)
        self._half = (len(self._table) - _HEAD) // 2
        self._slots = self._half // _ID
        self._taken = memoryview(self._table)[mmap.PAGESIZE : _HEAD].cast("I")
        self._most = int(self._slots * SHARE)

    def first_time(self, client: str, message_id: str, now: int, account: str = "") -> bool:
        """Remember the id at *now*; return whether it was not known. Raise `TooMany` without a place for it.

        The moment is in nanoseconds of the monotonic clock: who sets the time lets no id come again.
        Its place is one of those that the *account* may take, which is that of the client where no other is said.
        """
        digest = blake2b(f"{client}\0{message_id}".encode(), digest_size=_ID).digest()
        if not self._shared:
            return self._enter(digest, now // _TERM, _number(account or client))
        with self._alone():
            return self._enter(digest, now // _TERM, _number(account or client))

    def forget(self, client: str, message_id: str) -> None:
        """Let the id be new again; its place stays taken for this term."""
        digest = blake2b(f"{client}\0{message_id}".encode(), digest_size=_ID).digest()
        with self._alone():
            for which in (0, 1):
                self._find(digest, which, forget=True)

    def _enter(self, digest: bytes, term: int, account: int) -> bool:
        terms, which = _TERMS.unpack_from(self._table), term % 2
        if term > terms[which]:
            self._clear(which)
            _TERMS.pack_into(self._table, 0, *((term, terms[1]) if which == 0 else (terms[0], term)))
        if terms[1 - which] >= term - 1 and self._find(digest, 1 - which) is None:
            return False
        place = self._find(digest, which)
        if place is None:
            return False
        counted = which * ACCOUNTS + account
        if place < 0 or self._taken[counted] >= self._most:
            raise TooMany
        self._taken[counted] += 1
        self._table[place : place + _ID] = digest
        return True

    def _find(self, digest: bytes, which: int, *, forget: bool = False) -> int | None:
        """Return where *digest* may go in a half, below 0 when there is no room; nothing when it stands there.

        Where it stands it may be told to *forget* it.
        """
        table, begin = self._table, _HEAD + which * self._half
        slot = int.from_bytes(digest[:8]) % self._slots
        for _ in range(PROBES):
            at = begin + slot * _ID
            held = table[at : at + _ID]
            if held == _NOBODY:
                return at
            if held == digest:
                if forget:
                    table[at : at + _ID] = _FORGOTTEN
                return None
            slot = (slot + 1) % self._slots
        return -1

    def _clear(self, which: int) -> None:
        """Empty a half, and give its memory back."""
        self._table.madvise(mmap.MADV_REMOVE, _HEAD + which * self._half, self._half)
        self._taken[which * ACCOUNTS : (which + 1) * ACCOUNTS] = _NONE_TAKEN

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self.file, fcntl.LOCK_UN)


def remember(log: Path, log_key: bytes, *, received: Seen, sent: Seen) -> None:
    """Enter what ids came and went lately, by the *log* of a worker, so that a restart opens no window."""
    now = time.monotonic_ns()
    apart = time.time_ns() - now
    for logged in reading.messages(log, log_key, since=time.time_ns() - 2 * WINDOW):
        seen = {reading.RECEIVED_REQUESTS: received, reading.SENT_REQUESTS: sent}.get(logged.kind)
        with suppress(messages.BadMessage, BadIdentifier, TooMany):  # what was refused was in the log before
            if seen:
                request = messages.read_request(logged.message.head)
                client = read_identifier(request.first(b"x-road-client"), SUBSYSTEM, MEMBER)
                sender = batches.signer_of(logged.statement) if seen is received else ""
                seen.first_time(client, request.first(b"x-road-id"), min(logged.moment - apart, now), sender)


def timely(moment: int, now: int) -> bool:
    """Return whether a batch signed at *moment* may still be accepted at *now* (nanoseconds)."""
    return abs(now - moment) <= WINDOW


@lru_cache(maxsize=4096)
def _number(account: str) -> int:
    """Return the number that every process knows an account by."""
    return int.from_bytes(blake2b(account.encode(), digest_size=8).digest()) % ACCOUNTS


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


_HEAD = mmap.PAGESIZE + _pages(2 * ACCOUNTS * 4)
_NONE_TAKEN = memoryview(bytes(ACCOUNTS * 4)).cast("I")
