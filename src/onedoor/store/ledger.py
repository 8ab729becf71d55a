"""The ledger in PostgreSQL: entries appended in the caller's transaction, then put in order and signed."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from onedoor.kernel import clock
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import (
    Checkpoint,
    Leaf,
    LedgerError,
    MemoryStore,
    Node,
    Tree,
    Verifier,
    leaf_hash,
    sign_note,
)
from onedoor.store import ledger_keys, rows
from onedoor.store.ledger_keys import origin
from onedoor.store.models import LedgerCheckpoint, LedgerEntry, LedgerNode

M = TypeVar("M", bound=Model)
BATCH = 10_000
CHUNK = 1000
COMMITMENT = 32
INTO = "INSERT INTO store_ledger_entry (id, kind, commitment, made_at)"
"""How a statement that does more begins to append entries; it goes on with a UUIDv7, a line, 32 bytes and a moment."""
LAST = "SELECT max(index) FROM store_ledger_node WHERE level = 0"
EDGE = """
SELECT level, index, hash FROM store_ledger_node JOIN unnest(%s::smallint[], %s::bigint[]) AS edge (level, index)
USING (level, index)
"""
NODES = "COPY store_ledger_node (level, index, hash) FROM STDIN (FORMAT BINARY)"
WAITING = "SELECT id, kind, commitment FROM store_ledger_entry WHERE position IS NULL ORDER BY id LIMIT %s"
PLACE = """
UPDATE store_ledger_entry AS entry SET position = %s + placed.number - 1
FROM unnest(%s::uuid[]) WITH ORDINALITY AS placed (id, number) WHERE entry.id = placed.id
"""
ONE = "SELECT id, kind, commitment, position FROM store_ledger_entry WHERE id = %s"
LEAVES = "SELECT id, kind, commitment FROM store_ledger_entry WHERE position >= %s AND position < %s ORDER BY position"
HASHES = "SELECT hash FROM store_ledger_node WHERE level = %s AND index >= %s AND index < %s ORDER BY index"
LOCK = 0x0D00_0001
"""The advisory lock under which one process at a time grows the tree."""


class NotIntegrated(OnedoorError):
    """This entry waits for its place in the ledger. Please ask again in a moment."""


class _Tables:
    """The tree's nodes in their table, as they were at one moment; its right edge is read at once, for it is needed."""

    def __init__(self) -> None:
        ((last,),) = rows.fetch(LAST, [])
        self._size = 0 if last is None else int(last) + 1
        edge = [level for level in range(self._size.bit_length()) if self._size >> level & 1]
        found = rows.fetch(EDGE, [edge, [(self._size >> level) - 1 for level in edge]])
        self._known: dict[tuple[int, int], bytes] = {(level, index): node for level, index, node in found}

    def size(self) -> int:
        return self._size

    def node(self, level: int, index: int) -> bytes:
        if found := self._known.get((level, index)):
            return found
        for found in hashes(level, index, 1):
            return found
        raise LedgerError(
            "a ledger of {size} entries has no node {level}/{index}", size=self._size, level=level, index=index
        )

    def extend(self, nodes: Sequence[Node]) -> None:
        with connection.cursor() as cursor, cursor.copy(NODES) as copy:
            copy.set_types(["int2", "int8", "bytea"])
            for node in nodes:
                copy.write_row((node.level, node.index, node.hash))
        self._known.update(((node.level, node.index), node.hash) for node in nodes)
        self._size += sum(node.level == 0 for node in nodes)


def append(kind: str, commitment: bytes, *, id: UUID | None = None) -> LedgerEntry:  # noqa: A002 - the column's name
    """Append an entry in the current transaction: what happened (*kind*) and 32 bytes that commit to its details."""
    if not transaction.get_connection().in_atomic_block:
        raise TransactionManagementError("A ledger entry is appended in the transaction it is about.")
    if len(commitment) != COMMITMENT or "\n" in kind:
        raise LedgerError("an entry has a kind of one line and a commitment of 32 bytes")
    name, made_at = id or uuid7(), timezone.now()
    rows.run(f"{INTO} VALUES (%s, %s, %s, %s)", [name, kind, commitment, made_at])
    return LedgerEntry(id=name, kind=kind, commitment=commitment, made_at=made_at)


def integrate() -> int:
    """Give every waiting entry its position, sign a checkpoint if the ledger grew; return how many entries came."""
    total = 0
    while LedgerEntry.objects.filter(position__isnull=True).exists():
        came = _integrate_batch()
        total += came
        if came < BATCH:
            break
    return total


@transaction.atomic
def _integrate_batch() -> int:
    lock()
    waiting = [Leaf(*one) for one in rows.fetch(WAITING, [BATCH])]
    if waiting:
        tree = Tree(_Tables())
        first = tree.extend(leaf.hash() for leaf in waiting)
        rows.run(PLACE, [first, [leaf.id for leaf in waiting]])
        _sign(tree)
    return len(waiting)


