"""A tree's storage in one file that only grows: durable, checked, and whole again after a crash.

Records of 40 bytes stand in the order in which leaves complete nodes, so the place of each node is known: its hash,
its distance from the first record of its batch, and a checksum over both and its place. Each batch is synced before
it is acknowledged, so only records of the last batch may be torn; these, nobody was promised.
"""

import fcntl
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self
from zlib import crc32

from onedoor.kernel import refusals
from onedoor.kernel.ledger.hashing import HASH_SIZE, LedgerError
from onedoor.kernel.ledger.tree import Node
from onedoor.kernel.said import said

TAIL = struct.Struct(">II")
RECORD = HASH_SIZE + TAIL.size
LARGEST_BATCH = 1 << 14


class FileStore:
    """The nodes of one tree in the file *path*; one process at a time may have it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._broken = ""
        self._leaves = self._records = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BlockingIOError:
            os.close(self._file)
            raise LedgerError("another process writes {path}", path=path) from None
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; another process may then open it."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
            self._broken = said("it is closed")

    def size(self) -> int:
        """Return the number of leaves."""
        return self._leaves

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node; raise `LedgerError` when the file was changed."""
        place = _place(level, index)
        if not 0 <= place < self._records:
            raise LedgerError("there is no node {level}/{index} in {path}", level=level, index=index, path=self.path)
        found = self._read(place)
        if found is None:
            raise LedgerError("record {place} of {path} is damaged", place=place, path=self.path)
        return found[0]

    def extend(self, nodes: Sequence[Node]) -> None:
        """Keep *nodes* on disk before returning; after a crash all are there or none (up to 16,384 nodes)."""
        with self._lock:
            if self._broken:
                raise LedgerError("{path} cannot be written: {broken}", path=self.path, broken=self._broken)
            for first in range(0, len(nodes), LARGEST_BATCH):
                self._write(nodes[first : first + LARGEST_BATCH])

    def _write(self, nodes: Sequence[Node]) -> None:
        start = self._records
        if [_place(node.level, node.index) for node in nodes] != list(range(start, start + len(nodes))):
            raise LedgerError("these nodes do not continue {path}", path=self.path)
        data = b"".join(_record(start + number, number, node.hash) for number, node in enumerate(nodes))
        try:
            _write_all(self._file, data, start * RECORD)
            os.fsync(self._file)
        except OSError as error:
            self._undo(start, error)
            raise
        self._records = start + len(nodes)
        self._leaves += sum(node.level == 0 for node in nodes)

    def _undo(self, records: int, error: OSError) -> None:
        """Take back what was written; what a failed sync left is unknown, so refuse to go on until reopened."""
        self._broken = said("{why}; put that right, then start again", why=refusals.why(error))
        os.ftruncate(self._file, records * RECORD)

    def _read(self, place: int) -> tuple[bytes, int] | None:
        """Return the hash and the distance in record *place*, or None when it is damaged."""
        data = os.pread(self._file, RECORD, place * RECORD)
        if len(data) != RECORD:
            return None
        distance, check = TAIL.unpack_from(data, HASH_SIZE)
        return (data[:HASH_SIZE], distance) if check == _checksum(place, distance, data[:HASH_SIZE]) else None

    def _recover(self) -> None:
        """Find the sound records, cut off what a crash tore, and sync."""
        whole = os.fstat(self._file).st_size // RECORD
        sound = self._sound(whole)
        self._leaves = _leaves_within(sound)
        self._records = _records_of(self._leaves)
        os.ftruncate(self._file, self._records * RECORD)
        os.fsync(self._file)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _sound(self, whole: int) -> int:
        """Return how many of *whole* records are sound; raise when damage lies before the last batch."""
        first = max(0, whole - LARGEST_BATCH)
        read = [self._read(place) for place in range(first, whole)]
        torn = next((number for number, record in enumerate(read) if record is None), None)
        if torn is None:
            return whole
        for number, record in enumerate(read[torn:], torn):
            if record and number - record[1] > torn:
                raise LedgerError(
                    "record {place} of {path} is damaged, and sound ones follow", place=first + torn, path=self.path
                )
        return first + torn


def _place(level: int, index: int) -> int:
    """Return where the record of a node stands: after the records of all leaves before the one completing it."""
    last = ((index + 1) << level) - 1
    return _records_of(last) + level


def _records_of(leaves: int) -> int:
    """Return how many nodes *leaves* leaves complete, themselves among them."""
    return 2 * leaves - leaves.bit_count()


def _leaves_within(records: int) -> int:
    """Return how many leaves have all their nodes among the first *records*."""
    leaves = records // 2
    while _records_of(leaves + 1) <= records:
        leaves += 1
    return leaves


def _record(place: int, distance: int, node: bytes) -> bytes:
    return node + TAIL.pack(distance, _checksum(place, distance, node))


def _checksum(place: int, distance: int, node: bytes) -> int:
    return crc32(place.to_bytes(8) + distance.to_bytes(4) + node)


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
