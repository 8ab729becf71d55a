"""``onedoor ledger``: prove, verify, audit, check and resume; who only verifies needs no system and no Django."""

import argparse
from importlib import import_module
from pathlib import Path

from onedoor.site import messages
from onedoor.site.commands.processes import set_up_django, settings_of

PARTS = {
    "prove": "ledger_own",
    "check": "ledger_own",
    "resume": "ledger_own",
    "rotate-key": "ledger_own",
    "verify": "ledger_public",
    "audit": "ledger_public",
}
"""Part → module beside this one with a function of its name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="|".join(PARTS), required=True)
    prove = parts.add_parser("prove", help="write the proof of an entry of this process's ledger to a file")
    prove.add_argument("entry", metavar="ENTRY", help="id of the entry")
    prove.add_argument("--out", type=Path, help="file to write, else ENTRY.tlog-proof")
    prove.add_argument("--details", type=Path, help="file to write what was entered to, for whom it is about")
    parts.add_parser("check", help="compute this process's ledger anew from its entries and what they are about")
    resume = parts.add_parser("resume", help="go on, after a restore, from what was published")
    resume.add_argument("--published", type=Path, help="folder with the published ledger, if not this system's")
    rotate = parts.add_parser("rotate-key", help="have a next key sign the ledger beside the one in use, then alone")
    rotate.add_argument("--finish", action="store_true", help="end the key before: everybody who checks has the next")
    verify = parts.add_parser("verify", help="verify a proof: needs the file and the public key alone; 1 if it fails")
    verify.add_argument("proof", type=Path, metavar="PROOF", help="file of the proof")
    _trusted(verify, needed=True)
    verify.add_argument("--details", type=Path, help="what was entered, to be held against the proof")
    verify.add_argument(
        "--published", metavar="URL", help="where the ledger is published, for a proof under a key before this one"
    )
    audit = parts.add_parser("audit", help="compute a published ledger anew, entry by entry; 1 if anything is wrong")
    audit.add_argument("url", metavar="URL", help="where it is published, http(s) or a folder")
    _trusted(audit, needed=False)
    audit.add_argument("--state", type=Path, help="file that keeps what was seen: next time it must only have grown")
    audit.add_argument(
        "--directory", metavar="URL", help="the directory's ledger: it must continue the last checkpoint taken there"
    )
    for part in parts.choices.values():
        messages.add_argument(part)


def _trusted(parser: argparse.ArgumentParser, *, needed: bool) -> None:
    parser.add_argument("--key", required=needed, help="public key of the ledger, or a file that holds it")
    parser.add_argument(
        "--witness", action="append", default=[], metavar="KEY", help="public key of a witness that must have cosigned"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the part that was asked for; of one's own ledger with Django."""
    module, name = PARTS[arguments.part], arguments.part.replace("-", "_")
    if module == "ledger_own":
        settings_of("portal", "node")
        set_up_django()
    return int(getattr(import_module(f"onedoor.site.commands.{module}"), name)(arguments) or 0)
