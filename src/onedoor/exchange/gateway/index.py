"""Where a message stands in the log: an index of its finished segments, made beside the path by their own words.

What this run of the gateway wrote is noted as it is written; other segments are read. It says nothing that the log
does not say and is made anew when it is lost, or when it is not that of this log. Ids and signatures stand in it as
keyed digests, so that it tells no more than the sealed log to who has no key.
"""

import asyncio
import heapq
import hmac
import json
import logging
import re
import sqlite3
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from onedoor.exchange.gateway import batches, reading, segments
from onedoor.exchange.gateway.segments import BrokenSegment, Record

FILE = "index.sqlite"
EVERY = 1.0
"""Seconds between two looks for finished segments."""
MOST_NOTED = 64
"""Segments whose places are kept in memory until they are taken up."""
_TABLES = """
CREATE TABLE IF NOT EXISTS place (mark INTEGER, segment INTEGER, at INTEGER, number INTEGER,
    PRIMARY KEY (mark, segment, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (segment INTEGER PRIMARY KEY, salt BLOB NOT NULL);
"""
_ENTER = """
INSERT OR IGNORE INTO place
    SELECT json_extract(value, '$[0]'), ?, json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?)
"""
"""All of a segment by one statement: entered one by one, each would take the interpreter from the gateway."""
_ID, LINES = re.compile(rb"\r\n(?i:x-road-id):([^\r]*)(?=\r\n)"), 2
"""A line that may be the id's, and how many of them count: a reason phrase may look like one before the first."""
_logger = logging.getLogger(__name__)


class Index:
    """The index of the log in *folder*, kept there; any thread may ask. What is not our *own* is never changed."""

    def __init__(self, folder: Path, log_key: bytes, *, own: bool = True) -> None:
        self._path, self._folder, self._log_key, self._mine = folder / FILE, folder, log_key, own
        self._key = hmac.digest(log_key, b"onedoor log index", "sha256")
        self._lock = threading.Lock()
        self._noted: dict[int, array[int]] = {}
        self._connection = self._opened()

    def records(self, message_id: str) -> Iterator[Record]:
        """Yield the records that may hold a message with *message_id*, and all behind the index, oldest first."""
        known = self._taken()
        yield from self._at(self._mark(message_id.encode()), known)
        number = self._after(known)
        while number:
            with suppress(BrokenSegment):  # the tail that is being written
                yield from segments.records(self._segment(number), self._log_key)
            number = self._after(number)

    def stamps(self, signature: bytes) -> Iterator[Record]:
        """Yield the records of time-stamps in finished segments that may cover *signature*."""
        yield from self._at(self._mark(signature), self._taken())

    def note(self, segment: int, at: int, number: int, kind: int, payload: bytes) -> None:
        """Take note of a record that was just written, unless its segment is to be read: all are noted, or none."""
        if not number:
            self._noted[segment] = array("q")
            if len(self._noted) > MOST_NOTED:
                self._noted.pop(next(iter(self._noted)), None)
        if kind == reading.STAMPED:  # thousands of signatures: their segment is read, beside the path of messages
            self._noted.pop(segment, None)
        elif (noted := self._noted.get(segment)) is not None:
            for mark in self._marks(kind, payload):
                noted.extend((mark, at, number))

    def catch_up(self) -> bool:
        """Take up the oldest segment that is finished and not known yet; return whether there was one."""
        number = self._after(self._taken())
        if not number or not self._after(number):
            return False
        path = self._segment(number)
        noted = self._noted.pop(number, None)
        places = self._places(path) if noted is None else zip(noted[::3], noted[1::3], noted[2::3], strict=True)
        salt = _salt(path)
        with self._lock, self._connection as connection:
            connection.execute(_ENTER, (number, json.dumps(sorted(set(places)))))
            connection.execute("INSERT INTO taken VALUES (?, ?)", (number, salt))
        return True

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        """Return the index, empty unless what stands at the path is that of this log."""
        with suppress(sqlite3.Error, OSError, BrokenSegment):
            connection = self._connected()
            if self._belongs(connection):
                return connection
            connection.close()
        if not self._mine:
            return _made(sqlite3.connect(":memory:", check_same_thread=False))
        for name in (self._path, *(self._path.with_name(f"{self._path.name}-{end}") for end in ("wal", "shm"))):
            name.unlink(missing_ok=True)
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        if not self._mine and not self._path.exists():
            raise FileNotFoundError
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, check_same_thread=False)
        if self._mine:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            _made(connection)
        return connection

    def _belongs(self, connection: sqlite3.Connection) -> bool:
        """Return whether the last segment that was taken up is the one that stands in the folder."""
        last = connection.execute("SELECT segment, salt FROM taken ORDER BY segment DESC LIMIT 1").fetchone()
        return last is None or _salt(self._segment(last[0])) == last[1]

    def _taken(self) -> int:
        with self._lock:
            last = self._connection.execute("SELECT max(segment) FROM taken").fetchone()[0]
        return int(last or 0)

    def _at(self, mark: int, known: int) -> Iterator[Record]:
        """Yield the records where *mark* stands in segments up to *known*; those that are lost are left out."""
        asked = "SELECT segment, at, number FROM place WHERE mark = ? AND segment <= ? ORDER BY segment, at"
        with self._lock:
            places = self._connection.execute(asked, (mark, known)).fetchall()
        for segment, at, number in places:
            with suppress(BrokenSegment, FileNotFoundError):
                yield segments.record_at(self._segment(segment), self._log_key, at, number)

    def _places(self, path: Path) -> Iterator[tuple[int, int, int]]:
        at = segments.START
        with suppress(BrokenSegment):
            for number, record in enumerate(segments.records(path, self._log_key)):
                for mark in self._marks(record.kind, record.payload or b""):
                    yield mark, at, number
                at = record.end

    def _marks(self, kind: int, payload: bytes) -> list[int]:
        """Return the marks of a record; of one that cannot be read none, so that it keeps no other from being found."""
        try:
            if kind == reading.STAMPED:
                return [self._mark(one) for one in reading.stamped(payload)]
            heads = batches.heads(payload) if kind != reading.REFUSED else ()
            return [self._mark(one[1]) for head in heads for one in islice(_ID.finditer(head), LINES)]
        except Exception:
            _logger.exception("index.record")
            return []

    def _mark(self, text: bytes) -> int:
        digest = blake2b(text, digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, signed=True)

    def _after(self, number: int) -> int:
        """Return the number of the segment after another one, or 0: some may have been moved away."""
        if self._segment(number + 1).exists():
            return number + 1
        return min((later for path in self._folder.glob("*.log") if (later := int(path.stem)) > number), default=0)

    def _segment(self, number: int) -> Path:
        return self._folder / f"{number:08d}.log"


