"""``onedoor rights``: what a gateway's operator lets others call, asks of others, and decides on what is asked."""

import argparse
import json
import os
import pwd
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from onedoor.exchange import granting, joining
from onedoor.exchange.granting import Provider
from onedoor.exchange.permissions import Grant, Permission
from onedoor.kernel.durable import as_owner
from onedoor.site import messages
from onedoor.site.help_texts import day, endpoint
from onedoor.site.messages import text as _


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="list|grant|revoke|ask|approve|refuse", required=True)
    listed = parts.add_parser("list", help="list what others may call here, what ended, and what was asked")
    granted = parts.add_parser("grant", help="let a system call a service here, within the nation's rights")
    revoked = parts.add_parser("revoke", help="end what a system may call of a service here")
    asked = parts.add_parser("ask", help="ask a provider to let a system of this gateway's call its service")
    approved = parts.add_parser("approve", help="grant what an ask wants, and keep both")
    refused = parts.add_parser("refuse", help="refuse what an ask wants, and keep both")
    for part in (granted, revoked, asked):
        part.add_argument("client", metavar="CLIENT", help="a system, such as VN/GOV/G22/PORTAL, or a group of them")
        part.add_argument("service", metavar="SERVICE", help="a service, such as VN/GOV/G15/SYSTEM/code")
    for part in (granted, asked):
        part.add_argument(
            "--endpoint",
            action="append",
            required=True,
            type=endpoint,
            help="method and path, such as “GET /pets/*”; may be repeated",
        )
        part.add_argument("--purpose", action="append", required=True, help="for what; may be repeated, * for anything")
    for part in (approved, refused):
        part.add_argument("file", type=Path, metavar="FILE", help="the ask, as the other side sent it")
    for part in (granted, approved):
        part.add_argument("--until", type=day, metavar="DAY", help="the day from which it counts no more")
    asked.add_argument("--basis", required=True, help="the legal basis, by its id in the nation's rights")
    asked.add_argument("--out", type=Path, metavar="FILE", help="the file to write; otherwise it is printed")
    for part in (asked, refused):
        part.add_argument("--why", required=True, help="the reason, in words")
    listed.add_argument("--json", action="store_true", help="print it as JSON")
    for part in parts.choices.values():
        part.add_argument("--state", required=True, type=Path, metavar="DIR", help="the gateway's own folder")
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> None:
    """Do the part that was asked for, as the owner of the gateway's folder."""
    parts = {"list": _list, "grant": _grant, "revoke": _revoke, "ask": _ask, "approve": _decide, "refuse": _decide}
    raw = arguments.file.read_bytes() if "file" in arguments else b""
    joining.file_of(arguments.state)
    with as_owner(arguments.state):
        said = parts[arguments.part](arguments, raw)
    if said and (out := getattr(arguments, "out", None)):
        out.write_text(said, "utf-8")
        print(
            _(
                "Written: {path}. Send it to the provider, who runs: onedoor rights approve {name}",
                path=out,
                name=out.name,
            )
        )
    elif said:
        print(said, end="")


def _provider(arguments: argparse.Namespace) -> Provider:
    return Provider(arguments.state, datetime.now(UTC))


def _permission(arguments: argparse.Namespace) -> Permission:
    return Permission(arguments.client, arguments.service, tuple(arguments.purpose), tuple(arguments.endpoint))


def _until(arguments: argparse.Namespace) -> datetime | None:
    return datetime.combine(arguments.until, time(), UTC) if arguments.until else None


def _grant(arguments: argparse.Namespace, _raw: bytes) -> str:
    return _told(_provider(arguments).grant(_permission(arguments), _until(arguments)))


def _revoke(arguments: argparse.Namespace, _raw: bytes) -> str:
    provider = _provider(arguments)
    ended = provider.revoke(arguments.client, arguments.service)
    facts = {"client": arguments.client, "service": arguments.service, "n": len(ended)}
    told = _("Revoked: {client} may no longer call {service} (grants ended: {n}).", **facts)
    if groups := provider.groups_of(arguments.client, arguments.service):
        still = "Ended: {n} grants of {client} for {service}. It still may call it, as one of {groups}."
        told = _(still, groups=", ".join(groups), **facts)
    return f"{told} {_follows()}\n"


def _ask(arguments: argparse.Namespace, _raw: bytes) -> str:
    now = datetime.now(UTC)
    wanted = _permission(arguments)
    return granting.ask(arguments.state, wanted, basis=arguments.basis, why=arguments.why, now=now).decode()


def _decide(arguments: argparse.Namespace, raw: bytes) -> str:
    provider, by = _provider(arguments), pwd.getpwuid(os.getuid()).pw_name
    if arguments.part == "approve":
        granted = provider.decide(raw, by=by, until=_until(arguments))
        return _told(granted) if granted else ""
    provider.decide(raw, by=by, why=arguments.why)
    asked = provider.read(raw).permission
    told = "Refused, and kept: {client} does not get to call {service}. Tell its operator why."
    return _(told, client=asked.client, service=asked.service) + "\n"


def _told(grant: Grant) -> str:
    one, until = grant.permission, grant.until
    facts = {"client": one.client, "service": one.service, "endpoints": ", ".join(one.endpoints)}
    facts["purposes"] = ", ".join(one.purposes)
    told = _("Granted: {client} may call {service} at {endpoints} for {purposes}.", **facts)
    ends = " " + _("It ends on {day}.", day=f"{until:%Y-%m-%d}") if until else ""
    return f"{told}{ends} {_follows()}\n"


def _follows() -> str:
    return _("A gateway that runs follows within a minute.")


def _list(arguments: argparse.Namespace, _raw: bytes) -> str:
    provider = _provider(arguments)
    grants, decisions, asks = provider.grants(), provider.decisions(), provider.asks()
    if arguments.json:
        data: dict[str, Any] = {"decisions": decisions, "asks": asks}
        data["grants"] = [one.data() | {"state": _state(provider, one)} for one in grants]
        return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    if not grants and not decisions and not asks:
        return _("Nobody may call anything here.") + "\n"
    states = {"ended": _("ended"), "later": _("later"), "above": _("above the nation’s rights: no effect")}
    lines = []
    for one in grants:
        state = states.get(_state(provider, one))
        what = f"{one.permission.client} → {one.permission.service}: {', '.join(one.permission.endpoints)}"
        lines.append(f"{what} ({', '.join(one.permission.purposes)})" + (f" [{state}]" if state else ""))
    for decision in decisions:
        asked = decision["asked"]["ask"]
        said = _("refused") if decision["refused"] else _("granted")
        facts = {"moment": decision["moment"][:16], "by": decision["by"], "said": said, "why": asked["why"]}
        what = f"{asked['client']} → {asked['service']}"
        lines.append(_("Asked: {what}, because “{why}”; {said} on {moment} by {by}", what=what, **facts))
    for ask in asks:
        what, facts = f"{ask['client']} → {ask['service']}", {"moment": ask["asked"][:16], "why": ask["why"]}
        lines.append(_("Asked from here: {what}, because “{why}”, on {moment}", what=what, **facts))
    return "\n".join(lines) + "\n"


def _state(provider: Provider, one: Grant) -> str:
    if one.until and one.until <= provider.now:
        return "ended"
    if one.since > provider.now:
        return "later"
    return "granted" if provider.reaches(one.permission) else "above"
