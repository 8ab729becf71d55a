"""``onedoor registers load``: bring an owner's file into a register of this node, with each fault by line."""

import argparse
import os
import sys
from pathlib import Path

from onedoor.site.cli import FAILED
from onedoor.site.commands.processes import settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``load``, the register, the file and how careful to be."""
    parser.add_argument("what", choices=["load"], help="what to do with the register")
    parser.add_argument("register", help="the id of a register this node holds")
    parser.add_argument("file", type=Path, help="one JSON object a line; .gz is unpacked")
    parser.add_argument("--dry-run", action="store_true", help="report only, load nothing")
    parser.add_argument("--schema-version", type=int, help="hold the rows against it; with --dry-run a draft too")
    parser.add_argument("--good-rows", action="store_true", help="load the good rows of a file with bad ones")


def run(arguments: argparse.Namespace) -> int:
    """Load the file and say what came of it; return 2 when a row is bad."""
    settings_of("node")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")
    import django

    from onedoor.site import logs

    logs.set_up("warning")
    django.setup()
    return load(arguments)


def load(arguments: argparse.Namespace) -> int:
    """Load the file of *arguments* and print the faults and the sum; return 0, or 2 when a row is bad."""
    from onedoor.registers import service
    from onedoor.registers.importing import lines_of

    report = service.bring_in(
        arguments.register,
        lines_of(arguments.file),
        dry_run=arguments.dry_run,
        good_rows=arguments.good_rows,
        progress=_progress,
        version=arguments.schema_version,
    )
    for fault in report.faults:
        print(fault)
    if report.more:
        print(f"… and {report.more} more faults")
    print(f"{report.read} rows read, {report.good} good, {report.bad} bad, {report.loaded} loaded.")
    return FAILED if report.bad else 0


def _progress(done: int) -> None:
    """Show on a terminal how many lines are done."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} lines")
