"""Operational monitoring records of X-Road (PR-OPMON 1.6): their 39 fields, how they are kept and found in files.

A file holds one JSON list a line: when it was written (seconds), then what `Record` names. It is called after the
second it begins with and the process that writes it; a whole one is compressed.
"""

import gzip
import io
import logging
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import msgspec

from onedoor import __version__

FOLDER, KIND = "operations", "records-"
_NAMES = (
    "monitoringDataTs securityServerInternalIp securityServerType requestInTs requestOutTs responseInTs responseOutTs "
    "clientXRoadInstance clientMemberClass clientMemberCode clientSubsystemCode "
    "serviceXRoadInstance serviceMemberClass serviceMemberCode serviceSubsystemCode serviceCode "
    "restMethod restPath serviceVersion representedPartyClass representedPartyCode "
    "messageId messageUserId messageIssue messageProtocolVersion "
    "clientSecurityServerAddress serviceSecurityServerAddress "
    "requestSize requestMimeSize requestAttachmentCount responseSize responseMimeSize responseAttachmentCount "
    "succeeded serviceType faultCode faultString statusCode xRoadVersion"
)
FIELDS = tuple(_NAMES.split())
"""The fields of a record by their documented names, in the documented order."""
CLIENT, PRODUCER = "Client", "Producer"
_CLIENT, _SERVICE = FIELDS[7:11], FIELDS[11:16]
_VERSION = f"onedoor {__version__}"
_logger = logging.getLogger(__name__)
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(list[Any])


class Record(NamedTuple):
    """One message as one gateway saw it: moments in milliseconds, sizes in bytes, 0 or nothing for what is not known.

    *client* and *service* are identifiers; of a service that nobody offers the provider alone is named, and a service
    of a member itself has nothing where others name the subsystem.
    """

    type: str
    moments: tuple[int, int, int, int]
    client: str
    service: str
    method: str
    path: str
    party: str
    id: str
    user: str
    issue: str
    addresses: tuple[str, str, str]
    sizes: tuple[int, int]
    fault: str
    reason: str
    status: int
    kind: str

    @property
    def owner(self) -> str:
        """Return whose record it is: the client's on its side, the provider's on the other one."""
        return self.client if self.type == CLIENT else "/".join(self.service.split("/")[:4]).removesuffix("/")

    @property
    def milliseconds(self) -> int:
        """Return how long it took from the request to the answer."""
        return max(0, self.moments[3] - self.moments[0])


def line(second: int, record: Record) -> bytes:
    """Return the line that keeps *record*, written at *second*."""
    return _encoder.encode((second, *record)) + b"\n"


def told(second: int, record: Record) -> dict[str, Any]:
    """Return the record by the documented names of its fields; what is not known is left out."""
    own, client, service = record.addresses
    found: dict[str, Any] = {"monitoringDataTs": second, "securityServerInternalIp": own}
    found["securityServerType"] = record.type
    found |= zip(FIELDS[3:7], record.moments, strict=True)
    found |= zip(_CLIENT, record.client.split("/"), strict=False)
    found |= zip(_SERVICE, record.service.split("/"), strict=False)
    class_, _, code = record.party.rpartition("/")
    found |= {"restMethod": record.method, "restPath": record.path}
    found |= {"representedPartyClass": class_, "representedPartyCode": code}
    found |= {"messageId": record.id, "messageUserId": record.user, "messageIssue": record.issue}
    found |= {"clientSecurityServerAddress": client, "serviceSecurityServerAddress": service}
    found |= {"requestSize": record.sizes[0], "responseSize": record.sizes[1], "statusCode": record.status}
    found |= {"faultCode": record.fault, "faultString": record.reason, "serviceType": record.kind}
    found = {name: value for name, value in found.items() if value not in ("", 0)}
    found |= {"requestAttachmentCount": 0, "responseAttachmentCount": 0, "succeeded": not record.fault}
    return found | {"messageProtocolVersion": "1", "xRoadVersion": _VERSION}


def found(
    folder: Path, start: int, end: int, wanted: Callable[[Record], bool], most: int
) -> tuple[list[tuple[int, Record]], int | None]:
    """Return records that are *wanted*, by the second they were written, and the second of the first that is left out.

    They are *most*, and what was written in the same second as the last of them.
    """
    held: list[tuple[int, Record]] = []
    for path in files(folder):
        if began(path) > end or _written(path) < start:
            continue
        if len(held) > most and began(path) > held[most][0]:
            break
        held = sorted(
            [*held, *((at, one) for at, one in _read(path, start, end) if wanted(one))], key=lambda one: one[0]
        )
    if len(held) <= most:
        return held, None
    last = held[most - 1][0]
    taken = [one for one in held if one[0] <= last]
    return taken, held[len(taken)][0] if len(taken) < len(held) else None


def files(folder: Path) -> list[Path]:
    """Return the files of records in *folder*, the oldest first."""
    known = {path.name.partition(".")[0]: path for path in sorted(folder.glob(f"{KIND}*.jsonl*"))}
    return [known[name] for name in sorted(known)]


def began(path: Path) -> int:
    """Return the second a file begins with."""
    return int(path.name.split("-")[1])


def compress(path: Path) -> None:
    """Replace a whole file by a compressed one; it keeps the moment of its last record."""
    draft, whole = path.with_name(f".{path.name}.draft"), path.with_name(f"{path.name}.gz")
    with path.open("rb") as plain, gzip.open(draft, "wb", compresslevel=5) as packed:
        shutil.copyfileobj(plain, packed, 2**18)
    seen = path.stat()
    os.utime(draft, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    draft.replace(whole)
    path.unlink()


def _written(path: Path) -> float:
    """Return when *path* was written last; of one that was compressed or removed in this moment, never too early."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _read(path: Path, start: int, end: int) -> Iterator[tuple[int, Record]]:
    """Yield what can be read of a file: a power cut may have left a line or the end of it broken."""
    try:
        with _opened(path) as source:
            for raw in source:
                with suppress(ValueError, TypeError, msgspec.DecodeError):
                    second = int(raw[1:].partition(b",")[0])
                    if start <= second <= end and raw.endswith(b"\n"):
                        yield second, Record(*_decoder.decode(raw)[1:])
    except (OSError, EOFError, zlib.error) as error:
        _logger.warning("operations.unread file=%s error=%s", path.name, type(error).__name__)


def _opened(path: Path) -> IO[bytes]:
    """Return a file of records, read; one that was compressed or removed in this moment as what there is now."""
    for known in (path, path.with_name(f"{path.name}.gz")):
        with suppress(FileNotFoundError):
            return cast("IO[bytes]", gzip.open(known)) if known.suffix == ".gz" else known.open("rb")
    return io.BytesIO()
