"""Keeps a record of every message without holding one up: it is put in a buffer, a thread writes beside the path.

When the buffer is full or the disk is, records are dropped, counted and said; messages go on. Each process of a
gateway writes files of its own; of health and of the five minutes that are not over, it leaves its share to the others.
"""

import contextlib
import errno
import logging
import os
import shutil
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import IO, Protocol

from onedoor.exchange.gateway import healthy, records, shares, summaries
from onedoor.exchange.gateway.healthy import Health, Part, State
from onedoor.exchange.gateway.records import Record
from onedoor.exchange.gateway.summaries import Summary
from onedoor.kernel.watch import metrics
from onedoor.kernel.watch.metrics import Measure

MOST = 20_000
"""Records that wait to be written, as many as in X-Road's buffer."""
TURN, PART = 0.5, 64
"""Seconds between two writes, and how many records are written in one go: nobody waits long for the interpreter."""
SHARED = 5.0
"""Seconds between two tellings of this process's share."""
LARGEST, LONGEST = 16 * 2**20, 3600
"""Bytes and seconds after which a new file of records is begun."""
DAY, DAYS = 86400, 7
SPARE, MOST_KEPT = 2**30, 4 * 2**30
"""Bytes that stay free on the disk, and that all files may take: the oldest go first."""
_logger = logging.getLogger(__name__)
metrics.measured(
    "gateway",
    {"onedoor_exchange_records_dropped_total": ("Records of operational monitoring that were not kept.", ())},
    type_="counter",
)


class Recorded(Protocol):
    """A message that has ended."""

    def record(self) -> Record:
        """Return what is kept of it."""


class Operations:
    """The records of one gateway below *folder*, kept for so many *days*."""

    def __init__(self, folder: Path, days: int = DAYS) -> None:
        self.folder, self.days = folder / records.FOLDER, days
        self.began = time.time_ns() // 10**6
        self.dropped = 0
        self.batches: Counter[int] = Counter()
        self.health = Health()
        self._buffer: deque[Recorded] = deque()
        self._told, self._failed = 0, False
        self._file: IO[bytes] | None = None
        self._path, self._opened, self._files = self.folder, 0.0, 0
        self._summary, self._shared = Summary(0), 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="operations", daemon=True)

    def begin(self) -> None:
        """Write from now on."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        shares.adopt(self.folder)
        self._thread.start()

    def put(self, message: Recorded) -> None:
        """Keep the record of *message*, which has ended, or drop it when too many wait."""
        if len(self._buffer) < MOST:
            self._buffer.append(message)
        else:
            self.dropped += 1

    def batch(self, size: int) -> None:
        """Count a signed batch of so many messages."""
        self.batches[size] += 1

    def close(self) -> None:
        """Write what waits and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def current(self) -> list[Summary]:
        """Return the summaries of the five minutes that are not over, one for each process of the gateway."""
        others = [one.summary() for one in shares.others(self.folder)]
        with self._lock:
            now = Summary(self._summary.start, self._summary.cells, Counter(self.batches))
            return [*others, summaries.merged([now], 1)[now.start]]

    def healthy(self, now: int) -> list[tuple[str, State, Part]]:
        """Return each service with its state and what its last ten minutes before second *now* come to."""
        others = [one.health for one in shares.others(self.folder)]
        with self._lock:
            whole = healthy.merged([*others, self.health.services])
        return [(name, one, one.over(now)) for name, one in sorted(whole.items())]

    def measures(self) -> "list[Measure]":
        """Return the figures of this moment."""
        return [Measure("onedoor_exchange_records_dropped_total", self.dropped)]

    def _run(self) -> None:
        while not self._ended.wait(TURN):
            self._turn()
        self._turn()
        try:
            with self._lock:
                self._end_summary(0)
            self._end_file()
            shares.remove(self.folder)
        except OSError as error:
            _logger.error("operations.not_kept error=%s", type(error).__name__)

    def _turn(self) -> None:
        try:
            self._write(int(time.time()))
            self._failed = False
        except OSError as error:
            if not self._failed:
                _logger.error("operations.not_kept error=%s", type(error).__name__)
            self._failed = True
            self._forget_file()
            with contextlib.suppress(OSError):
                self._remove_old()
        except Exception:
            _logger.exception("operations.writing")
        if self.dropped > self._told:
            _logger.warning("operations.dropped count=%s", self.dropped - self._told)
            self._told = self.dropped

    def _write(self, now: int) -> None:
        """Write everything that waits as written at second *now*."""
        with self._lock:
            start = now - now % summaries.PERIOD
            if self._summary.start != start:
                self._end_summary(start)
        if self._file and (self._file.tell() > LARGEST or now - self._opened > LONGEST):
            self._end_file()
        while part := [self._buffer.popleft().record() for _ in range(min(PART, len(self._buffer)))]:
            self._count(part, now)
            try:
                self._spare()
                self._open(now).write(b"".join([records.line(now, one) for one in part]))
            except OSError:
                self.dropped += len(part)
                raise
        if self._file:
            self._file.flush()
        if time.monotonic() - self._shared > SHARED:
            self._shared = time.monotonic()
            with self._lock:
                own = Summary(self._summary.start, self._summary.cells, Counter(self.batches))
                share = shares.Share(own.told(), self.health.services).encoded()
            shares.write(self.folder, share)

    def _count(self, part: list[Record], now: int) -> None:
        with self._lock:
            for one in part:
                self._summary.add(one)
                if one.type == records.PRODUCER:
                    self.health.add(one, now)

    def _spare(self) -> None:
        """Raise OSError when the disk has no more room than the log of messages needs."""
        if shutil.disk_usage(self.folder).free < SPARE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self, now: int) -> IO[bytes]:
        if self._file is None:
            self._path = self.folder / f"{records.KIND}{now:011d}-{os.getpid()}-{self._files}.jsonl"
            self._files += 1
            self._file, self._opened = self._path.open("ab"), now
        return self._file

    def _end_file(self) -> None:
        """Close the file of records, compress it, and remove what is older than it is kept or too much."""
        if self._file:
            self._file.close()
            self._file = None
            with contextlib.suppress(FileNotFoundError):
                records.compress(self._path)
        self._remove_old()

    def _forget_file(self) -> None:
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(OSError):
                file.close()

    def _remove_old(self) -> None:
        before = time.time() - self.days * DAY
        known: list[tuple[float, int, Path]] = []
        for path in [*self.folder.glob(f"{records.KIND}*"), *self.folder.glob(f"{summaries.KIND}*")]:
            with contextlib.suppress(FileNotFoundError):
                seen = path.stat()
                known.append((seen.st_mtime, seen.st_size, path))
        left = sum(size for _, size, _ in known)
        for moment, size, path in sorted(known):
            if moment >= before and left <= MOST_KEPT:
                break
            left -= size
            path.unlink(missing_ok=True)

    def _end_summary(self, start: int) -> None:
        """Keep the summary of the five minutes that are over, and begin the one from second *start* on."""
        ended, self._summary = self._summary, Summary(start)
        if ended.start:
            ended.batches, self.batches = self.batches, Counter()
        if ended.start and (ended.cells or ended.batches):
            summaries.keep(self.folder, ended)
