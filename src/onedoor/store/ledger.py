"""The ledger in PostgreSQL: entries appended in the caller's transaction, then put in order and signed."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Model, QuerySet
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
BATCH = 1000
COMMITMENT = 32
INSERT = "INSERT INTO store_ledger_entry (id, kind, commitment, made_at) VALUES (%s, %s, %s, %s)"
LOCK = 0x0D00_0001
"""The advisory lock under which one process at a time grows the tree."""


class NotIntegrated(OnedoorError):
    """This entry waits for its place in the ledger. Please ask again in a moment."""


class _Tables:
    """The tree's nodes in their table."""

    def size(self) -> int:
        last = LedgerNode.objects.filter(level=0).aggregate(last=Max("index"))["last"]
        return 0 if last is None else int(last) + 1

    def node(self, level: int, index: int) -> bytes:
        return bytes(LedgerNode.objects.values_list("hash", flat=True).get(level=level, index=index))

    def extend(self, nodes: Sequence[Node]) -> None:
        LedgerNode.objects.bulk_create(LedgerNode(level=n.level, index=n.index, hash=n.hash) for n in nodes)


def append(kind: str, commitment: bytes, *, id: UUID | None = None) -> LedgerEntry:  # noqa: A002 - the column's name
    """Append an entry in the current transaction: what happened (*kind*) and 32 bytes that commit to its details."""
    if not transaction.get_connection().in_atomic_block:
        raise TransactionManagementError("A ledger entry is appended in the transaction it is about.")
    row = entry(kind, commitment)
    row = (id or row[0], *row[1:])
    rows.run(INSERT, row)
    return LedgerEntry(id=row[0], kind=kind, commitment=commitment, made_at=row[3])


def entry(kind: str, commitment: bytes) -> tuple[UUID, str, bytes, datetime]:
    """Return a new entry as `INSERT` takes it, for who appends it by a statement that does more."""
    if len(commitment) != COMMITMENT or "\n" in kind:
        raise LedgerError("an entry has a kind of one line and a commitment of 32 bytes")
    return uuid7(), kind, commitment, timezone.now()


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
    waiting = list(LedgerEntry.objects.filter(position__isnull=True).order_by("id")[:BATCH])
    if not waiting:
        return 0
    tree = Tree(_Tables())
    first = tree.extend(leaf_hash(entry.leaf) for entry in waiting)
    for position, entry in enumerate(waiting, start=first):
        entry.position = position
    LedgerEntry.objects.bulk_update(waiting, ["position"])
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
    found = LedgerEntry.objects.filter(position__gte=start, position__lt=end).order_by("position")
    return [Leaf(one.id, one.kind, bytes(one.commitment)) for one in found]


def hashes(level: int, start: int, count: int) -> list[bytes]:
    """Return *count* complete nodes of the tree that stand side by side, *level* above the leaves."""
    found = LedgerNode.objects.filter(level=level, index__gte=start, index__lt=start + count).order_by("index")
    return [bytes(one) for one in found.values_list("hash", flat=True)]


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
    one = LedgerEntry.objects.filter(id=entry_id).first()
    if one is None:
        return None
    return Leaf(one.id, one.kind, bytes(one.commitment)), -1 if one.position is None else one.position


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
    yield from found.iterator(chunk_size=BATCH)


def _compare(known: LedgerCheckpoint, tree: Tree) -> None:
    signed = ledger_keys.signed(known.note)
    if signed != Checkpoint(origin(), known.size, bytes(known.root)):
        raise LedgerError("the checkpoint of size {size} is not the one that was signed", size=known.size)
    if (signed.size, signed.root) != (tree.size, tree.root()):
        raise LedgerError("the entries do not fit the checkpoint of size {size}", size=known.size)


def verifier() -> Verifier:
    """Return the name and public key that verify this system's checkpoints."""
    return ledger_keys.verifier_of(ledger_keys.key())
