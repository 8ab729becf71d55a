"""``onedoor doctor``: what is wrong with an installation and how to mend it."""

import argparse
from pathlib import Path

from onedoor.site import installation, messages
from onedoor.site.messages import text as _

ILL = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which installation."""
    installation.add_arguments(parser)
    parser.add_argument("--nation", type=Path, help="folder of the nation, else what is in force there")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say each thing that is wrong; return 1 when there is one."""
    from onedoor.site.doctor import findings

    here = installation.at(arguments.var, arguments.settings, arguments.nation)
    found = list(findings(here))
    for sentence in found:
        print(f"- {sentence}")
    if not found:
        print(_("{var}: all is well.", var=here.var))
    return ILL if found else 0
