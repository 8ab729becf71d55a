"""``onedoor up``: check, prepare, start, keep running, stop."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from onedoor.exchange.directory.layout import WATCH_UP
from onedoor.kernel.nation import Nation
from onedoor.site import messages
from onedoor.site.cli import DEFAULT_NATION, DEFAULT_VAR
from onedoor.site.embedded import Server
from onedoor.site.help_texts import positive
from onedoor.site.messages import text as _
from onedoor.site.progress import Far, bar
from onedoor.site.up import checks, prepare
from onedoor.site.up.called import called
from onedoor.site.up.following import Following
from onedoor.site.up.plan import Options, parts, ports
from onedoor.site.up.supervisor import RECORD, Supervisor
from onedoor.site.up.trail import name_ledgers
from onedoor.site.up.watched import watched

Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what may differ from one nation on this computer to the next."""
    parser.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder that keeps everything it makes")
    parser.add_argument("--port", type=int, default=8000, help="the portal's port; others follow up to 400 above it")
    parser.add_argument("--people", type=positive, default=10_000, help="synthetic people")
    parser.add_argument("--seed", type=int, default=1, help="which synthetic people")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--quiet", action="store_true", help="say nothing when all is well")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run a nation until Ctrl-C."""
    options = Options(
        nation=arguments.nation.absolute(),
        var=arguments.var.absolute(),
        port=arguments.port,
        people=arguments.people,
        seed=arguments.seed,
        log_level=arguments.log_level,
    )
    with running(options, quiet=arguments.quiet) as supervisor:
        if not arguments.quiet:
            address = f"http://localhost:{options.port}"
            told = _("Ready: {address}  (stop with Ctrl-C; logs in {logs})", address=address, logs=supervisor.logs)
            print(told, flush=True)
        supervisor.watch()
        if not arguments.quiet:
            print("\n" + _("Stopping."), flush=True)


@contextmanager
def running(options: Options, *, quiet: bool = False) -> Iterator[Supervisor]:
    """Give the supervisor of a nation that is ready; stop everything at the end, whatever happens."""
    checks.packages()
    given = checks.sound_nation(options.nation)
    with checks.alone(options.var, options.port), closed_to_others(), progress(quiet=quiet) as (say, far):
        checks.has_its_keys(options.var)
        checks.space(options.var)
        free(
            [options.port + WATCH_UP, *ports(given, options)], options
        )  # before anything is made: nothing half-started is left behind
        nation = prepare.files(options)
        server = Server(options.var / "postgres")
        say(_("Making keys and certificates"))
        prepare.keys(nation, options)
        found = parts(options, nation, server)
        name_ledgers(found)
        free([port for part in found for port in part.ports], options)
        say(_("Making synthetic people"))
        folder = prepare.people(options, far)
        say(_("Starting PostgreSQL"))
        server.prepare()
        supervisor = Supervisor(options.var, options.port, Following(options, nation), server)
        try:
            supervisor.start_database()
            say(_("Preparing databases"))
            prepare.databases(server, found, folder, lambda name: say(_prepared(name, nation)), far)
            say(_("Starting systems, gateways and the portal"))
            supervisor.start(found, lambda name: say(_("Ready: {name}", name=called(name, nation))))
            say("")
            with watched(lambda: supervisor.processes, supervisor.watch_address):
                yield supervisor
        finally:
            supervisor.stop()


def free(numbers: Sequence[int], options: Options) -> None:
    """Raise `checks.PortTaken` unless the ports *numbers* are free; one that was killed is given a moment."""
    checks.ports(numbers, options.port, patient=(options.var / RECORD).exists())


def _prepared(name: str, nation: Nation) -> str:
    """Return the sentence for the database of the process *name*; web and worker of the portal share one."""
    system = called(name if name.startswith("node-") else "portal", nation)
    return _("Database prepared: {name}", name=system)


@contextmanager
def closed_to_others() -> Iterator[None]:
    """Let nobody else read what is made from now on, by this process and by those it starts: logs, keys, data."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def progress(*, quiet: bool) -> Iterator[tuple[Say, Far]]:
    """Give what shows what happens now, and how far that is: a line with a bar in a terminal, plain lines elsewhere."""
    if quiet or not sys.stdout.isatty():
        yield lambda text: print(text, flush=True) if text and not quiet else None, lambda *_far: None
        return
    from rich.console import Console

    console = Console()
    with console.status(_("Checking")) as status:

        def say(text: str) -> None:
            if text:
                status.update(f"{text} …")
                console.print(f"[dim]{text}[/dim]", highlight=False)
            else:
                status.stop()

        yield say, lambda what, done, total: status.update(f"{what} {bar(done, total)}")