class Indices:
    """The indices of all logs of a gateway: this worker keeps those of its *own*, and reads the others."""

    def __init__(self, folder: Path, log_key: bytes, own: Sequence[Path]) -> None:
        self._folder, self._log_key = folder, log_key
        self._own = {log: Index(log, log_key) for log in own}

    def of(self, log: Path) -> Index:
        """Return the index of a *log* that this worker looks after."""
        return self._own[log]

    def records(self, message_id: str) -> Iterator[Record]:
        """Yield the records of all logs that may hold a message with *message_id*, oldest first, and others."""
        with self._all() as found:
            yield from heapq.merge(*(one.records(message_id) for one in found), key=lambda record: record.moment)

    def stamps(self, signature: bytes) -> Iterator[Record]:
        """Yield the records of time-stamps that may cover *signature*, of a log that the index knows to its end."""
        with self._all() as found:
            for one in found:
                yield from one.stamps(signature)

    async def run(self) -> None:
        """Let the own ones catch up, again and again."""
        while True:
            more = False
            for one in self._own.values():
                try:
                    more = await asyncio.to_thread(one.catch_up) or more
                except Exception:
                    _logger.exception("index")
            await asyncio.sleep(0 if more else EVERY)

    def close(self) -> None:
        """Let the files go."""
        for one in self._own.values():
            one.close()

    @contextmanager
    def _all(self) -> Iterator[list[Index]]:
        others = [Index(log, self._log_key, own=False) for log in reading.logs(self._folder) if log not in self._own]
        try:
            yield [*self._own.values(), *others]
        finally:
            for one in others:
                one.close()


def _salt(path: Path) -> bytes:
    """Return the salt of the segment at *path*; nothing of one whose head is broken, in which nothing is found."""
    with suppress(BrokenSegment):
        return segments.read_head(path).salt
    return b""


def _made(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.executescript(_TABLES)
    return connection
