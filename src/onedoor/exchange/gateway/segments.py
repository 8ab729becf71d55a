"""Files of the message log: preallocated segments of sealed records, each chained to the one before.

Segment head: magic, number, time, salt, chain of the segment before, bytes dropped there as torn, own chain start.
Record: ``length u32 | time u64 | kind u8 | sealed | chain``; sealed is AES-256-GCM under the segment's own key (the log
key and the salt), its nonce is the record's number, its associated data the head; chain is SHA-256 of all before.
A segment is written by one run of a gateway only, so no nonce is ever used twice.
"""

import hmac
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onedoor.kernel.durable import sync_folder

MAGIC = b"onedoor-log-1\n\0\0"
HEAD = struct.Struct("!16sQQ32s32sQ")
RECORD = struct.Struct("!IQB")
CHAIN, TAG, NONCE = 32, 16, 12
START = HEAD.size + CHAIN
NOTHING = bytes(CHAIN)


class BrokenSegment(Exception):
    """A segment whose head or record is not as it was written; *at* is the offset."""

    def __init__(self, path: Path, at: int, why: str) -> None:
        super().__init__(f"{path.name}, byte {at}: {why}")
        self.at = at


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """What stands at the beginning of a segment."""

    number: int
    moment: int
    salt: bytes
    before: bytes
    dropped: int

    def pack(self) -> bytes:
        """Return the bytes of the head with its chain start."""
        raw = HEAD.pack(MAGIC, self.number, self.moment, self.salt, self.before, self.dropped)
        return raw + sha256(raw).digest()


@dataclass(frozen=True, slots=True)
class Record:
    """A record; *payload* is None when it was read without the key."""

    moment: int
    kind: int
    payload: bytes | None
    chain: bytes
    end: int


def key_of(log_key: bytes, salt: bytes) -> AESGCM:
    """Return the cipher of a segment."""
    return AESGCM(hmac.digest(log_key, b"onedoor log segment" + salt, "sha256"))


def seal(cipher: AESGCM, index: int, before: bytes, moment: int, kind: int, payload: bytes) -> list[bytes]:
    """Return the parts of a record, one to stand behind the other; the last is its chain value."""
    head = RECORD.pack(len(payload) + TAG, moment, kind)
    sealed = cipher.encrypt(index.to_bytes(NONCE), payload, head)
    hasher = sha256(before)
    hasher.update(head)
    hasher.update(sealed)
    return [head, sealed, hasher.digest()]


def is_blank(path: Path) -> bool:
    """Return whether the segment at *path* has its name and nothing else: the machine went down before its head."""
    with path.open("rb") as file:
        if file.read(START).strip(b"\0"):
            return False
    with _now(path) as data:
        return not data[:].strip(b"\0")


def read_head(path: Path) -> SegmentHead:
    """Return the head of the segment at *path*; raise `BrokenSegment`."""
    with path.open("rb") as file:
        return _head(path, file.read(START))


def records(path: Path, log_key: bytes | None) -> Iterator[Record]:
    """Yield the records of a segment up to its end of zeros; raise `BrokenSegment` where one is not as written."""
    with _now(path) as data:
        head = _head(path, data[:START])
        cipher = key_of(log_key, head.salt) if log_key else None
        chain, at, index = data[HEAD.size : START], START, 0
        while at + RECORD.size <= len(data):
            size, moment, kind = RECORD.unpack_from(data, at)
            if not (size or moment or kind):
                break
            start, end = at + RECORD.size, at + RECORD.size + size + CHAIN
            if size < TAG or end > len(data):
                raise BrokenSegment(path, at, "a record ends beyond its file")
            after = sha256(chain + data[at : end - CHAIN]).digest()
            if after != data[end - CHAIN : end]:
                raise BrokenSegment(path, at, "a record does not continue the chain")
            payload = _open(path, at, cipher, index, data[start : end - CHAIN], data[at:start]) if cipher else None
            yield Record(moment, kind, payload, after, end)
            chain, at, index = after, end, index + 1
        if data[at:].strip(b"\0"):
            raise BrokenSegment(path, at, "something stands behind the last record")


def record_at(path: Path, log_key: bytes, at: int, index: int) -> Record:
    """Return the record at offset *at*, the segment's number *index* from 0; raise `BrokenSegment`.

    Its seal is checked, which no other record could bear at that place; its chain value is the one that stands there.
    """
    with path.open("rb") as file:
        salt = _head(path, file.read(START)).salt
        file.seek(at)
        head = file.read(RECORD.size)
        if len(head) < RECORD.size:
            raise BrokenSegment(path, at, "no record stands there")
        size, moment, kind = RECORD.unpack(head)
        rest = file.read(size + CHAIN) if TAG <= size <= os.fstat(file.fileno()).st_size else b""
    if len(rest) < TAG + CHAIN:
        raise BrokenSegment(path, at, "no record stands there")
    payload = _open(path, at, key_of(log_key, salt), index, rest[:size], head)
    return Record(moment, kind, payload, rest[size:], at + len(head) + len(rest))


def create(path: Path, size: int, head: SegmentHead) -> int:
    """Make a segment of *size* bytes with *head*, durable with its name; return its file descriptor."""
    draft = path.with_suffix(".draft")
    handle = lay_out(draft, size)
    try:
        begin(handle, draft, path, head)
        os.fsync(handle)
        sync_folder(path.parent)
    except OSError:
        os.close(handle)
        path.unlink(missing_ok=True)
        raise
    return handle


def lay_out(draft: Path, size: int) -> int:
    """Make room for a segment of *size* bytes at *draft*, durably; return its file descriptor."""
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(handle, 0, size)
        os.fsync(handle)
    except OSError:
        os.close(handle)
        draft.unlink(missing_ok=True)
        raise
    return handle


def begin(handle: int, draft: Path, path: Path, head: SegmentHead) -> None:
    """Let what was laid out at *draft* be the segment at *path*; neither head nor name is durable yet."""
    os.pwrite(handle, head.pack(), 0)
    draft.rename(path)


def cut(path: Path, size: int) -> None:
    """Shorten the segment at *path* to *size* bytes, durably."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.ftruncate(handle, size)
        os.fsync(handle)
    finally:
        os.close(handle)


def forget(handle: int) -> None:
    """Give the system back the memory that caches a segment: it is on the disk, and hardly ever read.

    The next one is then written into the same memory, which costs a fifth of writing into memory that is new. Where a
    file system has no such advice, nothing is lost.
    """
    with suppress(OSError):
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _now(path: Path) -> mmap.mmap:
    """Return what the file at *path* holds now, in memory that the system has back as soon as it is closed."""
    with path.open("rb") as file:
        data = mmap.mmap(-1, max(1, os.fstat(file.fileno()).st_size))
        file.readinto(data)
    return data


def _head(path: Path, raw: bytes) -> SegmentHead:
    if len(raw) < START or sha256(raw[: HEAD.size]).digest() != raw[HEAD.size :]:
        raise BrokenSegment(path, 0, "its head is not as it was written")
    magic, number, moment, salt, before, dropped = HEAD.unpack_from(raw)
    if magic != MAGIC:
        raise BrokenSegment(path, 0, "it is not a log of this format")
    return SegmentHead(number, moment, salt, before, dropped)


def _open(path: Path, at: int, cipher: AESGCM, index: int, sealed: bytes, head: bytes) -> bytes:
    try:
        return cipher.decrypt(index.to_bytes(NONCE), sealed, head)
    except InvalidTag:
        raise BrokenSegment(path, at, "a record does not open with the log's key") from None
