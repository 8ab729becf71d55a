"""Read and check a gateway's message log: is every segment whole, does each continue the one before."""

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onedoor.exchange.gateway import batches, segments
from onedoor.exchange.gateway.local import LOG, LOG_KEY
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.segments import CHAIN, NOTHING, BrokenSegment

SENT_REQUESTS, RECEIVED_REQUESTS, SENT_RESPONSES, RECEIVED_RESPONSES, REFUSED, STAMPED = 1, 2, 3, 4, 5, 6
KINDS = {
    SENT_REQUESTS: "requests sent",
    RECEIVED_REQUESTS: "requests received",
    SENT_RESPONSES: "responses sent",
    RECEIVED_RESPONSES: "responses received",
    REFUSED: "batch refused",
    STAMPED: "signatures time-stamped",
}


@dataclass(frozen=True, slots=True)
class Logged:
    """A message in the log: when it was written, in which kind of record, under which statement and signature."""

    moment: int
    kind: int
    statement: str
    signature: bytes
    message: Message


@dataclass(frozen=True)
class Verdict:
    """What `verify` found; *head* is the chain over everything, to compare with a copy kept elsewhere."""

    segments: int
    records: int
    dropped: int
    head: str
    faults: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Return whether nothing was found wrong."""
        return not self.faults


def verify(folder: Path, log_key: bytes | None) -> Verdict:
    """Check every segment in *folder*: its chain and, with the key, the seal of each record."""
    count, dropped, faults = 0, 0, []
    paths = sorted(folder.glob("*.log"))
    chain, number = NOTHING, 0
    for path in paths:
        try:
            head = segments.read_head(path)
            if head.before != chain or head.number != number + 1:
                faults.append(f"{path.name}: it does not continue the segment before it")
            number, chain, dropped = head.number, head.pack()[-CHAIN:], dropped + head.dropped
            for record in segments.records(path, log_key):
                chain, count = record.chain, count + 1
        except BrokenSegment as broken:
            faults.append(str(broken))
    return Verdict(len(paths), count, dropped, chain.hex(), tuple(faults))


def verify_gateway(state: Path) -> Verdict:
    """Check the logs of the gateway whose state folder is *state*, one for each worker, with the key kept there."""
    key = (state / LOG_KEY).read_bytes()
    found = [verify(log, key) for log in logs(state / LOG)]
    return Verdict(
        segments=sum(one.segments for one in found),
        records=sum(one.records for one in found),
        dropped=sum(one.dropped for one in found),
        head=" ".join(one.head for one in found),
        faults=tuple(fault for one in found for fault in one.faults),
    )


def logs(folder: Path) -> list[Path]:
    """Return the folders of the logs that a gateway's workers wrote: the first one's is *folder*, others lie in it."""
    return sorted((folder, *folder.glob("[1-9]*/")), key=lambda one: number_of(one, folder))


def number_of(log: Path, folder: Path) -> int:
    """Return the number of the worker whose *log* it is, of those in *folder*."""
    return 0 if log == folder else int(log.name)


def size(folder: Path) -> int:
    """Return the bytes that the gateway's log in *folder* takes, with those of all its workers."""
    return sum(one.stat().st_size for log in logs(folder) for one in log.glob("*.log"))


def messages(folder: Path, log_key: bytes, *, since: int = 0) -> Iterator[Logged]:
    """Yield the messages in records written after *since* (nanoseconds), oldest first; stop quietly at a torn tail."""
    for record in records(folder, log_key, since=since):
        if record.kind not in (REFUSED, STAMPED):
            yield from _logged(record)


def records(folder: Path, log_key: bytes, *, since: int = 0) -> Iterator[segments.Record]:
    """Yield the records written after *since* (nanoseconds), oldest first; stop quietly at a torn tail."""
    for path in _segments_since(folder, since):
        try:
            for record in segments.records(path, log_key):
                if record.moment >= since:
                    yield record
        except BrokenSegment:
            continue


def stamped(payload: bytes) -> list[bytes]:
    """Return the signatures that the token of a record of time-stamps covers."""
    return [base64.b64decode(value) for _, value, _ in json.loads(payload)["signatures"]]


def _logged(record: segments.Record) -> Iterator[Logged]:
    statement, signature, found = batches.split(record.payload or b"")
    for message in found:
        yield Logged(record.moment, record.kind, statement.decode(), signature, message)


def _segments_since(folder: Path, since: int) -> list[Path]:
    """Return the segments that may hold records after *since*: those begun after it and the one before them."""
    paths = sorted(folder.glob("*.log"))
    begun = [path for path in paths if _begun(path) < since]
    return paths[max(0, len(begun) - 1) :]


def _begun(path: Path) -> float:
    """Return when a segment was begun (nanoseconds); of one whose head is broken nobody knows, so never too early."""
    try:
        return segments.read_head(path).moment
    except BrokenSegment:
        return math.inf
