"""Rotation of the key that signs the ledger, while everything runs: the next key signs beside it, then alone.

Who checks the ledger has the time between to take the next key: what is signed then verifies under either. Each step
is durable before the next, so who is killed anywhere calls again and it goes on.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from onedoor.kernel.errors import Conflict
from onedoor.kernel.ids import uuid7
from onedoor.kernel.ledger import Verifier, signed_at
from onedoor.store import details, ledger, ledger_keys
from onedoor.store.ledger_keys import Handover
from onedoor.store.models import LedgerEntry

KIND = "store.ledger-key"


class NoNextKey(Conflict):
    """No next key waits. The ledger is signed by {verifier}. Please begin with “onedoor ledger rotate-key”."""


class NotBothSigned(Conflict):
    """No checkpoint is signed by both keys yet. This takes about a second while the system runs. Please try again."""


@transaction.atomic
def begin() -> tuple[Verifier, Verifier]:
    """Have a next key sign beside the one in use, and enter it into the ledger; return both."""
    ledger.lock()
    before, after = (ledger_keys.verifier_of(one) for one in (ledger_keys.key(), ledger_keys.make_next()))
    handover = _begun(str(after)) or Handover(str(uuid7()), str(before), str(after))
    ledger_keys.keep(handover)
    if not LedgerEntry.objects.filter(id=handover.entry).exists():
        ledger.append(KIND, sha256(_content(handover)).digest(), id=UUID(handover.entry))
    return before, after


@transaction.atomic
def finish() -> tuple[Verifier, int]:
    """Have the next key sign alone; return it and the size up to which the key before counts. That one is destroyed.

    Raise `NoNextKey`, or `NotBothSigned` as long as nobody could have taken the next key from the ledger itself.
    """
    ledger.lock()
    beside = ledger_keys.next_key()
    handover = _begun(str(ledger_keys.verifier_of(beside))) if beside else None
    if beside is None or handover is None:
        raise NoNextKey(verifier=ledger.verifier())
    after, note = ledger_keys.verifier_of(beside), ledger.checkpoint()
    if not note or signed_at(note, after) is None:
        raise NotBothSigned
    size, root = ledger.size_and_root()
    ledger_keys.keep(ledger_keys.at(handover, size, root))
    ledger_keys.take_over()
    return after, size


def _begun(after: str) -> Handover | None:
    return next((one for one in ledger_keys.handovers() if one.after == after), None)


def _content(handover: Handover) -> bytes:
    facts = {"before": handover.before, "after": handover.after}
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    for one in sorted(ledger_keys.handovers(), key=lambda one: one.entry):
        if entry in ("", one.entry):
            yield one.entry, _content(one)


details.register(KIND, _entered)
