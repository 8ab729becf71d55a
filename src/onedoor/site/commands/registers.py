"""``onedoor registers``: load an owner's file, do what retention asks for, say what changed in registers followed."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from onedoor.site import messages
from onedoor.site.cli import FAILED
from onedoor.site.commands.processes import set_up_django, settings_of
from onedoor.site.messages import text as _
from onedoor.site.progress import shown

if TYPE_CHECKING:
    from onedoor.registers.definition import Register


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``load``, ``retention`` and ``changes``, the register, the file and how careful to be."""
    parser.add_argument(
        "what",
        choices=["load", "retention", "changes"],
        help="load a file; archive and destroy what is due; print as JSON lines what owners told of registers followed",
    )
    parser.add_argument("register", nargs="?", help="the id of a register; retention and changes: all, if none")
    parser.add_argument("file", type=Path, nargs="?", help="load: one JSON object a line; .gz is unpacked")
    parser.add_argument("--dry-run", action="store_true", help="report only, load and archive nothing")
    parser.add_argument("--good-rows", action="store_true", help="load: the good rows of a file with bad ones")
    parser.add_argument("--after", type=UUID, help="changes: only what came after the one with this id")
    parser.add_argument("--schema-version", type=int, help="load: hold rows against it; to try, a draft too")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked and say what came of it; return 2 when a row is bad or an argument is missing."""
    settings_of("node")
    if arguments.what == "load" and not (arguments.register and arguments.file):
        sys.stderr.write(_("onedoor registers load takes a register and a file.") + "\n")
        return FAILED
    set_up_django()
    return {"load": load, "retention": retention, "changes": changes}[arguments.what](arguments)


def load(arguments: argparse.Namespace) -> int:
    """Load the file of *arguments* and print the faults and the sum; return 0, or 2 when a row is bad."""
    from onedoor.registers import service
    from onedoor.registers.importing import count_of, lines_of

    with shown(_("Loading {register}", register=arguments.register), count_of(arguments.file)) as show:
        report = service.bring_in(
            arguments.register,
            lines_of(arguments.file),
            dry_run=arguments.dry_run,
            good_rows=arguments.good_rows,
            progress=show,
            version=arguments.schema_version,
        )
    for fault in report.faults:
        print(fault.text(_))
    if report.more:
        print(_("… and {n} more faults", n=report.more))
    sums = {"read": report.read, "good": report.good, "bad": report.bad, "loaded": report.loaded}
    print(_("{read} rows read, {good} good, {bad} bad, {loaded} loaded.", **sums))
    return FAILED if report.bad else 0


def retention(arguments: argparse.Namespace) -> int:
    """Print by register what is due today, and with no dry run do it; return 0."""
    from onedoor.registers import archiving

    for register in _registers(arguments.register):
        if register.retention is None:
            print(_("{register}: no rule, kept in reach.", register=register.id))
            continue
        total = archiving.retain(register, dry_run=arguments.dry_run)
        did = _("due") if arguments.dry_run else _("done")
        facts = {"archived": total.archived, "destroyed": total.destroyed, "did": did}
        said = _("{archived} to archive, {destroyed} to destroy; {did}.", **facts)
        print(f"{register.id} ({total.rule}): {said}")
    return 0


def changes(arguments: argparse.Namespace) -> int:
    """Print a line of JSON for each version heard of, the oldest first, until there is none; return 0."""
    from onedoor.registers import following

    after = arguments.after
    while found := following.heard(arguments.register or "", after):
        for one in found:
            which = {"id": str(one.id), "register": one.register, "record": str(one.record), "version": one.version}
            said = {"fields": one.fields, "ended": one.ended, "heard": one.heard.isoformat()}
            print(json.dumps(which | said))
        after = found[-1].id
    return 0


def _registers(named: str | None) -> "Iterable[Register]":
    from onedoor.registers.definition import held, register_of

    return [register_of(named)] if named else held().values()
