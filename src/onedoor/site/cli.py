"""The command ``onedoor``: its subcommands, each loaded when it is called, and errors in one sentence."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from onedoor.kernel import refusals
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import spoken
from onedoor.site import help_texts, messages
from onedoor.site.messages import text as _

FAILED = 2
INTERRUPTED = 130
DEFAULT_NATION = Path("nations/vietnam")
DEFAULT_VAR = Path("var/nation")
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("onedoor.site.up.command", "start a whole nation on this computer and keep it running"),
    "lab": ("onedoor.site.lab.command", "start an exchange of invented members, to write a system that takes part"),
    "status": ("onedoor.site.up.status", "show the processes of a running nation and their memory"),
    "restart": ("onedoor.site.commands.restart", "start processes of a running nation anew, no request lost"),
    "story": ("onedoor.site.story.command", "play the story of a birth over the pages, as parent and officers"),
    "nation": ("onedoor.site.commands.nation", "check a nation, bring it into force, make synthetic people"),
    "web": ("onedoor.site.commands.run_web", "run the portal's web server"),
    "worker": ("onedoor.site.commands.run_worker", "run the portal's worker"),
    "node": ("onedoor.site.commands.run_node", "run an agency's own system"),
    "gateway": ("onedoor.site.commands.gateway", "make, run and look at an agency's exchange gateway"),
    "directory": ("onedoor.site.commands.run_directory", "run the nation's directory (development)"),
    "member": (
        "onedoor.site.commands.member",
        "add and remove members of the exchange at its directory, their rights, approved authorities",
    ),
    "exchange": (
        "onedoor.site.commands.exchange",
        "check the evidence of a message: its signature, time-stamp, trust; fetch a configuration",
    ),
    "rights": (
        "onedoor.site.commands.rights",
        "grant, revoke, ask for, and decide on who calls a gateway's services",
    ),
    "witness": ("onedoor.site.commands.run_witness", "run a witness that cosigns how ledgers grow"),
    "registers": (
        "onedoor.site.commands.registers",
        "bring an owner's file into a register of this node; archive what is due",
    ),
    "seal": (
        "onedoor.site.commands.seal",
        "show, change and revoke the seals of agencies, check documents, renew their time-stamps",
    ),
    "provision": (
        "onedoor.site.commands.provision",
        "make keys, certificates and settings for a nation with one computer for each agency (development)",
    ),
    "migrate": ("onedoor.site.commands.migrate", "prepare this process's database"),
    "doctor": ("onedoor.site.commands.doctor", "say what is wrong with an installation and how to mend it"),
    "backup": ("onedoor.site.commands.backup", "copy an installation: its data to one archive, its keys to another"),
    "restore": ("onedoor.site.commands.restore", "make an installation anew from its archives and say what is lost"),
    "keys": (
        "onedoor.site.commands.keys",
        "rotate the keys of personal data while a system runs; erase a person",
    ),
    "measure": (
        "onedoor.site.commands.measure",
        "recompute an index from its published parts: ranks, what would move them, how sure they are",
    ),
    "new-room": ("onedoor.site.commands.new_room", "make a room of the engine that passes every check, in a checkout"),
    "ledger": (
        "onedoor.site.commands.ledger",
        "prove, verify and audit what was recorded; check this process's ledger, and resume it after a restore",
    ),
}
"""Name → module with ``add_arguments(parser)`` and ``run(arguments)``, and one line of help."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return 0, or 2 after a sentence on stderr that says what is wrong and what to do."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        if (sentence := in_words(error)) is None:
            raise
        return _fail(sentence)


def in_words(error: Exception) -> str | None:
    """Return what to tell the operator of *error*; None for what nobody foresaw."""
    if isinstance(error, OnedoorError):
        return error.text(_, messages.language())
    if isinstance(error, OSError):
        why = spoken(refusals.why(error), _)
        if error.filename:
            return _("{file}: {why}. Please put that right and try again.", file=error.filename, why=why)
        return _("The computer refused: {why}. Please put that right and try again.", why=why)
    if isinstance(error, ImportError):
        return _("Something is not installed: {what}. Please run “make run” or “make install” first.", what=error)
    if _of_database(error):
        return _(
            "The database does not answer, or refuses: {why}. Please see that it runs and that "
            "ONEDOOR_DATABASE_URL names it, and try again.",
            why=str(error).partition("\n")[0],
        )
    return None


def _of_database(error: Exception) -> bool:
    """Return whether *error* says that a database is away; whoever has not loaded Django has none."""
    loaded = [sys.modules[name] for name in ("psycopg", "django.db") if name in sys.modules]
    return isinstance(error, tuple(module.OperationalError for module in loaded))


def _run(arguments: Sequence[str]) -> int:
    # Only the module of the wanted command is loaded: a gateway must never import Django.
    wanted = next((name for name in arguments if not name.startswith("-")), "")
    messages.use(messages.asked_for(arguments))
    known = parser(wanted).parse_args(arguments)
    return int(import_module(COMMANDS[known.command][0]).run(known) or 0)


def parser(wanted: str) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the arguments of the *wanted* command alone."""
    made = help_texts.Parser(prog="onedoor", description="One door, once, one trail.")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, about) in COMMANDS.items():
        sub = commands.add_parser(name, help=about, description=about)
        if name == wanted:
            import_module(module).add_arguments(sub)
    return made


def _fail(sentence: str) -> int:
    sys.stderr.write(f"onedoor: {sentence}\n")
    return FAILED
