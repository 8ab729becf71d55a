"""``onedoor migrate``: bring this process's database up to this version, and load an owner's registers once."""

import argparse
import subprocess
import sys
from pathlib import Path

from onedoor.site import messages
from onedoor.site.commands.processes import set_up_django, settings_of
from onedoor.site.messages import text as _
from onedoor.site.progress import OPTION, shown
from onedoor.site.up.process import dying_with_us

BEHIND = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where people to load may lie, only to look, and for whom."""
    parser.add_argument("--load", type=Path, help="folder with synthetic people, loaded into registers that are empty")
    parser.add_argument("--check", action="store_true", help="only say what would be done; 1 when there is something")
    parser.add_argument("--var", type=Path, help="do it for every system of the installation in this folder")
    parser.add_argument("--settings", type=Path, help="folder of the files of settings of services, else --var")
    parser.add_argument(OPTION, action="store_true", help="tell on standard output how far it is, for a program")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Migrate, then load; or only say what would be done. A database of a later version is left alone."""
    if arguments.var:
        return _for_each(arguments)
    settings = settings_of("portal", "node")
    from django.core.management import call_command

    from onedoor.site import versions

    versions.refuse_newer(settings.database_url)
    set_up_django()
    if arguments.check:
        return _tell()
    call_command("migrate", interactive=False, verbosity=0)
    if settings.role == "node":
        from onedoor.registers import service

        service.keep_schemas()
        with shown(_("Making look-ups"), lines=arguments.progress_lines) as show:
            service.bring_forward(lambda _register, done, total: show(done, total))
        if arguments.load:
            _load(arguments.load, lines=arguments.progress_lines)
    return 0


def _for_each(arguments: argparse.Namespace) -> int:
    """Do the same as each system of an installation, one after the other; return the highest code of theirs."""
    from onedoor.site import installation

    check = ["--check"] if arguments.check else []
    load = ["--load", str(arguments.load.absolute())] if arguments.load else []
    command = [sys.executable, "-m", "onedoor.site", "migrate", *check, *load, "--language", messages.language()]
    found, codes = installation.at(arguments.var, arguments.settings), [0]
    with found.answering("migrate"):
        for system in found.systems():
            print(f"{system.name}:", flush=True)
            done = subprocess.run(dying_with_us(command), env=found.environment(system), check=False)  # noqa: S603 - our own
            codes.append(done.returncode)
    return max(codes)


def _tell() -> int:
    """Print each migration that is to be done, and its steps; return `BEHIND` when there is one."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    for migration, _backwards in plan:
        print(f"{migration.app_label} {migration.name}")
        for operation in migration.operations:
            print(f"  {operation.describe()}")
    nothing = _("The database is of this version: nothing to be done.")
    print(_("{n} migrations to be done.", n=len(plan)) if plan else nothing)
    return BEHIND if plan else 0


def _load(folder: Path, *, lines: bool) -> None:
    from onedoor.registers import service
    from onedoor.registers.people import files

    for register in service.names():
        if files.holds(folder, register) and not service.count(register):
            what = _("Loading {register}", register=register)
            with shown(what, files.count(folder, register), lines=lines) as show:
                service.load(register, files.read(folder, register), show)
