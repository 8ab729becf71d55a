"""``onedoor ledger verify`` and ``audit``: what anybody can check with public files and a public key. No Django."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import (
    Checkpoint,
    Leaf,
    LedgerError,
    ProofFile,
    Tiles,
    Tree,
    Verifier,
    signed_at,
    verify_consistency,
)
from onedoor.kernel.ledger import audit as audited
from onedoor.kernel.ledger.disclosures import Shown
from onedoor.kernel.ledger.notes import COSIGNATURE, ED25519, LONGEST, verify_checkpoint
from onedoor.kernel.ledger.proof_files import LARGEST
from onedoor.kernel.ledger.tiles import read_tile
from onedoor.site.commands import ledger_national, ledger_sources
from onedoor.site.messages import text as _

WRONG = 1
LARGEST_DETAILS = 2**20
CHECKPOINT, KEY = "checkpoint", "key"


class BadKey(OnedoorError):
    """“{given}” is no public key of a ledger or a witness, and no file that holds one. A key looks like name+1a2b3c4d+AbCd…; please copy it whole."""  # noqa: E501 - one sentence after the other


class OtherKind(OnedoorError):
    """“{given}” is a key of the other kind: a ledger signs with one, a witness cosigns with another. Please give each in its place."""  # noqa: E501 - one sentence after the other


class BadFile(OnedoorError):
    """{path} cannot be read as {what}. Please check that it is the right file, and whole."""


class OtherKey(OnedoorError):
    """{path} was kept for another ledger: its key is {kept}. Please give the right file, or a new one."""


def verify(arguments: argparse.Namespace) -> int:
    """Say what a proof proves; return 1 when it proves nothing."""
    log, witnesses = key_of(arguments.key), _witnesses(arguments)
    try:
        text = _content(arguments.proof, LARGEST).decode()
        proof = ProofFile.parse(text)
    except (LedgerError, UnicodeDecodeError) as error:
        raise BadFile(path=arguments.proof, what=_("a proof")) from error
    details = _content(arguments.details, LARGEST_DETAILS) if arguments.details else None
    try:
        if arguments.published:
            note, leaf, checkpoint = _continued(arguments.published, proof, log, witnesses)
        else:
            note, (leaf, checkpoint) = proof.note, proof.verify(log, witnesses)
        shown = None if details is None else _entered(leaf, details)
    except LedgerError as error:
        print(_("Not proved: {why}.", why=error.reason(_)))
        return WRONG
    _tell(leaf, proof, checkpoint)
    _tell_witnesses(note, witnesses)
    _tell_details(shown)
    return 0


def _continued(
    url: str, proof: ProofFile, log: Verifier, witnesses: Sequence[Verifier]
) -> tuple[str, Leaf, Checkpoint]:
    """Return the published checkpoint, as a note and read, and the entry of *proof*, whose checkpoint it continues.

    Whose key signed the proof does not count then, so one under a key that was stolen since stands, or is found false.
    Raise `LedgerError`.
    """
    source = ledger_sources.source_of(url)
    leaf, before = proof.under()
    note = _published(source, url, CHECKPOINT).decode(errors="replace")
    now = verify_checkpoint(note, log, witnesses)
    if before.origin != now.origin:
        raise LedgerError("this is a checkpoint of {origin}, not of {name}", origin=before.origin[:80], name=now.origin)
    tree = Tree(Tiles(now.size, lambda tile: tile.levels(read_tile(source.read, tile))))
    verify_consistency(before.size, now.size, tree.consistency(before.size), before.root, now.root)
    return note, leaf, now


def _tell(leaf: Leaf, proof: ProofFile, checkpoint: Checkpoint) -> None:
    print(
        _(
            "Proved: entry {entry} ({kind}, by its id made at {moment} UTC) stands at position {position} among the "
            "{size} entries of the ledger {name}, which its key has signed.",
            entry=leaf.id,
            kind=leaf.kind,
            moment=_moment((leaf.id.int >> 80) / 1000),
            position=proof.index,
            size=checkpoint.size,
            name=checkpoint.origin,
        )
    )


def _tell_witnesses(note: str, witnesses: Sequence[Verifier]) -> None:
    for one in witnesses:
        print(
            _(
                "The witness {name} cosigned at {moment} UTC: it had seen no other history of this ledger.",
                name=one.name,
                moment=_moment(signed_at(note, one) or 0),
            )
        )
    if not witnesses:
        print(_("No witness was asked for (--witness): whether others are shown another history is not proved."))


def _entered(leaf: Leaf, details: bytes) -> Shown:
    """Return what is shown of what was entered as *leaf*; raise `LedgerError` unless *details* are of it."""
    shown = Shown.parse(details)
    if sha256(shown.entered).digest() != leaf.commitment:
        raise LedgerError("these details are not those that were entered")
    return shown


def _tell_details(shown: Shown | None) -> None:
    if shown is None:
        print(_("What was entered is not in the proof; with --details it is held against it."))
        return
    print(_("The details are those that were entered, to the last sign."))
    for name, value in shown.claims:
        print(f"  {name}: {_said(value)}")


def _said(value: object) -> str:
    """Return the value of a claim on one line, whatever signs are in it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def audit(arguments: argparse.Namespace) -> int:
    """Compute a published ledger anew and say what holds; return 1 when anything does not."""
    source = ledger_sources.source_of(arguments.url)
    before = Seen.read(arguments.state) if arguments.state and arguments.state.exists() else None
    log, own = _log(arguments, source, before)
    witnesses = _witnesses(arguments)
    # Asked for first: what the directory takes meanwhile may be newer than the checkpoint that is audited.
    taken = ledger_national.last_taken(arguments.directory, log) if arguments.directory else None
    seen = [one for one in (before and before.checkpoint, taken) if one]
    try:
        note = _published(source, arguments.url, CHECKPOINT).decode()
        if before and note.partition("\n")[0] != before.checkpoint.origin:
            raise OtherKey(path=arguments.state, kept=before.key)
        checkpoint = verify_checkpoint(note, log, witnesses)
        computed = audited(source.read, checkpoint, *seen)
        kinds = ledger_sources.progress(computed, checkpoint.size)
    except (LedgerError, UnicodeDecodeError) as error:
        why = error.reason(_) if isinstance(error, LedgerError) else _("the checkpoint is no text")
        print(_("The ledger does not hold: {why}.", why=why))
        return WRONG
    if arguments.state:
        Seen(str(log), note).write(arguments.state)
    _tell_audit(checkpoint, kinds, before, own=own)
    if before and before.key != str(log):
        print(_("It is signed by another key than before: what was seen under the one before is in it."))
    if taken:
        print(_("It continues the last checkpoint that the directory took of it, of {size} entries.", size=taken.size))
    _tell_witnesses(note, witnesses)
    return 0


