"""What a ledger sends to a witness (C2SP tlog-witness), and the file that names ledgers and witnesses (tlog-policy)."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger.hashing import LedgerError
from onedoor.kernel.ledger.notes import COSIGNATURE, ED25519, LONGEST, Verifier, parse_hash, parse_number

OLD = "old "
MOST_HASHES = 63
LARGEST = 4 * LONGEST
"""Bytes of a request that a witness reads: a note of that many signs, and a proof."""
SIZE_KIND = "text/x.tlog.size"
UNUSED = ("group", "quorum")


class BadPolicy(OnedoorError):
    """Line {line} of {path} names no ledger and no witness. Please write “log KEY” or “witness NAME KEY URL”, and copy the keys whole."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True)
class Addition:
    """A checkpoint *note* for a witness, with the proof that it continues the tree of *old* leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """Return the body of the request."""
        return f"{OLD}{self.old}\n" + "".join(f"{b64encode(one).decode()}\n" for one in self.proof) + f"\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what the body of a request says; raise `LedgerError`."""
        head, gap, note = text.partition("\n\n")
        old, *proof = head.split("\n")
        if not gap or not old.startswith(OLD) or len(proof) > MOST_HASHES:
            raise LedgerError("this adds no checkpoint")
        return cls(parse_number(old.removeprefix(OLD)), tuple(map(parse_hash, proof)), note)


@dataclass(frozen=True)
class Policy:
    """The ledgers and the witnesses that somebody knows, each with its address, which may be empty.

    A ledger is published at its address; a witness takes checkpoints there.
    """

    logs: tuple[tuple[Verifier, str], ...] = ()
    witnesses: tuple[tuple[Verifier, str], ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what the file *path* says; groups and quorums are for who verifies. Raise `BadPolicy`."""
        logs: list[tuple[Verifier, str]] = []
        witnesses: list[tuple[Verifier, str]] = []
        for number, words in _lines(path):
            try:
                if words[0] == "log":
                    logs.append((_key(words[1], ED25519), words[2] if words[2:] else ""))
                elif words[0] == "witness":
                    witnesses.append((_key(words[2], COSIGNATURE), words[3] if words[3:] else ""))
                elif words[0] not in UNUSED:
                    raise BadPolicy(line=number, path=path)
            except (LedgerError, IndexError) as error:
                raise BadPolicy(line=number, path=path) from error
        return cls(tuple(logs), tuple(witnesses))


def _key(text: str, kind: bytes) -> Verifier:
    found = Verifier.parse(text)
    if found.kind != kind:
        raise LedgerError("the key of {name} is of the other kind", name=found.name)
    return found


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield number, words
