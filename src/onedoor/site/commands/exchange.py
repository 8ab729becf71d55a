"""``onedoor exchange``: check a message's evidence, fetch a configuration, let a gateway serve a description."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.evidence import configuration, download, report
from onedoor.exchange.evidence.anchors import fingerprint
from onedoor.exchange.evidence.download import Downloaded
from onedoor.exchange.evidence.report import Report
from onedoor.exchange.gateway import local
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.site import messages
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _

NOT_GOOD = 1
LARGEST = 1 << 20
VERDICTS = {
    "valid": gettext_noop("valid"),
    "invalid": gettext_noop("invalid"),
    "not checked": gettext_noop("not checked"),
}


class NotAService(BadInput):
    """The gateway in {folder} offers no service {service}. It offers: {services}."""


class AnchorOfNothing(BadInput):
    """An anchor (--anchor) says who may have signed a configuration. Please give that one too, with --conf."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="verify|fetch|describe", required=True)
    verified = parts.add_parser("verify", help="check a message's evidence")
    verified.add_argument("file", type=Path, metavar="FILE.asice", help="an ASiC-E container as /asic serves it")
    verified.add_argument(
        "--conf",
        type=Path,
        metavar="VERIFICATIONCONF",
        help="check trust too: an X-Road configuration, a folder or zip as /verificationconf serves it",
    )
    verified.add_argument(
        "--anchor",
        action="append",
        default=[],
        type=Path,
        metavar="ANCHOR",
        help="count a configuration only if a key of this anchor signed it; with --conf, may be repeated",
    )
    verified.add_argument(
        "--attachment",
        type=Path,
        metavar="FILE",
        help="the body of a message that passed as a stream",
    )
    verified.add_argument("--json", action="store_true", help="print the verdict as JSON")
    fetched = parts.add_parser("fetch", help="fetch a configuration by its anchor")
    fetched.add_argument("file", type=Path, metavar="ANCHOR", help="a configuration anchor, as its operator gives it")
    fetched.add_argument("--to", required=True, type=Path, metavar="FOLDER", help="the folder to keep it in")
    described = parts.add_parser("describe", help="let a gateway serve a service's OpenAPI description, and list by it")
    described.add_argument("file", type=Path, metavar="FILE", help="the description: OpenAPI 3, as JSON or YAML")
    described.add_argument("--service", required=True, metavar="ID", help="the service, such as VN/GOV/G15/SYSTEM/code")
    described.add_argument("--state", required=True, type=Path, metavar="DIR", help="the gateway's own folder")
    for part in parts.choices.values():
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> int:
    """Do the part that was asked for; return how to leave."""
    return {"verify": verify, "fetch": _fetch, "describe": describe}[arguments.part](arguments)


def describe(arguments: argparse.Namespace) -> int:
    """Keep the description for the gateway's next start; say what it lists from then on."""
    known = sorted(local.read(arguments.state).services)
    if arguments.service not in known:
        raise NotAService(folder=arguments.state, service=arguments.service, services=", ".join(known))
    endpoints = local.keep_description(arguments.state, arguments.service, arguments.file.read_bytes())
    for method, path in endpoints:
        print(f"{method} {path}")
    told = "Endpoints listed for {service} from the next start of the gateway on: {n}."
    print(_(told, service=arguments.service, n=len(endpoints)))
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Print the verdict; return 0 when every part that was asked for holds, else 1."""
    if arguments.anchor and not arguments.conf:
        raise AnchorOfNothing
    if arguments.attachment:
        arguments.attachment.open("rb").close()  # what cannot be read is an argument that cannot be used
    instances = configuration.load(arguments.conf, arguments.anchor) if arguments.conf else None
    found = report.verify(arguments.file, instances, arguments.attachment)
    if arguments.json:
        print(json.dumps(found.as_json(arguments.file, _), ensure_ascii=False, indent=2))
    else:
        _tell(found)
    return 0 if found.good else NOT_GOOD


def _fetch(arguments: argparse.Namespace) -> int:
    """Keep the configuration that an anchor leads to, once all of it was verified, and those of its partners."""
    if arguments.file.stat().st_size > LARGEST:
        raise ConfigurationRefused(why=said("its anchor is not well formed"))
    anchor, now = arguments.file.read_bytes(), datetime.now(UTC)
    found = download.download(anchor, now)
    _keep(found, arguments.to, anchor)
    print(
        _("The anchor’s SHA-224 is {anchor}. Compare it with the one its operator tells.", anchor=fingerprint(anchor))
    )
    for partner in found.partners():
        _keep(download.download(partner, now), arguments.to, partner)
    return 0


def _keep(found: Downloaded, folder: Path, anchor: bytes) -> None:
    found.keep_newer(folder, anchor)
    facts = {"instance": found.instance, "version": found.version, "folder": folder}
    print(_("The configuration of {instance}, version {version}, is in {folder}.", **facts))
    print(_("It is in force until {end}.", end=found.end.isoformat()))


def _tell(found: Report) -> None:
    print(_("Integrity: {verdict}", verdict=_(VERDICTS[found.integrity.verdict])))
    print(_("Trust: {verdict}", verdict=_(VERDICTS[found.trust_verdict])))
    for finding in (*found.integrity.findings, *(found.trust or ())):
        stricter = _(" X-Road’s own verifier says nothing of this.") if finding.stricter else ""
        print(f"- {finding.text(_)}{stricter}")
    for remark in found.remarks:
        print(_("Note: {remark}", remark=remark.text(_)))
