"""The durable message log of one gateway: append, then one fdatasync for all that came in the meantime.

`Log.append` seals and writes at once and calls back when the record is durable. Done outside the event loop, in one
thread: fdatasync, and room for the next segment, laid out ahead. A callback that raises touches nobody else.
"""

import asyncio
import errno
import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onedoor.exchange.gateway import segments
from onedoor.exchange.gateway.segments import CHAIN, NOTHING, RECORD, START, BrokenSegment, SegmentHead
from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import OnedoorError

SEGMENT = 8 * 2**20
SPARE = "spare.draft"
LAZY = 0.1
"""Seconds after which a lazy record is made durable though nothing else was written."""
RETRY = 1.0
"""Seconds between two attempts to begin anew after the disk failed."""
_CLOSED = -1
Callback = Callable[[OSError | None], None]
Written = Callable[[int, int, int, int, bytes], None]
"""Told of a record: number of its segment, where it begins there, its number, kind and payload."""
_logger = logging.getLogger(__name__)


class LogInUse(OnedoorError):
    """Another gateway already writes the log in {folder}. Stop it first, or start this one on a folder of its own."""


class Log:
    """The log in *folder*; one process at a time."""

    def __init__(self, folder: Path, key: bytes, *, size: int = SEGMENT) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self._key, self._size = folder, key, size
        self._lock = _locked(folder)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[Callback] = []
        self._to_sync: list[int] = []
        self._syncing = False
        self._timer: asyncio.TimerHandle | None = None
        self._failed_at = 0.0
        self._failed: OSError | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._spare: int | None = None
        self._named = True
        self.written: Written = lambda *_: None
        self._handle, self._at, self._index, self._chain = _CLOSED, 0, 0, NOTHING
        number, chain, dropped = recover(folder)
        self._begin(number + 1, chain, dropped)
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()
        self._jobs.put(self._lay_out)

    def append(self, kind: int, payload: bytes, durable: Callback, *, lazy: bool = False) -> None:
        """Write a record now; call *durable* on the running loop once it cannot be lost (None) or is (the error).

        A *lazy* record becomes durable with the next one that is not, or after `LAZY` seconds: no later record can
        be durable without it, so what is acknowledged after a later record is never missing.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        try:
            if self._revived():
                self._write(kind, payload)
        except OSError as error:
            self._fail(error)
        if self._failed:
            self._loop.call_soon(_safely, durable, self._failed)
            return
        self._waiting.append(durable)
        if lazy and self._timer is None:
            self._timer = self._loop.call_later(LAZY, self._kick)
        elif not lazy:
            self._kick()

    @property
    def failed(self) -> OSError | None:
        """Return why nothing can be written at the moment, or nothing."""
        return self._failed

    def close(self) -> None:
        """End the thread, make durable what was written, cut the segment to what it holds, release the folder."""
        if self._timer:
            self._timer.cancel()
        self._jobs.put(None)
        self._thread.join()
        for handle in self._to_sync:
            os.fdatasync(handle)
            os.close(handle)
        if self._handle != _CLOSED:
            segments.cut(self._path, self._at)
            sync_folder(self.folder)
        if self._spare is not None:
            os.close(self._spare)
            (self.folder / SPARE).unlink(missing_ok=True)
        self._release()
        os.close(self._lock)

    def _release(self) -> None:
        """Close the segment once: its number may belong to a connection afterwards."""
        handle, self._handle = self._handle, _CLOSED
        if handle != _CLOSED:
            os.close(handle)

    def _write(self, kind: int, payload: bytes) -> None:
        need = RECORD.size + len(payload) + segments.TAG + CHAIN
        if self._at + need > self._end:
            self._roll(need)
        parts = segments.seal(self._cipher, self._index, self._chain, time.time_ns(), kind, payload)
        if os.pwritev(self._handle, parts, self._at) != need:
            raise OSError(errno.ENOSPC, "short write")
        self.written(self._number, self._at, self._index, kind, payload)
        self._chain, self._at, self._index = parts[-1], self._at + need, self._index + 1

    def _roll(self, need: int) -> None:
        full = self._handle
        self._begin(self._number + 1, self._chain, 0, max(self._size, START + need))
        self._to_sync.append(full)
        self._jobs.put(self._lay_out)

    def _lay_out(self) -> None:
        """Make room for the next segment; without it the next one is made when it is needed."""
        if self._spare is None:
            with suppress(OSError):
                self._spare = segments.lay_out(self.folder / SPARE, self._size)

    def _begin(self, number: int, before: bytes, dropped: int, size: int = 0) -> None:
        salt = secrets.token_bytes(32)
        head = SegmentHead(number, time.time_ns(), salt, before, dropped)
        path = self.folder / f"{number:08d}.log"
        self._end = size or self._size
        if self._spare is not None and self._end == self._size:
            segments.begin(self._spare, self.folder / SPARE, path, head)
            self._handle, self._spare = self._spare, None
            self._named = False
        else:
            self._handle = segments.create(path, self._end, head)
        self._path, self._number = path, number
        self._cipher: AESGCM = segments.key_of(self._key, salt)
        self._chain, self._at, self._index = head.pack()[-CHAIN:], START, 0

    def _kick(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._waiting and not self._syncing:
            self._sync()

    def _sync(self) -> None:
        callbacks, self._waiting = self._waiting, []
        rolled, self._to_sync = self._to_sync, []
        handle, named = self._handle, self._named
        self._syncing = self._named = True

        def job() -> None:
            error = None
            try:
                for one in (*rolled, handle):
                    os.fdatasync(one)
                if not named:
                    sync_folder(self.folder)
            except OSError as failed:
                error = failed
            for one in rolled:
                segments.forget(one)
                os.close(one)
            self._call(lambda: self._synced(callbacks, error))

        self._jobs.put(job)

    def _synced(self, callbacks: list[Callback], error: OSError | None) -> None:
        self._syncing = False
        if error:  # what was written meanwhile stands behind a gap: it is lost as well
            self._fail(error)
            callbacks, self._waiting = callbacks + self._waiting, []
        for callback in callbacks:
            _safely(callback, error)
        self._kick()

    def _fail(self, error: OSError) -> None:
        self._failed, self._failed_at = error, time.monotonic()
        _logger.error("log.failed errno=%s", error.errno)

    def _revived(self) -> bool:
        """Return whether to write; after a failure not for a while, then to a new segment behind what is safely there.

        What is refused in that while does not prolong it: a busy gateway comes back as well.
        """
        if self._failed is None:
            return True
        if time.monotonic() - self._failed_at < RETRY or self._syncing:
            return False
        self._release()
        number, chain, dropped = recover(self.folder)
        self._begin(number + 1, chain, dropped)
        self._failed = None
        _logger.warning("log.revived segment=%s", self._number)
        return True

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _call(self, back: Callable[[], None]) -> None:
        loop = self._loop
        if loop and not loop.is_closed():
            loop.call_soon_threadsafe(back)


def recover(folder: Path) -> tuple[int, bytes, int]:
    """Make the last segment whole: move a torn tail aside; return its number, its chain and the bytes dropped."""
    found = sorted(folder.glob("*.log"))
    while found and segments.is_blank(found[-1]):  # it was just begun, and holds nothing
        found.pop().unlink()
    if not found:
        return 0, NOTHING, 0
    path = found[-1]
    head = segments.read_head(path)
    chain, end, torn = head.pack()[-CHAIN:], START, False
    try:
        for record in segments.records(path, None):
            chain, end = record.chain, record.end
    except BrokenSegment as broken:
        torn = True
        _logger.warning("log.torn %s", broken)
    tail = path.read_bytes()[end:].rstrip(b"\0") if torn else b""
    if tail:
        path.with_suffix(".torn").write_bytes(tail)
    segments.cut(path, end)
    return head.number, chain, len(tail)


def _safely(callback: Callback, error: OSError | None) -> None:
    try:
        callback(error)
    except Exception:
        _logger.exception("log.callback")


def _locked(folder: Path) -> int:
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise LogInUse(folder=folder) from None
    return handle
