"""What stands behind the entries of the ledger: each room says how what it entered is written out again.

An entry holds the SHA-256 of what was entered. From the rows of today the same bytes must come, or they were altered.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.db.models.functions import Collate

from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import Leaf
from onedoor.store import keys, ledger, rows
from onedoor.store.models import Amendment, LedgerEntry

M = TypeVar("M", bound=Model)
Entered = Callable[[str], Iterator[tuple[str, bytes]]]
"""Yields entry ids and what was entered, in order of the ids: of one entry, or of all when the id is empty."""
Told = Callable[[str], bytes | None]
"""Returns the details of one entry as they are told to whom it is about, where that is more than what was entered."""
ALTERED, MISSING, ADDED, LOST, AMENDED = "altered", "missing", "added", "lost", "amended"
"""What may be wrong; what is lost went with a restore, which said so; what is amended is as an `Amendment` says."""
AT_ONCE = 1000
NO_ENTRY = str(UUID(int=0))
"""Where a room writes out rows that should stand behind an entry and name none: before all entries."""
NOTHING = sha256(b"").digest()
"""What stands behind an entry whose details are gone, by an `Amendment` that says so."""
AMENDMENT = "store.amended"
_kinds: dict[str, Entered] = {}
_told: dict[str, Told] = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """An entry whose details were altered or are missing, or details that were added past the ledger."""

    what: str
    kind: str
    entry: str
    position: int | None = None


def register(kind: str, entered: Entered, told: Told | None = None) -> None:
    """Have *entered* write out what was entered under *kind*, and *told* what shows it where digests were entered."""
    _kinds[kind] = entered
    if told:
        _told[kind] = told


def behind(written: QuerySet[M], entry: str, content: Callable[[M], bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield *entry*, or each of all, and what *content* makes of its row, as `Entered` does.

    The rows name their entries in a text column ``entry``.
    """
    found = written.filter(entry=entry) if entry else written.all()
    for row in found.order_by(Collate("entry", "C")).iterator(chunk_size=AT_ONCE):
        yield str(getattr(row, "entry")), content(row)  # noqa: B009 - not every model has it


def of(kind: str, entry: UUID) -> bytes | None:
    """Return what shows what was entered under *entry*, from the rows of today; None when they are gone."""
    if kind in _told and (told := _told[kind](str(entry))):
        return told
    return _written(kind, entry)


def _written(kind: str, entry: UUID) -> bytes | None:
    """Return what was entered under *entry*, written out from the rows of today; None when they are gone."""
    entered = _kinds.get(kind)
    return next((content for _, content in entered(str(entry))), None) if entered else None


def findings() -> Iterator[Finding]:
    """Yield what of the details is not as it was entered, as of one moment; it holds nothing of anybody."""
    with rows.one_moment():
        for kind, entered in sorted(_kinds.items()):
            yield from _compared(kind, entered(""))


def unknown() -> list[str]:
    """Return the kinds in the ledger that no room of this process can write out."""
    kinds = LedgerEntry.objects.order_by("kind").values_list("kind", flat=True).distinct()
    return [kind for kind in kinds if kind not in _kinds]


def _compared(kind: str, entered: Iterator[tuple[str, bytes]]) -> Iterator[Finding]:
    """Walk entries and details side by side: both are in order of the entries' ids."""
    row = next(entered, None)
    for entry in LedgerEntry.objects.filter(kind=kind).order_by("id").iterator(chunk_size=AT_ONCE):
        name = str(entry.id)
        while row and row[0] < name:
            yield Finding(ADDED, kind, row[0])
            row = next(entered, None)
        if row is None or row[0] != name:
            yield Finding(LOST if amended(entry.id) == NOTHING else MISSING, kind, name, entry.position)
            continue
        digest = sha256(row[1]).digest()
        if digest != bytes(entry.commitment):
            yield Finding(AMENDED if digest == amended(entry.id) else ALTERED, kind, name, entry.position)
        row = next(entered, None)
    while row:
        yield Finding(ADDED, kind, row[0])
        row = next(entered, None)


def amended(entry: UUID) -> bytes | None:
    """Return the digest of what stands behind *entry* since it was last lawfully amended; None if it never was."""
    last = _last(entry)
    return bytes(last.digest) if last and _is_marked(last) else None


def _is_marked(row: Amendment) -> bool:
    return bytes(row.mark) == mark_of(row.amended, bytes(row.digest), row.why)


def mark_of(entry: UUID, digest: bytes, why: str) -> bytes:
    """Return the keyed hash by which an amendment is known as one of this system's own."""
    return keys.blind("store.amended", f"{entry}\n{digest.hex()}\n{why}")


def amend(kind: str, entry: UUID, why: str) -> None:
    """Enter into the ledger, in the caller's transaction, what now stands behind *entry* and *why* it was changed."""
    _amend(entry, sha256(_written(kind, entry) or b"").digest(), why)


def _amend(entry: UUID, digest: bytes, why: str) -> None:
    """Enter the amendment after the one before, also when the clock was set back: the last one holds."""
    before, name = _last(entry), uuid7()
    if before and name <= before.entry:
        name = UUID(int=before.entry.int + 1)
    row = Amendment(amended=entry, digest=digest, why=why, mark=mark_of(entry, digest, why))
    row.entry = ledger.append(AMENDMENT, sha256(_amendment(row)).digest(), id=name).id
    row.save(force_insert=True)


def _last(entry: UUID) -> Amendment | None:
    return Amendment.objects.filter(amended=entry).order_by("-entry").first()


def lose(leaf: Leaf) -> None:
    """Enter that the details of *leaf* were lost with a restore: otherwise they would count as taken away."""
    amend(leaf.kind, leaf.id, LOST)


def lost_before(entry: UUID) -> None:
    """Enter that nothing stands behind *entry* since a restore; no room is asked, whose tables may be of before."""
    _amend(entry, NOTHING, LOST)


def _amendment(row: Amendment) -> bytes:
    facts = {"entry": str(row.amended), "digest": bytes(row.digest).hex(), "why": row.why}
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def _amendments(entry: str) -> Iterator[tuple[str, bytes]]:
    found = Amendment.objects.filter(entry=entry) if entry else Amendment.objects.all()
    for row in found.order_by("entry").iterator(chunk_size=AT_ONCE):
        yield str(row.entry), _amendment(row) if _is_marked(row) else b""


register(AMENDMENT, _amendments)
