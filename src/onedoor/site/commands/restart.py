"""``onedoor restart``: start processes of a running nation anew, one by one, each when its requests are done."""

import argparse
import time

from onedoor.kernel.errors import OnedoorError
from onedoor.site import installation, messages
from onedoor.site.messages import text as _
from onedoor.site.up import requests

WITHIN = 120.0
EVERY = 0.1


class UnknownProcess(OnedoorError):
    """No process {name} can be started anew. These can: {known}."""


class NotRestarted(OnedoorError):
    """The process {name} did not come back within {seconds} seconds. Please look at the end of its log, {log}."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which processes."""
    parser.add_argument("name", nargs="+", help="a process as “onedoor status” names it, or “all”")
    installation.add_arguments(parser)
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Ask the supervisor for each process and wait until it answers again."""
    here, var = installation.at(arguments.var, arguments.settings), arguments.var.absolute()
    known = here.renewable()
    names = known if arguments.name == ["all"] else arguments.name
    for name in names:
        if name not in known:
            raise UnknownProcess(name=name, known=", ".join(known))
    for name in names:
        request = requests.ask(var, name)
        deadline = time.monotonic() + WITHIN
        while request.exists():
            if time.monotonic() > deadline:
                request.unlink(missing_ok=True)
                raise NotRestarted(name=name, seconds=f"{WITHIN:.0f}", log=here.log_of(name))
            here.running()
            time.sleep(EVERY)
        print(_("{name} runs anew.", name=name))
