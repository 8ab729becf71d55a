"""``onedoor doctor``: what is wrong with an installation and how to mend it."""

import argparse
from pathlib import Path

from onedoor.kernel.errors import OnedoorError
from onedoor.site import messages
from onedoor.site.cli import DEFAULT_NATION, DEFAULT_VAR
from onedoor.site.messages import text as _

ILL = 1


class NothingToLookAt(OnedoorError):
    """There is no installation in {var}. Please name the folder of one: onedoor doctor --var DIR."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which installation."""
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")
    parser.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say each thing that is wrong; return 1 when there is one."""
    from onedoor.site.doctor import Installation, findings

    var = arguments.var.absolute()
    if not (var / "postgres" / "data").is_dir():
        raise NothingToLookAt(var=var)
    found = list(findings(Installation(var, arguments.nation.absolute())))
    for sentence in found:
        print(f"- {sentence}")
    if not found:
        print(_("{var}: all is well.", var=var))
    return ILL if found else 0
