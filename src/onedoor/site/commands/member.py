"""``onedoor member``: who takes part beside the nation's files, as the directory's operator decides, in a journal."""

import argparse
import json
import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onedoor.exchange import joining
from onedoor.exchange.directory import admitting, journal
from onedoor.exchange.directory.admitting import Directory
from onedoor.exchange.directory.publishing import CONTENT
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.permissions import Permission
from onedoor.kernel.durable import as_owner
from onedoor.kernel.errors import BadInput
from onedoor.signing.certificates import load_certificates
from onedoor.site import messages
from onedoor.site.help_texts import endpoint
from onedoor.site.messages import text as _


class NoDirectory(BadInput):
    """There is no directory in {folder}. Please give with --state the folder that it keeps its configuration in."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="add|remove|allow|deny|approve|withdraw|list", required=True)
    added = parts.add_parser("add", help="take in a gateway's registration: its member, systems, keys")
    added.add_argument("file", type=Path, metavar="FILE", help="the registration, as its operator brought it")
    added.add_argument("--mark", metavar="SHA256", help="take it in only if its SHA-256 begins so, as told in person")
    added.add_argument("--at-once", action="store_true", help="let keys of before count no more: they may be stolen")
    removed = parts.add_parser("remove", help="let a gateway and its systems take part no more")
    removed.add_argument("gateway", metavar="GATEWAY", help="its id, such as VN/GOV/G15/GATEWAY")
    allowed = parts.add_parser("allow", help="give a right that no file of the nation has")
    denied = parts.add_parser("deny", help="take back a right that was given here")
    for part in (allowed, denied):
        part.add_argument("client", metavar="CLIENT", help="a system, such as VN/GOV/G22/PORTAL, or a group of them")
        part.add_argument("service", metavar="SERVICE", help="a service, such as VN/GOV/G15/SYSTEM/code")
    allowed.add_argument(
        "--endpoint",
        action="append",
        required=True,
        type=endpoint,
        help="method and path, such as “GET /pets/*”; may be repeated",
    )
    allowed.add_argument("--purpose", action="append", required=True, help="for what; may be repeated, * for anything")
    allowed.add_argument("--basis", required=True, help="the law that it stands on, in words or by its id")
    approved = parts.add_parser("approve", help="approve a certification authority, or with --tsa one for time-stamps")
    approved.add_argument("file", type=Path, metavar="FILE", help="its certificate (PEM)")
    approved.add_argument("--name", required=True, help="the name it is listed by")
    approved.add_argument("--tsa", metavar="URL", help="where it gives time-stamps (RFC 3161)")
    approved.add_argument("--ocsp", default="", metavar="URL", help="where it says whether a certificate is revoked")
    approved.add_argument("--profile", choices=joining.NAMES, default=joining.BASIC, help="how it names members")
    withdrawn = parts.add_parser("withdraw", help="approve an authority no more")
    withdrawn.add_argument("name", metavar="NAME", help="the name it is listed by")
    withdrawn.add_argument("--tsa", action="store_true", help="that for time-stamps, where others have its name")
    listed = parts.add_parser("list", help="list what was done here, the oldest first")
    listed.add_argument("--json", action="store_true", help="print it as JSON")
    for part in parts.choices.values():
        part.add_argument("--state", required=True, type=Path, metavar="DIR", help="the directory's own folder")
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> None:
    """Do the part that was asked for, as the owner of the directory's folder."""
    by = pwd.getpwuid(os.getuid()).pw_name
    given = arguments.file.read_bytes() if "file" in arguments else b""
    if not (arguments.state / CONTENT).exists():
        raise NoDirectory(folder=arguments.state)
    with as_owner(arguments.state):
        said = _PARTS[arguments.part](Directory(arguments.state, by, datetime.now(UTC)), arguments, given)
    print(said)


