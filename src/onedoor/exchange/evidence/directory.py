"""The signed list of a configuration's files (PR-GCONF): MIME parts, their digests, one signature over all of them."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from onedoor.signing.asice.algorithms import digest_name, method
from onedoor.signing.cms import der
from onedoor.signing.schemes import digest, same, signature_holds

NAMES = ("internalconf", "externalconf")
_BOUNDARY = re.compile(r"boundary=\"?([^\";\s]+)\"?", re.IGNORECASE)
_IDENTIFIER = re.compile(r"([A-Z-]+);\s*instance=['\"]([^'\"]+)['\"]")
_SHARED = "SHARED-PARAMETERS"
_HASH = re.compile(r"([A-Za-z0-9+/=]+);\s*hash-algorithm-id=\"?([^\";\s]+)\"?", re.IGNORECASE)
_LARGEST = 4 << 20


class BadDirectory(ValueError):
    """A list that is malformed, or whose signature does not hold."""


class BadSignature(BadDirectory):
    """A list that the key it names did not sign."""


class NotAnchored(BadDirectory):
    """A list that was signed with a key nobody named."""


@dataclass(frozen=True)
class File:
    """A file that a list names: its *kind* (``SHARED-PARAMETERS``), whose it is, where it is fetched, its digest."""

    kind: str
    instance: str
    location: str
    scheme: str
    digest: bytes

    def holds(self, data: bytes) -> bool:
        """Return whether *data* is the file that was signed."""
        return same(digest(self.scheme, data), self.digest)


@dataclass(frozen=True)
class Directory:
    """A list whose signature holds: until when it is in force, and the files it names."""

    end: datetime
    version: str
    files: tuple[File, ...]

    def holds(self, instance: str, data: bytes) -> bool:
        """Return whether *data* are the shared parameters of *instance* that were signed."""
        return any((one.kind, one.instance) == (_SHARED, instance) and one.holds(data) for one in self.files)


def verify(data: bytes, certificates: Sequence[x509.Certificate]) -> Directory:
    """Return the list in *data*, signed with the key of one of *certificates*; raise `BadDirectory`."""
    if len(data) > _LARGEST:
        raise BadDirectory
    try:
        listed, signed = _parts(*_split(data))
        heads, content = _split(signed)
        _check_signature(_split(listed)[1], heads, content, certificates)
        return _read(listed)
    except BadDirectory:
        raise
    except (ValueError, KeyError, IndexError, UnicodeError) as broken:
        raise BadDirectory from broken


def _check_signature(
    body: bytes, heads: dict[str, str], content: bytes, certificates: Sequence[x509.Certificate]
) -> None:
    found = _HASH.fullmatch(heads["verification-certificate-hash"])
    if found is None:
        raise BadDirectory
    name, value = digest_name(found[2], NAMES[0]), base64.b64decode(found[1])
    signer = next((one for one in certificates if same(digest(name, der(one)), value)), None)
    if signer is None:
        raise NotAnchored
    kind, scheme = method(heads["signature-algorithm-id"], NAMES[0])
    if not signature_holds(kind, scheme, signer.public_key(), base64.b64decode(content), body):
        raise BadSignature


def _read(listed: bytes) -> Directory:
    first, *parts = _parts(*_split(listed))
    told = _split(first)[0]
    end = datetime.fromisoformat(told["expire-date"])
    files = []
    for heads, content in map(_split, parts):
        if found := _IDENTIFIER.fullmatch(heads.get("content-identifier", "")):
            scheme = digest_name(heads["hash-algorithm-id"], NAMES[0])
            place, value = heads.get("content-location", ""), base64.b64decode(content)
            files.append(File(found[1], found[2], place, scheme, value))
    return Directory(end if end.tzinfo else end.replace(tzinfo=UTC), told.get("version", ""), tuple(files))


def _split(part: bytes) -> tuple[dict[str, str], bytes]:
    """Return the header fields of a MIME part, in small letters, and its body."""
    head, _, body = part.partition(b"\r\n\r\n")
    fields = [line.partition(":") for line in head.decode("ascii").split("\r\n") if line]
    names = [name.strip().lower() for name, _, _ in fields]
    if len(set(names)) != len(names):
        raise BadDirectory
    return {name: value.strip() for name, (_, _, value) in zip(names, fields, strict=True)}, body


def _parts(heads: dict[str, str], body: bytes) -> list[bytes]:
    """Return the parts of a multipart body, each without the line break that belongs to the boundary after it."""
    found = _BOUNDARY.search(heads["content-type"])
    if found is None:
        raise BadDirectory
    mark = b"--" + found[1].encode()
    opening, *rest = (b"\r\n" + body).split(b"\r\n" + mark)
    if opening.strip() or not rest or not rest[-1].startswith(b"--"):
        raise BadDirectory
    return [part.removeprefix(b"\r\n") for part in rest[:-1]]
