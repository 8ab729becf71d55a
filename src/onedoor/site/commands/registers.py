"""``onedoor registers``: load an owner's file, do what retention asks for, say what changed in registers followed."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from onedoor.kernel.text import gettext_noop
from onedoor.site import messages
from onedoor.site.cli import FAILED
from onedoor.site.commands.processes import set_up_django, settings_of
from onedoor.site.messages import text as _
from onedoor.site.progress import shown

if TYPE_CHECKING:
    from onedoor.registers.definition import Register
    from onedoor.registers.importing import Report

KEPT = gettext_noop("Interrupted. What was loaded before stays; the same command again passes over it and goes on.")
NOTHING = gettext_noop(
    "Interrupted: nothing of this file is loaded. With --in-parts, what is loaded stays, and the next run goes on."
)


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
    parser.add_argument(
        "--in-parts",
        action="store_true",
        help="load: keep each part as it is loaded, pass over what is there; so an interrupted load goes on",
    )
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
    try:
        report = _brought_in(arguments)
    except KeyboardInterrupt:
        sys.stderr.write(_(KEPT if arguments.in_parts and not arguments.dry_run else NOTHING) + "\n")
        raise
    for fault in report.faults:
        print(fault.text(_))
    if report.more:
        print(_("… and {n} more faults", n=report.more))
    sums = {"read": report.read, "good": report.good, "bad": report.bad, "loaded": report.loaded}
    print(_("{read} rows read, {good} good, {bad} bad, {loaded} loaded.", **sums))
    if report.held:
        print(_("{held} were there already and are passed over.", held=report.held))
    if report.bad and report.loaded and not arguments.good_rows:
        print(_("What is loaded stays. Please mend the rows and run the same command again."))
    return FAILED if report.bad else 0


def _brought_in(arguments: argparse.Namespace) -> "Report":
    from onedoor.registers import service
    from onedoor.registers.importing import count_of, lines_of

    with shown(_("Loading {register}", register=arguments.register), count_of(arguments.file)) as show:
        return service.bring_in(
            arguments.register,
            lines_of(arguments.file),
            dry_run=arguments.dry_run,
            good_rows=arguments.good_rows,
            in_parts=arguments.in_parts,
            progress=show,
            version=arguments.schema_version,
        )


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
