"""What is added to a sealed PDF so that it lasts (PAdES B-LTA): evidence and a document time-stamp, in one spelling.

An update holds the document security store (DSS: certificates and OCSP responses) and, in the same revision, the
time-stamp that covers the file up to here (ETSI EN 319 142-1, 5.4 and 5.5). As nothing is left to choose, an update is
checked by writing it again from its parts and comparing every byte: no other object can hide in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from onedoor.signing.verdict import Reason, Refused

MOST_PARTS = 200
"""Certificates, or OCSP responses, of all updates of a file together."""
_END = b"%%EOF"
_TRAILER = re.compile(
    rb"trailer\n<<\n/Size (\d{1,7})\n/Root (\d{1,7} 0 R)\n(?:/Info (\d{1,7} 0 R)\n)?/ID (\[[^]]*\])\n/Prev \d+\n>>\n"
    rb"startxref\n(\d{1,10})\n%%EOF\n\Z"
)
_STORE = re.compile(rb"/DSS (\d{1,7}) 0 R")
_FIELDS = re.compile(rb"/Fields (\d{1,7}) 0 R")
_SEAL = re.compile(rb"\n(\d{1,7}) 0 obj\n<<\n/FT /Sig\n")
_PAGE = re.compile(rb"/P (\d{1,7} 0 R)\n/V")
_STREAM = re.compile(rb"\d{1,7} 0 obj\n<</Length (\d{1,7})>>\nstream\n")
_LISTED = re.compile(rb"\d{1,7} 0 obj\n<</Type/DSS/Certs\[([0-9R ]{0,2000})\]/OCSPs\[([0-9R ]{0,2000})\]>>\nendobj\n")
_CONTENTS = re.compile(rb"/Contents<((?:[0-9A-F]{2}){1,65536})>>>\nendobj\n")


@dataclass(frozen=True)
class Evidence:
    """What proves a signature later: DER of certificates and of OCSP responses."""

    certificates: tuple[bytes, ...] = ()
    responses: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Standing:
    """Where a file stands at its end: *length* in bytes, and the numbers that the next update goes on from."""

    length: int
    size: int
    cross: int
    root: bytes
    info: bytes
    ids: bytes
    page: bytes
    store: int
    fields: int
    certificates: tuple[int, ...]
    responses: tuple[int, ...]
    signatures: tuple[int, ...]


@dataclass(frozen=True)
class Update:
    """An update without its token: *head*, then the token in hexadecimal between ``<`` and ``>``, then *tail*."""

    head: bytes
    room: int
    tail: bytes
    standing: Standing

    def filled(self, token: bytes) -> bytes:
        """Return the update with *token*, which has at most *room* bytes, followed by zeros."""
        return b"%b<%b>%b" % (self.head, token.hex().upper().encode().ljust(2 * self.room, b"0"), self.tail)


@dataclass(frozen=True)
class Found:
    """An update that was read: its evidence, its padded token, what the token covers, and the file up to its end."""

    evidence: Evidence
    token: bytes
    stamped: bytes
    standing: Standing


def standing(sealed: bytes) -> Standing | None:
    """Return where a file stands that ends with the agency's seal; nothing when it was not made to be added to.

    Called for bytes that a trusted agency signed: `embedding` wrote them.
    """
    own = sealed[sealed.rfind(_END, 0, -len(_END) - 1) :]
    trailer = _TRAILER.search(own)
    numbers = [pattern.findall(own) for pattern in (_STORE, _FIELDS, _SEAL, _PAGE)]
    if trailer is None or any(len(found) != 1 for found in numbers):
        return None
    (store,), (fields,), (seal,), (page,) = numbers
    size, root, info, ids, cross = trailer.groups()
    return Standing(
        len(sealed), int(size), int(cross), root, info or b"", ids, page, int(store), int(fields), (), (), (int(seal),)
    )


def update(at: Standing, evidence: Evidence, room: int) -> Update:
    """Return the update that adds *evidence* to a file that stands *at*, with *room* bytes for the token."""
    count = len(evidence.certificates)
    streams = (*evidence.certificates, *evidence.responses)
    numbers = tuple(range(at.size, at.size + len(streams)))
    field, signature = at.size + len(streams), at.size + len(streams) + 1
    after = replace(
        at,
        size=signature + 1,
        certificates=at.certificates + numbers[:count],
        responses=at.responses + numbers[count:],
        signatures=(*at.signatures, field),
    )
    name = b"(Time-stamp %d)" % len(at.signatures)
    objects = {
        at.store: b"<</Type/DSS/Certs%b/OCSPs%b>>" % (_references(after.certificates), _references(after.responses)),
        **{
            number: b"<</Length %d>>\nstream\n%b\nendstream" % (len(der), der)
            for number, der in zip(numbers, streams, strict=True)
        },
        at.fields: _references(after.signatures),
        field: b"<</Type/Annot/Subtype/Widget/FT/Sig/T%b/F 132/Rect[0 0 0 0]/P %b/V %d 0 R>>"
        % (name, at.page, signature),
    }
    written, offsets = bytearray(), {}
    for number, body in objects.items():
        offsets[number] = at.length + len(written)
        written += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    offsets[signature] = at.length + len(written)
    start = b"%d 0 obj\n<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange" % signature
    before = at.length + len(written) + len(start) + len(_range(0, 0, 0)) + len(b"/Contents")
    behind = before + 2 * room + 2
    close = b">>\nendobj\n"
    cross = behind + len(close)
    tail = close + _table(offsets) + _trailer(after, at.cross, cross)
    head = bytes(written) + start + _range(before, behind, len(tail)) + b"/Contents"
    return Update(head, room, tail, replace(after, length=behind + len(tail), cross=cross))


def read(file: bytes, at: Standing) -> Found:
    """Return the update of *file* that begins where it stands *at*; raise `Refused` when anything else is there."""
    listed = _LISTED.match(file, at.length)
    if listed is None:
        raise Refused(Reason.ADDED_AFTER_SIGNING)
    certificates, responses = (one.count(b"R") for one in listed.groups())
    fresh = certificates - len(at.certificates), responses - len(at.responses)
    if max(certificates, responses) > MOST_PARTS:
        raise Refused(Reason.ADDED_AFTER_SIGNING)
    place, streams = listed.end(), []
    for _ in range(sum(fresh)):
        stream, place = _stream(file, place)
        streams.append(stream)
    contents = _CONTENTS.search(file, place)
    if contents is None:
        raise Refused(Reason.ADDED_AFTER_SIGNING)
    evidence = Evidence(tuple(streams[: fresh[0]]), tuple(streams[fresh[0] :]))
    written = update(at, evidence, len(contents[1]) // 2)
    token, end = bytes.fromhex(contents[1].decode()), written.standing.length
    if file[at.length : end] != written.filled(token):
        raise Refused(Reason.ADDED_AFTER_SIGNING)
    stamped = file[: at.length + len(written.head)] + written.tail
    return Found(evidence, token, stamped, written.standing)


def _stream(file: bytes, place: int) -> tuple[bytes, int]:
    found = _STREAM.match(file, place)
    if found is None:
        raise Refused(Reason.ADDED_AFTER_SIGNING)
    end = found.end() + int(found[1])
    return file[found.end() : end], end + len(b"\nendstream\nendobj\n")


def _references(numbers: Sequence[int]) -> bytes:
    return b"[%b]" % b" ".join(b"%d 0 R" % number for number in numbers)


def _range(before: int, behind: int, rest: int) -> bytes:
    return (b"[0 %d %d %d]" % (before, behind, rest)).ljust(40)


def _table(offsets: dict[int, int]) -> bytes:
    lines, last = [b"xref"], -2
    for number in sorted(offsets):
        if number != last + 1:
            run = next(size for size in range(1, len(offsets) + 1) if number + size not in offsets)
            lines.append(b"%d %d" % (number, run))
        lines.append(b"%010d 00000 n " % offsets[number])
        last = number
    return b"\n".join(lines) + b"\n"


def _trailer(after: Standing, previous: int, cross: int) -> bytes:
    info = b"/Info %b" % after.info if after.info else b""
    return b"trailer\n<</Size %d/Root %b%b/ID%b/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        after.size, after.root, info, after.ids, previous, cross,
    )  # fmt: skip