def _add(directory: Directory, arguments: argparse.Namespace, raw: bytes) -> str:
    mark, given = joining.mark(raw), arguments.mark
    if given is not None and (len(given) < SHORTEST or not mark.startswith(given.lower())):
        raise admitting.OtherMark(mark=mark, told=given)
    overlap = timedelta() if arguments.at_once else admitting.OVERLAP
    spread = timedelta() if arguments.at_once else admitting.SPREAD
    gateway, new = directory.add(raw, spread=spread, overlap=overlap)
    facts = {"gateway": gateway["id"], "systems": ", ".join(gateway["clients"]) or "–"}
    if not new:
        return _("{gateway} takes part with just that already; nothing was changed.", **facts)
    told = _("Added: {gateway}, with its systems {systems}. Every gateway knows within a minute or two.", **facts)
    if not (handover := gateway.get("handover")):
        return told
    facts = {"from_": handover["from"][:16], "until": handover["until"][:16]}
    return told + " " + _("Its new keys are used from {from_} on; those of before count until {until}.", **facts)


SHORTEST = 16
"""Digits of a mark that somebody tells."""


def _remove(directory: Directory, arguments: argparse.Namespace, _raw: bytes) -> str:
    directory.remove(arguments.gateway)
    return _("Removed: {gateway}. Links to it are cut within a minute or two.", gateway=arguments.gateway)


def _allow(directory: Directory, arguments: argparse.Namespace, _raw: bytes) -> str:
    wanted = Permission(arguments.client, arguments.service, tuple(arguments.purpose), tuple(arguments.endpoint))
    if not directory.allow(wanted, arguments.basis):
        return _("That right is there already; nothing was changed.")
    facts = {"client": wanted.client, "service": wanted.service}
    return _("Given: {client} may call {service} once its provider grants it (onedoor rights grant).", **facts)


def _deny(directory: Directory, arguments: argparse.Namespace, _raw: bytes) -> str:
    count = directory.deny(arguments.client, arguments.service)
    return _(
        "Taken back: {n} rights of {client} to {service}.", n=count, client=arguments.client, service=arguments.service
    )


def _approve(directory: Directory, arguments: argparse.Namespace, _raw: bytes) -> str:
    certificate = load_certificates(arguments.file)[0]
    if arguments.tsa is not None:
        directory.approve_stamps(arguments.name, certificate, arguments.tsa)
    else:
        profile = next(name for name in PROFILES if PROFILES[name] is joining.NAMES[arguments.profile])
        directory.approve(arguments.name, certificate, profile=profile, ocsp=arguments.ocsp)
    return _("Approved: {name}. Every gateway knows within a minute or two.", name=arguments.name)


def _withdraw(directory: Directory, arguments: argparse.Namespace, _raw: bytes) -> str:
    directory.withdraw(arguments.name, stamps=arguments.tsa)
    return _("{name} is approved no more. Gateways whose certificates it issued need others.", name=arguments.name)


def _list(directory: Directory, arguments: argparse.Namespace, _raw: bytes) -> str:
    done = journal.acts(directory.folder)
    if arguments.json:
        return json.dumps([one.data() for one in done], ensure_ascii=False, indent=1)
    return "\n".join(_line(one) for one in done) or _("Nobody was added here beside the nation’s files.")


def _line(act: journal.Change) -> str:
    facts: Any = act.facts
    if act.what == journal.ADD:
        about = f"{facts['gateway']['id']} ({facts['gateway']['address']})"
    elif act.what in (journal.ALLOW, journal.DENY):
        rights = facts.get("rights") or [facts["right"]]
        about = ", ".join(f"{one['client']} → {one['service']}" for one in rights)
    else:
        about = facts.get("gateway") or facts.get("name") or facts["authority"]["name"]
    return f"{act.moment:%Y-%m-%d %H:%M} {act.by}: {act.what} {about}"


_PARTS = {
    "add": _add, "remove": _remove, "allow": _allow, "deny": _deny,
    "approve": _approve, "withdraw": _withdraw, "list": _list,
}  # fmt: skip
