"""``onedoor lab``: invented members, their gateways and a directory, ready within seconds; no database, no pages."""

import argparse
import json
import shutil
import time
from pathlib import Path

from onedoor.exchange.directory.layout import EXCHANGE, SYSTEMS, Layout
from onedoor.kernel.nation import Nation
from onedoor.site import messages
from onedoor.site.help_texts import from_to
from onedoor.site.lab import invented
from onedoor.site.messages import text as _
from onedoor.site.up import checks, prepare
from onedoor.site.up.command import closed_to_others, free, progress
from onedoor.site.up.following import Following
from onedoor.site.up.plan import Options, parts, ports
from onedoor.site.up.supervisor import Supervisor
from onedoor.site.up.trail import name_ledgers

DEFAULT_VAR = Path("var/lab")
EXAMPLES = Path(__file__).parent / "examples"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how many members, and where."""
    parser.add_argument("--members", type=from_to(invented.FEWEST, invented.MOST), help="so many members, from 2 to 20")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder that keeps everything it makes")
    parser.add_argument("--port", type=int, default=9000, help="first port; others follow up to 500 above it")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run a lab until Ctrl-C."""
    var, begun = arguments.var.absolute(), time.monotonic()
    options = Options(var / "nation", var, arguments.port, people=0, seed=0, log_level=arguments.log_level)
    with checks.alone(var, options.port), closed_to_others(), progress(quiet=False) as (say, _far):
        invented.prepare(options.nation, arguments.members)
        free(ports(checks.sound_nation(options.nation), options), options)
        nation = prepare.files(options)
        say(_("Making keys and certificates"))
        prepare.keys(nation, options)
        _write_examples(nation, options)
        supervisor = Supervisor(var, options.port, Following(options, nation))
        try:
            say(_("Starting the directory and the gateways"))
            found = parts(options, nation, None)
            name_ledgers(found)
            supervisor.start(found, lambda _name: None)
            say("")
            _tell(options, nation, time.monotonic() - begun, supervisor.logs)
            supervisor.watch()
            print("\n" + _("Stopping."), flush=True)
        finally:
            supervisor.stop()


def _write_examples(nation: Nation, options: Options) -> None:
    """Write a provider and a consumer into the lab's folder, and where each member's keys and doors are."""
    members = {
        seat.member.id: {
            "system": seat.member.subsystem,
            "keys": seat.state.name,
            "gateway": seat.address(SYSTEMS),
            "service": seat.address(EXCHANGE),
        }
        for seat in Layout(nation, options.var, options.port).seats()
    }
    (options.var / "lab.json").write_text(json.dumps(members, indent=1) + "\n", "utf-8")
    for example in EXAMPLES.iterdir():
        if example.is_file():
            shutil.copyfile(example, options.var / example.name)


def _tell(options: Options, nation: Nation, seconds: float, logs: Path) -> None:
    first, *_others, last = (member.subsystem for member in nation.members.values())
    told = _("Ready after {seconds} s: {first} to {last}, each behind its gateway  (stop with Ctrl-C; logs in {logs})",
             seconds=f"{seconds:.0f}", first=first, last=last, logs=logs)  # fmt: skip
    print(told, flush=True)
    for text, command in (
        (_("Start a system that answers"), f"python {options.var / 'provider.py'} M2"),
        (_("Ask it from another one"), f"python {options.var / 'consumer.py'} M1 M2"),
        (_("The same by curl"), f"sh {options.var / 'consumer.sh'}"),
    ):
        print(f"  {text}: {command}", flush=True)
