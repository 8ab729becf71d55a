"""A container's ZIP file, read so that every reader sees the same: no gaps, overlaps, doubles or hidden entries.

X-Road's verifier reads a ZIP file from its front, others from its directory at the end. A file is accepted only when
both ways lead to the same entries, one after the other and nothing between them.
"""

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from onedoor.signing.asice.findings import Broken, Reason, Why

MOST_ENTRIES = 1_000
LARGEST_FILE = LARGEST_CONTENT = 1 << 30
"""Bytes of a container, and of all its entries unpacked."""
LARGEST_PART = 4 << 20
"""Bytes of an entry that is interpreted; attachments are only hashed, piece by piece."""
LARGEST_MESSAGE = 32 << 20
"""Bytes of a message, whose head is interpreted (X-Road's servers carry 10 to 20 MiB)."""
LARGEST_RATIO, RATIO_COUNTS_FROM = 200, 16 << 20
_NAME = re.compile(r"(?:META-INF/)?[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")
_FOLDER = "META-INF/"
_END, _LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s5H3L2H")
_DESCRIPTORS = (struct.Struct("<LLL"), struct.Struct("<4xLLL"))
_LARGEST_COMMENT = 0xFFFF
_LARGEST_DIRECTORY = 1 << 20
_ENCRYPTED, _DESCRIBED_AFTER = 0x41, 0x08
_CHUNK, _LARGE_CHUNK = 1 << 16, 1 << 20


@dataclass(frozen=True)
class _Entry:
    info: zipfile.ZipInfo
    start: int


