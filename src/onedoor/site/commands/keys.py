"""``onedoor keys``: rotate the master key of a system that runs, and the keys of its persons; erase a person."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onedoor.site import messages
from onedoor.site.commands.processes import settings_of
from onedoor.site.messages import text as _


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    parts.add_parser(
        "rotate-master", help="wrap the keys of persons by a new master key, made where ONEDOOR_MASTER_KEY says"
    )
    for part in parts.choices.values():
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> None:
    """Do the part that was asked for, as the system whose settings these are."""
    settings_of("portal", "node")
    PARTS[arguments.part](arguments)


def rotate_master(_arguments: argparse.Namespace) -> None:
    """Begin a new master key or go on with one; say what came of it."""
    from onedoor.store import rotation

    with _progress(_("Keys wrapped anew")) as shown:
        done = rotation.rotate_master(shown)
    if done.resumed:
        print(_("An earlier run had begun this rotation; it went on from there."))
    print(_("{keys} keys were wrapped anew; the master key is now {name}.", keys=done.keys, name=done.master))
    if done.retired:
        print(_("Nothing is wrapped by the master key before it: it was destroyed ({n}).", n=done.retired))
    print(_("Copies of the key store that were made before still hold it. Please make a new backup."))


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {"rotate-master": rotate_master}


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows on a terminal how far *what* is."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")
    import django

    django.setup()