def _tell_audit(checkpoint: Checkpoint, kinds: dict[str, int], before: "Seen | None", *, own: bool) -> None:
    print(
        _(
            "The ledger {name} holds: {size} entries computed anew give the root that was signed, {root}.",
            name=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
        )
    )
    for kind, count in sorted(kinds.items()):
        print(f"  {kind}: {count}")
    if before:
        print(_("It only grew: its first {size} entries are those that were seen before.", size=before.checkpoint.size))
    if own:
        print(_("The key came from the ledger itself, not from you: give --key with one that you got in another way."))


def _log(arguments: argparse.Namespace, source: ledger_sources.Source, before: "Seen | None") -> tuple[Verifier, bool]:
    """Return the key of the ledger, and whether nothing but the ledger itself vouches for it."""
    if arguments.key:
        given = key_of(arguments.key)
        if before and given.name != key_of(before.key).name:
            raise OtherKey(path=arguments.state, kept=before.key)
        return given, False
    if before:
        return key_of(before.key), False
    return key_of(_published(source, arguments.url, KEY).decode(errors="replace").strip()), True


def _published(source: ledger_sources.Source, url: str, name: str) -> bytes:
    """Return the checkpoint or the key; raise `NotReached` when there is none, as before the first entry."""
    found = source.read(name, LONGEST)
    if found is None:
        raise ledger_sources.NotReached(url=f"{url}/{name}", why=_("nothing is published there"))
    return found


def _witnesses(arguments: argparse.Namespace) -> list[Verifier]:
    return [key_of(one, COSIGNATURE) for one in arguments.witness]


def key_of(given: str, kind: bytes = ED25519) -> Verifier:
    """Return the key of a *kind* that is written in *given*, or in the file it names; raise `BadKey`."""
    try:
        text = _content(Path(given), LONGEST).decode().strip() if Path(given).is_file() else given
        found = Verifier.parse(text)
    except (LedgerError, OSError, ValueError, BadFile) as error:
        raise BadKey(given=given[:80]) from error
    if found.kind != kind:
        raise OtherKind(given=given[:80])
    return found


@dataclass(frozen=True)
class Seen:
    """What an audit has seen of a ledger: its key and its signed checkpoint."""

    key: str
    note: str

    @property
    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint, its signature checked again."""
        return verify_checkpoint(self.note, Verifier.parse(self.key))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what is kept in *path*; raise `BadFile`."""
        try:
            kept = json.loads(_content(path, 2 * LONGEST))
            found = cls(str(kept["key"]), str(kept["checkpoint"]))
            found.checkpoint  # noqa: B018 - it raises when it is not sound
        except (LedgerError, ValueError, KeyError, TypeError) as error:
            raise BadFile(path=path, what=_("what an audit keeps")) from error
        return found

    def write(self, path: Path) -> None:
        """Keep it in *path*, whole or not at all."""
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(json.dumps({"key": self.key, "checkpoint": self.note}, ensure_ascii=False, indent=1) + "\n")
        draft.replace(path)


def _content(path: Path, most: int) -> bytes:
    """Return the content of a file that a person named; raise `BadFile` when it is longer than can be."""
    with path.open("rb") as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise BadFile(path=path, what=_("something so short"))
    return found


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "?"
