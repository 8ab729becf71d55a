"""Asks the witnesses of this system's ledger to cosign its checkpoints (C2SP tlog-witness)."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Self

import structlog

from onedoor.kernel.fetching import OK, Server
from onedoor.kernel.ledger import LedgerError, Tree, Verifier, join_note, signed_at, split_note
from onedoor.kernel.ledger.notes import parse_number
from onedoor.kernel.ledger.witnessing import Addition, Policy
from onedoor.kernel.settings import Settings

PATIENCE = 2.0
"""Seconds that the ledger waits for its witnesses, all at the same time; and each thread for one whole answer."""
PAUSE = 30.0
"""Seconds in which a witness that failed is not asked again."""
LONGEST_ANSWER = 4096
CONFLICT = 409
log = structlog.get_logger("onedoor.cosigning")


class Witness:
    """A witness that is asked on a thread of its own, and the size that it is thought to have cosigned last."""

    def __init__(self, verifier: Verifier, url: str) -> None:
        self.verifier = verifier
        self.url = url
        self.size = 0
        self.rests_until = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="witness")
        self._asking: Future[str] | None = None

    def ask(self, note: str, tree: Tree) -> Future[str] | None:
        """Begin to ask for the line by which it cosigns *note*, the checkpoint of *tree*; not while it rests."""
        if time.monotonic() < self.rests_until or (self._asking and not self._asking.done()):
            return None
        self._asking = self._thread.submit(self._asked, note, tree)
        return self._asking

    def answer(self, asking: "Future[str] | None", until: float) -> str:
        """Return what came of *asking* by the moment *until* (monotonic); nothing when it does not cosign."""
        if asking is None:
            return ""
        try:
            return asking.result(max(0.0, until - time.monotonic()))
        except (LedgerError, OSError) as error:  # a time that is over is an OSError too
            self.rests_until = time.monotonic() + PAUSE
            why = error.reason() if isinstance(error, LedgerError) else type(error).__name__
            log.warning("a witness does not cosign", witness=self.verifier.name, why=why)
            return ""

    def _asked(self, note: str, tree: Tree) -> str:
        status, answer = self._post(note, tree)
        if status == CONFLICT and (seen := parse_number(answer.strip())) != self.size:
            if seen > tree.size:
                raise LedgerError("it has seen {seen} entries, this ledger has {size}", seen=seen, size=tree.size)
            self.size = seen
            status, answer = self._post(note, tree)
        if status != OK:
            raise LedgerError("it answers {status}", status=status)
        for line in answer.splitlines():
            if signed_at(join_note(split_note(note)[0], [line]), self.verifier) is not None:
                self.size = tree.size
                return line
        raise LedgerError("its answer holds no cosignature of its own")

    def _post(self, note: str, tree: Tree) -> tuple[int, str]:
        body = Addition(self.size, tuple(tree.consistency(self.size)), note).text().encode()
        with closing(Server(self.url, PATIENCE)) as server:
            status, answer = server.ask("POST", "add-checkpoint", LONGEST_ANSWER, body)
        return status, answer.decode(errors="replace")


class Witnesses:
    """The witnesses that a system asks; without any, its checkpoints carry its own signature alone."""

    def __init__(self, policy: Policy) -> None:
        self.all = [Witness(verifier, url) for verifier, url in policy.witnesses if url]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those that the policy of *settings* names."""
        return cls(Policy.read(settings.ledger_policy) if settings.ledger_policy else Policy())

    def cosigned(self, note: str, tree: Tree) -> str:
        """Return *note* with the cosignatures that it has and those that the other witnesses give now."""
        body, lines = split_note(note)
        until = time.monotonic() + PATIENCE
        asked = [(one, one.ask(note, tree)) for one in self.all if signed_at(note, one.verifier) is None]
        return join_note(body, [*lines, *(line for one, asking in asked if (line := one.answer(asking, until)))])
