"""What the directory took of a ledger: the last of its checkpoints among the entries of the nation's ledger."""

from collections.abc import Iterator
from contextlib import suppress

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import Checkpoint, LedgerError, Tile, Verifier, split_note, verify_checkpoint
from onedoor.kernel.ledger.auditing import read_entries
from onedoor.kernel.ledger.notes import LONGEST
from onedoor.kernel.ledger.tiles import WIDTH, needed
from onedoor.site.commands.ledger_sources import NotReached, Source, source_of
from onedoor.site.messages import text as _

CHECKPOINT = "checkpoint"


class NotTaken(OnedoorError):
    """The directory's ledger at {url} holds no checkpoint of {name} that its key signed. Please check the address and the key, and that the directory's ONEDOOR_LEDGER_POLICY names this ledger."""  # noqa: E501 - one sentence after the other


def last_taken(url: str, log: Verifier) -> Checkpoint:
    """Return the last checkpoint of *log* in the directory's ledger at *url*; raise `NotTaken` or `NotReached`.

    The key of *log* signed it: whoever serves the directory's ledger can keep some back, and make none up.
    """
    try:
        found = next(_taken(source_of(url), log), None)
    except (LedgerError, UnicodeDecodeError) as error:
        why = error.reason(_) if isinstance(error, LedgerError) else _("the checkpoint is no text")
        raise NotReached(url=url, why=why) from error
    if found is None:
        raise NotTaken(url=url, name=log.name)
    return found


def _taken(source: Source, log: Verifier) -> Iterator[Checkpoint]:
    """Yield the checkpoints of *log* among the entries of *source*, the newest first."""
    note = needed(CHECKPOINT, source.read(CHECKPOINT, LONGEST)).decode()
    size = Checkpoint.parse(split_note(note)[0]).size
    for index in range(-(-size // WIDTH) - 1, -1, -1):
        for entry in reversed(read_entries(source.read, Tile(0, index, min(WIDTH, size - index * WIDTH)))):
            if entry.startswith(f"{log.name}\n".encode()):
                with suppress(LedgerError, UnicodeDecodeError):
                    yield verify_checkpoint(entry.decode(), log)
