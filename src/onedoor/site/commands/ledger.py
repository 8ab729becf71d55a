"""``onedoor ledger check``: compute the ledger anew from its entries and hold it against every signed checkpoint."""

import argparse
import os

from onedoor.site.commands.processes import settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to do."""
    parser.add_argument("what", choices=["check"])


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 - the shape of a command
    """Check the ledger and say its size and root."""
    settings_of("portal", "node")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onedoor.site.settings")
    import django

    django.setup()
    from onedoor.store import ledger

    size = ledger.check()
    print(f"The ledger is sound: {size} entries, root {ledger.size_and_root()[1].hex()}.")