@dataclass(frozen=True)
class Outside:
    """A file that stands for an entry that is not in the container: *size* bytes of it from *start* on, or all."""

    path: Path
    start: int = 0
    size: int | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes."""
        left = self.path.stat().st_size if self.size is None else self.size
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (chunk := file.read(min(left, _LARGE_CHUNK))):
                left -= len(chunk)
                yield chunk


class Container:
    """The entries of an open container; raises `Broken` when the file is not one that all readers see alike.

    Files *outside* stand for entries that it does not hold.
    """

    def __init__(self, file: BinaryIO, outside: Mapping[str, Outside] | None = None) -> None:
        self._file, self._outside = file, outside or {}
        self._digests: dict[tuple[str, str], bytes] = {}
        try:
            directory_start, count = self._directory()
            infos = zipfile.ZipFile(file).infolist()
            if len(infos) != count:
                raise _malformed(Why.DIRECTORY)
            self._entries = self._laid_out(infos, directory_start)
        except Broken:
            raise
        except Exception as broken:  # a hostile file may break its reader in any way; each way means: no container
            raise _malformed(Why.UNREADABLE) from broken
        if twice := self._outside.keys() & self._entries.keys():
            raise Broken(Reason.GIVEN_TWICE, entry=min(twice))

    @property
    def names(self) -> list[str]:
        """Return the names of the entries in the order they stand, the folder META-INF left out; then those outside."""
        return [name for name in (*self._entries, *self._outside) if name != _FOLDER]

    def __contains__(self, name: str) -> bool:
        return (name in self._entries and name != _FOLDER) or name in self._outside

    @cached_property
    def plain(self) -> bool:
        """Return whether ``mimetype`` comes first and uncompressed, as ASiC asks (X-Road compresses it)."""
        first = next(iter(self._entries.values()), None)
        return bool(first and first.info.filename == "mimetype" and first.info.compress_type == zipfile.ZIP_STORED)

    def read(self, name: str, largest: int = LARGEST_PART) -> bytes:
        """Return an entry that is interpreted, at most *largest* bytes; a file outside stands for none of these."""
        if (entry := self._entries.get(name)) is None:
            raise Broken(Reason.ENTRY_MISSING, entry=name)
        if entry.info.file_size > largest:
            raise Broken(Reason.TOO_LARGE, why=Why.PART)
        return b"".join(self._chunks(entry))

    def digest(self, name: str, algorithm: str) -> bytes:
        """Return the digest of an entry by a hashlib *algorithm*, in constant memory."""
        if (known := self._digests.get((name, algorithm))) is None:
            running = hashlib.new(algorithm)
            outside = self._outside.get(name)
            for chunk in outside.chunks() if outside else self._chunks(self._entries[name]):
                running.update(chunk)
            known = self._digests[name, algorithm] = running.digest()
        return known

    def check(self) -> None:
        """Unpack every entry once; raise `Broken` when one is not what the directory says of it."""
        for entry in self._entries.values():
            for _ in self._chunks(entry):
                pass

    def _directory(self) -> tuple[int, int]:
        """Return where the directory at the end starts and how many entries it has."""
        size = self._file.seek(0, 2)
        if size > LARGEST_FILE:
            raise Broken(Reason.TOO_LARGE, why=Why.FILE)
        start = self._file.seek(max(0, size - _END.size - _LARGEST_COMMENT))
        tail = self._file.read(_END.size + _LARGEST_COMMENT)  # a device could be read without end
        at = tail.rfind(b"PK\5\6")
        if at < 0:
            raise _malformed(Why.UNREADABLE)
        _, disk, first_disk, here, count, length, offset, comment = _END.unpack_from(tail, at)
        if disk or first_disk or here != count or at + _END.size + comment != len(tail):
            raise _malformed(Why.AFTER_END)
        if count > MOST_ENTRIES or length > _LARGEST_DIRECTORY:
            raise Broken(Reason.TOO_LARGE, why=Why.ENTRIES)
        if offset + length != start + at:
            raise _malformed(Why.DIRECTORY)
        return offset, count

    def _laid_out(self, infos: list[zipfile.ZipInfo], directory_start: int) -> dict[str, _Entry]:
        ordered = sorted(infos, key=lambda info: info.header_offset)
        ends = [info.header_offset for info in ordered[1:]] + [directory_start]
        if not ordered or ordered[0].header_offset:
            raise _malformed(Why.BEFORE_START)
        _check_sizes(ordered)
        found: dict[str, _Entry] = {}
        for info, end in zip(ordered, ends, strict=True):
            name = info.filename
            if not _NAME.fullmatch(name) and (name != _FOLDER or info.file_size):
                raise _malformed(Why.NAME)
            found[name] = _Entry(info, self._start(info, end))
        if len({name.lower() for name in found}) != len(ordered):
            raise _malformed(Why.TWICE)
        return found

    def _start(self, info: zipfile.ZipInfo, end: int) -> int:
        """Return where the content of an entry starts; what is said of it in both places must be the same."""
        self._file.seek(info.header_offset)
        sign, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack(self._file.read(_LOCAL.size))
        described = (info.CRC, info.compress_size, info.file_size)
        after = bool(flags & _DESCRIBED_AFTER)
        start = info.header_offset + _LOCAL.size + name + extra
        same = (
            sign == b"PK\3\4"
            and flags == info.flag_bits
            and method == info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            and self._file.read(name) == info.filename.encode("ascii")
            and ((crc, packed, size) == described or (after and not any((crc, packed, size))))
        )
        self._file.seek(start + info.compress_size)
        rest = self._file.read(max(0, min(end - self._file.tell(), _CHUNK)))
        if not same or flags & _ENCRYPTED or not (_describes(rest, described) if after else not rest):
            raise _malformed(Why.TWO_ACCOUNTS)
        if start + info.compress_size > end:
            raise _malformed(Why.OVERLAP)
        return int(start)

    def _chunks(self, entry: _Entry) -> Iterator[bytes]:
        """Yield the content of an entry; raise `Broken` when length, checksum or end of stream are not as said."""
        crc = size = 0
        for chunk in self._inflated(entry) if entry.info.compress_type else self._packed(entry):
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            if size > entry.info.file_size:
                break
            yield chunk
        if (size, crc) != (entry.info.file_size, entry.info.CRC):
            raise _malformed(Why.DAMAGED)

    def _packed(self, entry: _Entry) -> Iterator[bytes]:
        self._file.seek(entry.start)
        left = entry.info.compress_size
        while left:
            chunk = self._file.read(min(left, _CHUNK))
            if not chunk:
                raise _malformed(Why.CUT)
            left -= len(chunk)
            yield chunk
            self._file.seek(entry.start + entry.info.compress_size - left)

    def _inflated(self, entry: _Entry) -> Iterator[bytes]:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self._packed(entry):
                rest = packed
                while rest and not stream.eof:
                    yield stream.decompress(rest, _CHUNK)
                    rest = stream.unconsumed_tail
                if stream.eof and (rest or stream.unused_data):
                    raise _malformed(Why.HIDDEN)
            yield stream.flush()
        except zlib.error as damaged:
            raise _malformed(Why.DAMAGED) from damaged
        if not stream.eof:
            raise _malformed(Why.DAMAGED)


def _check_sizes(infos: list[zipfile.ZipInfo]) -> None:
    content = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if content > LARGEST_CONTENT or (content > RATIO_COUNTS_FROM and content > packed * LARGEST_RATIO):
        raise Broken(Reason.TOO_LARGE, why=Why.CONTENT)


def _describes(rest: bytes, described: tuple[int, int, int]) -> bool:
    return any(len(rest) == one.size and one.unpack(rest) == described for one in _DESCRIPTORS)


def _malformed(why: Why) -> Broken:
    return Broken(Reason.NOT_A_CONTAINER, why=why)
