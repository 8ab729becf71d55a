"""``onedoor ledger prove``, ``check`` and ``resume``: what a system does with its own ledger."""

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ledger import Leaf, LedgerError, ProofFile
from onedoor.kernel.settings import current
from onedoor.site import published
from onedoor.site.messages import text as _
from onedoor.store import details, erasure, ledger, ledger_rotation, proving

SUFFIX = ".tlog-proof"
LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
WRONG = 1
KNOWN = (details.LOST, details.AMENDED)
"""Findings for which the ledger itself has the reason."""
MOST_SAID = 100
"""Findings that are named one by one; the sum tells the others."""


class NothingPublished(OnedoorError):
    """There is no published ledger in {folder}, but this system has signed {size} entries. Give the right folder."""


class NoEntry(OnedoorError):
    """The ledger of this system has no entry {entry}. Please check the id, and that these are the settings of the system that recorded it."""  # noqa: E501 - one sentence after the other


class NoDetails(OnedoorError):
    """The details of entry {entry} are not in this system any more: only its proof can be given. Please leave out --details."""  # noqa: E501 - one sentence after the other


class NotYetPublished(OnedoorError):
    """The entry {entry} is not under a published checkpoint yet. This takes about a second while the system runs. Please try again."""  # noqa: E501 - one sentence after the other


def prove(arguments: argparse.Namespace) -> None:
    """Write the proof of one entry in the published checkpoint, and what was entered if that is asked for."""
    leaf, position = _found(arguments.entry)
    proof = proof_of(leaf, position, published.folder_in(current().state))
    out = arguments.out or Path(f"{leaf.id}{SUFFIX}")
    if arguments.details:
        _write_details(leaf, arguments.details)
    out.write_text(proof.text(), "utf-8")
    print(_("The proof of entry {entry} is in {path}.", entry=leaf.id, path=out))
    print(_("Whoever verifies it needs the public key of this ledger: {verifier}", verifier=ledger.verifier()))


def _write_details(leaf: Leaf, path: Path) -> None:
    """Write what was entered, for the eyes of its owner alone: it may speak of somebody."""
    content = details.of(leaf.kind, leaf.id)
    if content is None:
        raise NoDetails(entry=leaf.id)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _found(entry: str) -> tuple[Leaf, int]:
    try:
        found = ledger.placed(UUID(entry))
    except ValueError:
        found = None
    if found is None:
        raise NoEntry(entry=entry[:80])
    return found


def proof_of(leaf: Leaf, position: int, folder: Path) -> ProofFile:
    """Return the proof that *leaf* stands at *position* of what is published in *folder*."""
    proof = proving.proof_of(leaf, position, folder)
    if proof is None:
        raise NotYetPublished(entry=leaf.id)
    return proof


def check(_arguments: argparse.Namespace) -> int:
    """Compute the ledger anew, from its entries and from what they are about; return 1 when anything differs."""
    try:
        tree = published.checked(published.folder_in(current().state))
    except LedgerError as error:
        print(_("The ledger does not hold: {why}.", why=error.reason(_)))
        return WRONG
    counts: Counter[str] = Counter()
    for one in details.findings():
        counts[one.what] += 1
        if one.what not in KNOWN and counts.total() - sum(counts[what] for what in KNOWN) <= MOST_SAID:
            _say(one)
    if lost := counts.pop(details.LOST, 0):
        print(_("The details of {n} entries were lost with a restore: they stay as commitments.", n=lost))
    if amended := counts.pop(details.AMENDED, 0):
        print(
            _(
                "Later entries amended what stands behind {n} others: "
                "persons erased, keys rotated, time-stamps renewed.",
                n=amended,
            )
        )
    for kind in details.unknown():
        print(_("What is entered as {kind} is not known to this version: only its entries are checked.", kind=kind))
    root = tree.root().hex()
    if counts:
        print(
            _(
                "The {size} entries are those that were signed, but of their details {altered} were altered, "
                "{missing} are missing and {added} are in no entry.",
                size=tree.size,
                altered=counts[details.ALTERED],
                missing=counts[details.MISSING],
                added=counts[details.ADDED],
            )
        )
        return WRONG
    print(_("The ledger is sound: {size} entries, root {root}.", size=tree.size, root=root))
    return 0


def _say(found: details.Finding) -> None:
    """Say what is wrong with the details of one entry, by ids alone."""
    what = {
        details.ALTERED: _("its details were altered"),
        details.MISSING: _("its details are missing"),
        details.ADDED: _("these details are in no entry of the ledger"),
    }[found.what]
    place = "–" if found.position is None else found.position
    print(_("{entry} ({kind}, position {place}): {what}.", entry=found.entry, kind=found.kind, place=place, what=what))


def resume(arguments: argparse.Namespace) -> None:
    """Go on from what was published and say what was lost."""
    resume_from(arguments.published or published.folder_in(current().state))


def resume_from(folder: Path) -> None:
    """Go on from what was published in *folder* and say what was lost."""
    if again := erasure.repeat(folder):
        print(_("Persons were erased after the backup. Keys of theirs destroyed again: {n}.", n=again))
    leaves, note = published.read(folder)
    if not note:
        if size := ledger.size_and_root()[0]:
            raise NothingPublished(folder=folder, size=size)
        print(_("Nothing was published in {folder}, and the ledger is empty: it begins anew.", folder=folder))
        return
    print(told(ledger.resume(leaves, note, details.lose)))


def rotate_key(arguments: argparse.Namespace) -> None:
    """Begin with a next key, or end the one before, and say what is to be done with which."""
    if arguments.finish:
        key, size = ledger_rotation.finish()
        print(_("From now on this ledger is signed by this key alone: {verifier}", verifier=key))
        print(
            _(
                "The key before is destroyed. What it signed stands up to size {size} of the ledger, and no further.",
                size=size,
            )
        )
        print(_("Copies of the keys that were made before still hold it. Please make a new backup."))
        return
    before, after = ledger_rotation.begin()
    print(_("This ledger is signed by two keys from now on. In use: {verifier}", verifier=before))
    print(_("The next one: {verifier}", verifier=after))
    print(
        _(
            "Please give it to the witnesses, to the directory and to whoever checks this ledger, in the place of the "
            "other. Then run “onedoor ledger rotate-key --finish”."
        )
    )


def told(lost: Sequence[Leaf]) -> str:
    """Return in plain words what of the ledger was *lost*: what, how many, from when to when."""
    if not lost:
        return _("The database holds every published entry of the ledger: nothing is lost.")
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(one.kind for one in lost).items()))
    first, last = (f"{_made_at(one):%Y-%m-%d %H:%M:%S}" for one in (lost[0], lost[-1]))
    return _(
        "{n} entries of the ledger are newer than the database. They stay in the ledger as commitments; "
        "their details are lost: {kinds}, made between {first} and {last} UTC.",
        n=len(lost),
        kinds=kinds,
        first=first,
        last=last,
    )


def _made_at(leaf: Leaf) -> datetime:
    """Return the moment inside the UUIDv7 of an entry; the last there is for an id that nothing of ours made."""
    return datetime.fromtimestamp(min((leaf.id.int >> 80) / 1000, LAST), UTC)
