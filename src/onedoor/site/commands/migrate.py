"""``onedoor migrate``: bring this process's database up to this version, and load an owner's registers once."""

import argparse
import os
from pathlib import Path

from onedoor.site.commands.processes import settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where people to load may lie."""
    parser.add_argument("--load", type=Path, help="folder with synthetic people, loaded into registers that are empty")


def run(arguments: argparse.Namespace) -> None:
    """Migrate, then load."""
    settings = settings_of("portal", "node")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")
    import django
    from django.core.management import call_command

    from onedoor.site import logs

    logs.set_up("warning")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    if arguments.load and settings.role == "node":
        _load(arguments.load)


def _load(folder: Path) -> None:
    from onedoor.registers import service
    from onedoor.registers.people import files

    for register in service.names():
        if not service.count(register):
            service.load(register, files.read(folder, register))
