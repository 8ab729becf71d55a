"""Decides whether a witness cosigns a checkpoint (C2SP tlog-witness): only what continues what it cosigned before."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.exchange.witness.record import Record
from onedoor.kernel import clock
from onedoor.kernel.ledger import (
    Checkpoint,
    LedgerError,
    Verifier,
    cosign,
    join_note,
    split_note,
    verify_consistency,
    verify_note,
)
from onedoor.kernel.ledger.notes import COSIGNATURE
from onedoor.kernel.ledger.witnessing import SIZE_KIND, Addition

OK, MALFORMED, FORGED, UNKNOWN, CONFLICT, INCONSISTENT, BROKEN = 200, 400, 403, 404, 409, 422, 500
TEXT = "text/plain; charset=utf-8"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers; *outcome* counts it."""

    status: int
    outcome: str
    body: str
    kind: str = TEXT


class Witness:
    """Cosigns under *name* the checkpoints of *logs*; what it cosigned last it keeps in *record*."""

    def __init__(self, name: str, key: Ed25519PrivateKey, logs: Iterable[Verifier], record: Record) -> None:
        self.name = name
        self.verifier = Verifier(name, key.public_key(), COSIGNATURE)
        self.record = record
        self._key = key
        self._lock = Lock()
        self._logs: dict[str, list[Verifier]] = defaultdict(list)
        for log in logs:
            self._logs[log.name].append(log)

    def add(self, text: str) -> Answer:
        """Return the answer to the body of a request: a cosignature, or why there is none."""
        try:
            asked = Addition.parse(text)
            body, _ = split_note(asked.note)
            checkpoint = Checkpoint.parse(body)
        except LedgerError as error:
            return Answer(MALFORMED, "malformed", _why(error))
        if checkpoint.origin not in self._logs:
            return Answer(UNKNOWN, "unknown", "This witness does not know that ledger.\n")
        try:
            verify_note(asked.note, self._logs[checkpoint.origin])
        except LedgerError as error:
            return Answer(FORGED, "forged", _why(error))
        if asked.old > checkpoint.size:
            return Answer(MALFORMED, "malformed", "The old size is larger than the new one.\n")
        with self._lock:
            return self._decide(asked, checkpoint, body)

    def last(self, origin: str) -> Checkpoint:
        """Return what was cosigned last of *origin*; raise `LedgerError` when the record was altered."""
        return self.record.last(origin, self.verifier)

    def _decide(self, asked: Addition, new: Checkpoint, body: str) -> Answer:
        """Compare with what was cosigned last; the caller holds the lock until the new one is kept."""
        last = self.last(new.origin)
        if asked.old != last.size:
            return Answer(CONFLICT, "behind", f"{last.size}\n", SIZE_KIND)
        if new.size == last.size and new.root != last.root:
            _logger.error("witness.second_history origin=%s size=%d", new.origin, new.size)
            return Answer(CONFLICT, "second-history", f"{last.size}\n", SIZE_KIND)
        try:
            verify_consistency(last.size, new.size, asked.proof, last.root, new.root)
        except LedgerError as error:
            _logger.error("witness.inconsistent origin=%s old=%d size=%d", new.origin, last.size, new.size)
            return Answer(INCONSISTENT, "inconsistent", _why(error))
        line = cosign(body, self.name, self._key, int(clock.now().timestamp()))
        self.record.keep(new.origin, join_note(body, [line]))
        return Answer(OK, "cosigned", f"{line}\n")


def _why(error: LedgerError) -> str:
    return f"{error.reason()}\n"
