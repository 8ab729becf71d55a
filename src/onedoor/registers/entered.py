"""How the archiving and the destruction of a record are written out again, to be held against the ledger."""

from collections.abc import Iterator

from onedoor.registers.archiving import content
from onedoor.registers.models import Archived
from onedoor.store import details


def archived(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield entry ids and what was entered when records went to the archive, in order of the ids."""
    found = Archived.objects.filter(entry=entry) if entry else Archived.objects.all()
    for row in found.order_by("entry").iterator(chunk_size=details.AT_ONCE):
        stands = content(_facts(row) | {"rule": row.rule, "at": row.archived.isoformat()})
        yield str(row.entry), stands if _is_whole(row) else b""


def destroyed(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield entry ids and what was entered when records were destroyed, in order of the ids."""
    found = Archived.objects.filter(destroyed_entry=entry) if entry else Archived.objects.all()
    for row in found.exclude(destroyed=None).order_by("destroyed_entry").iterator(chunk_size=details.AT_ONCE):
        at = row.destroyed.isoformat() if row.destroyed else ""
        yield str(row.destroyed_entry), content(_facts(row) | {"rule": row.destroyed_rule, "at": at})


def _is_whole(row: Archived) -> bool:
    """Return whether a record was destroyed by a rule and an entry, or by none: what is of neither is in no entry."""
    return len({row.destroyed is None, row.destroyed_entry is None, not row.destroyed_rule}) == 1


def _facts(row: Archived) -> dict[str, str]:
    return {"identity": bytes(row.identity).hex(), "register": row.register, "record": str(row.record_id)}


details.register("registers.archived", archived)
details.register("registers.destroyed", destroyed)