def lock() -> None:
    """Be the one who grows or signs the tree until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _sign(tree: Tree) -> None:
    size, root = tree.size, tree.root()
    note = Checkpoint(origin(), size, root).sign(origin(), ledger_keys.key())
    if beside := ledger_keys.next_key():
        note = sign_note(note, origin(), beside)
    LedgerCheckpoint.objects.create(size=size, root=root, note=note, signed_at=clock.now())


def resume(leaves: Sequence[Leaf], note: str, lose: Callable[[Leaf], object]) -> list[Leaf]:
    """Continue from what was published: *leaves* up to the signed *note*; return those whose details are lost.

    A database restored from a backup may be older than what was published. Entries it has not stay as commitments;
    *lose* puts each of them on record as lost, in the same transaction.
    Raise `LedgerError` when *note* is not signed by this system, or the two tell different stories.
    """
    signed = ledger_keys.signed(note)
    published = Tree(MemoryStore())
    published.extend(leaf.hash() for leaf in leaves[: signed.size])
    if (signed.size, signed.root) != (published.size, published.root()):
        raise LedgerError("the published entries do not fit their signed checkpoint")
    with transaction.atomic():
        lock()
        tree = Tree(_Tables())
        common = min(tree.size, signed.size)
        if tree.root(common) != published.root(common):
            raise LedgerError("this database and the published ledger tell different stories")
        if tree.size >= signed.size:
            return []
        lost = [leaf for at, leaf in enumerate(leaves[common : signed.size], common) if _placed(leaf, at)]
        tree.extend(leaf.hash() for leaf in leaves[common : signed.size])
        LedgerCheckpoint.objects.create(size=signed.size, root=signed.root, note=note, signed_at=clock.now())
        for leaf in lost:
            lose(leaf)
    return lost


def _placed(leaf: Leaf, position: int) -> bool:
    """Give *leaf* its position; return whether this database did not know it."""
    if LedgerEntry.objects.filter(id=leaf.id, kind=leaf.kind, commitment=leaf.commitment).update(position=position):
        return False
    LedgerEntry.objects.create(id=leaf.id, kind=leaf.kind, commitment=leaf.commitment, position=position)
    return True


def leaves(start: int, end: int) -> list[Leaf]:
    """Return what stands in the ledger from position *start* up to, without, *end*."""
    return [Leaf(*one) for one in rows.fetch(LEAVES, [start, end])]


def hashes(level: int, start: int, count: int) -> list[bytes]:
    """Return *count* complete nodes of the tree that stand side by side, *level* above the leaves."""
    return [one for (one,) in rows.fetch(HASHES, [level, start, start + count])]


def size_and_root() -> tuple[int, bytes]:
    """Return the size and root of the last signed checkpoint; of nothing before the first."""
    last = LedgerCheckpoint.objects.order_by("-size").first()
    return (last.size, bytes(last.root)) if last else (0, Tree().root())


def checkpoint() -> str:
    """Return the last signed checkpoint as a note; empty before the first."""
    last = LedgerCheckpoint.objects.order_by("-size").first()
    return last.note if last else ""


def placed(entry_id: UUID) -> tuple[Leaf, int] | None:
    """Return the entry with that id and its position, -1 while it waits for one; None when there is no such entry."""
    for *leaf, position in rows.fetch(ONE, [entry_id]):
        return Leaf(*leaf), -1 if position is None else position
    return None


def prove(entry_id: UUID) -> tuple[int, int, list[bytes]]:
    """Return position, size of the last checkpoint, and the proof that the entry is in it; raise `NotIntegrated`."""
    position = LedgerEntry.objects.values_list("position", flat=True).get(id=entry_id)
    size, _ = size_and_root()
    if position is None or position >= size:
        raise NotIntegrated
    return position, size, Tree(_Tables()).inclusion(position, size)


def check() -> int:
    """Compute the ledger anew and return its size; raise `LedgerError` where it does not fit."""
    return computed().size


def computed() -> Tree:
    """Return the tree computed anew from the entries, held against every signed checkpoint and every node.

    Raise `LedgerError` at the first that does not fit.
    """
    tree = Tree(MemoryStore())
    entries = _each(LedgerEntry.objects.filter(position__isnull=False).order_by("position"))
    signed = _each(LedgerCheckpoint.objects.order_by("size"))
    nodes = _each(LedgerNode.objects.all())
    with rows.one_moment(), closing(entries), closing(signed), closing(nodes):
        for known in signed:
            tree.extend(leaf_hash(entry.leaf) for entry in islice(entries, known.size - tree.size))
            _compare(known, tree)
        if next(entries, None) or LedgerNode.objects.count() != 2 * tree.size - tree.size.bit_count():
            raise LedgerError("it holds more or less than the {size} entries that were signed", size=tree.size)
        for node in nodes:
            there = 0 <= node.index < tree.size >> node.level
            if not there or tree.storage.node(node.level, node.index) != bytes(node.hash):
                raise LedgerError(
                    "the node {level}/{index} is not that of its entries", level=node.level, index=node.index
                )
    for size, root in ledger_keys.roots():
        if tree.size < size or tree.root(size) != root:
            raise LedgerError("the {size} entries at which its key was changed are not there", size=size)
    return tree


def _each(found: QuerySet[M]) -> Generator[M, None, None]:
    """Yield the rows of *found* by batches; whoever stops early closes this, and with it the database's cursor."""
    yield from found.iterator(chunk_size=CHUNK)


def _compare(known: LedgerCheckpoint, tree: Tree) -> None:
    signed = ledger_keys.signed(known.note)
    if signed != Checkpoint(origin(), known.size, bytes(known.root)):
        raise LedgerError("the checkpoint of size {size} is not the one that was signed", size=known.size)
    if (signed.size, signed.root) != (tree.size, tree.root()):
        raise LedgerError("the entries do not fit the checkpoint of size {size}", size=known.size)


def verifier() -> Verifier:
    """Return the name and public key that verify this system's checkpoints."""
    return ledger_keys.verifier_of(ledger_keys.key())
