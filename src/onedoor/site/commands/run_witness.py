"""``onedoor witness``: cosigns the growth of ledgers until it is told to stop; no Django here."""

import argparse

from onedoor.site.commands.processes import add_arguments, settings_of

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 - the shape of a command
    """Run until told to stop."""
    settings = settings_of("witness")
    from onedoor.exchange.witness import main

    main.run(settings)
