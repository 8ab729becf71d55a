"""``onedoor keys``: rotate the master key of a system that runs, and the keys of its persons; erase a person."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onedoor.kernel.errors import BadInput
from onedoor.site import archives, messages
from onedoor.site.commands.processes import set_up_django, settings_of
from onedoor.site.messages import text as _
from onedoor.site.progress import shown
from onedoor.store.sealed import Place


class OneNumber(BadInput):
    """One personal number is erased at a time, and stdin named {n}. Please write exactly one line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    parts.add_parser(
        "rotate-master", help="wrap the keys of persons by a new master key, made where ONEDOOR_MASTER_KEY says"
    )
    persons = parts.add_parser("rotate-persons", help="give persons next keys, and reseal their data under these")
    persons.add_argument("--named", action="store_true", help="only those whose personal numbers stdin names, by lines")
    persons.add_argument("--older-than", type=_days, metavar="DAYS", default=timedelta(0), help="only older keys")
    erased = parts.add_parser("erase", help="erase from this system the person whose number stdin names, for good")
    erased.add_argument("--request", metavar="ID", default="", help="id of the request, for the record")
    expired = parts.add_parser("expire", help="delete the copies of keys in a folder that have expired")
    expired.add_argument("folder", type=Path, metavar="DIR", help="where backups put archives of keys")
    for part in parts.choices.values():
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> None:
    """Do the part that was asked for, as the system whose settings these are; a folder of copies is nobody's."""
    if arguments.part != "expire":
        settings_of("portal", "node")
    PARTS[arguments.part](arguments)


def rotate_master(_arguments: argparse.Namespace) -> None:
    """Begin a new master key or go on with one; say what came of it."""
    from onedoor.store import rotation

    with shown(_("Keys wrapped anew")) as show:
        done = rotation.rotate_master(show)
    if done.resumed:
        print(_("An earlier run had begun this rotation; it went on from there."))
    print(_("Keys wrapped anew: {keys}. The master key is now {name}.", keys=done.keys, name=done.master))
    if done.retired:
        print(_("Nothing is wrapped by older master keys any more. Destroyed: {n}.", n=done.retired))
    print(_("Copies of the key store that were made before still hold it. Please make a new backup."))


def rotate_persons(arguments: argparse.Namespace) -> None:
    """Give persons next keys; say how many, and how much was resealed."""
    set_up_django()
    from onedoor.store import erasure, resealing

    named = [one for number in _numbers() for one in erasure.subjects_of(number)] if arguments.named else None
    with shown(_("Tables gone through")) as show:
        done = resealing.rotate_persons(named, older_than=arguments.older_than, progress=show)
    print(
        _(
            "Persons with a next key: {persons}. Envelopes resealed: {envelopes}. Keys destroyed: {destroyed}.",
            persons=done.persons,
            envelopes=done.envelopes,
            destroyed=done.destroyed,
        )
    )
    _tell_damaged(done.damaged)


def _tell_damaged(damaged: Sequence[Place]) -> None:
    for one in damaged:
        print(_("Damaged, so its key is kept: {table} {column}, row {row}.", **one._asdict()))


def erase(arguments: argparse.Namespace) -> None:
    """Erase one person and say when that is complete."""
    set_up_django()
    from onedoor.store import erasure

    numbers = _numbers()
    if len(numbers) != 1:
        raise OneNumber(n=len(numbers))
    done = erasure.erase(numbers[0], request=arguments.request)
    print(
        _("Erased. Keys destroyed: {n}. The entry of the ledger that says so: {entry}.", n=done.keys, entry=done.entry)
    )
    print(_("The erasure is complete on {day}, when the last copy of the key expires.", day=done.complete_on))


def expire(arguments: argparse.Namespace) -> None:
    """Delete expired copies and name them."""
    gone = archives.delete_expired(arguments.folder, datetime.now(UTC))
    for path in gone:
        print(_("Deleted, for it has expired: {file}", file=path))
    if not gone:
        print(_("No copy of keys in {folder} has expired.", folder=arguments.folder))


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "rotate-master": rotate_master,
    "rotate-persons": rotate_persons,
    "erase": erase,
    "expire": expire,
}


def _numbers() -> list[str]:
    """Return the personal numbers on stdin, one a line: no list of processes and no history of a shell shows them."""
    return [line.strip() for line in sys.stdin if line.strip()]


def _days(text: str) -> timedelta:
    return timedelta(days=int(text))
