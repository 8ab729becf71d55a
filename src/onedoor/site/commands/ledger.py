"""``onedoor ledger``: check it against every signed checkpoint; resume it from what was published."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from onedoor.kernel.errors import OnedoorError
from onedoor.site import messages
from onedoor.site.commands.processes import settings_of
from onedoor.site.messages import text as _

if TYPE_CHECKING:
    from onedoor.store.ledger import Leaf


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do."""
    parser.add_argument(
        "what", choices=["check", "resume"], help="hold it against what was signed, or go on after a restore"
    )
    parser.add_argument("--published", type=Path, help="resume: folder with the published ledger, if not this system's")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Check the ledger and say its size and root; or resume it and say what was lost."""
    settings = settings_of("portal", "node")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")
    import django

    django.setup()
    from onedoor.site import published

    if arguments.what == "check":
        _check()
    else:
        _resume(arguments.published or published.folder_in(settings.state))


class NothingPublished(OnedoorError):
    """There is no published ledger in {folder}, but this system has signed {size} entries. Give the right folder."""


def _check() -> None:
    from onedoor.store import ledger

    size = ledger.check()
    root = ledger.size_and_root()[1].hex()
    print(_("The ledger is sound: {size} entries, root {root}.", size=size, root=root))


def _resume(folder: Path) -> None:
    from onedoor.site import published
    from onedoor.store import ledger

    leaves, note = published.read(folder)
    if not note:
        if size := ledger.size_and_root()[0]:
            raise NothingPublished(folder=folder, size=size)
        print(_("Nothing was published in {folder}, and the ledger is empty: it begins anew.", folder=folder))
        return
    print(told(ledger.resume(leaves, note)))


def told(lost: "Sequence[Leaf]") -> str:
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


def _made_at(leaf: "Leaf") -> datetime:
    """Return the moment inside the UUIDv7 of an entry."""
    return datetime.fromtimestamp((leaf.id.int >> 80) / 1000, UTC)
