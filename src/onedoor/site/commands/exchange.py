"""``onedoor exchange``: check the evidence of one message; let a gateway serve a service's OpenAPI description."""

import argparse
import json
from pathlib import Path

from onedoor.exchange.evidence import configuration, report
from onedoor.exchange.evidence.report import Report
from onedoor.exchange.gateway import local
from onedoor.kernel.errors import BadInput
from onedoor.site import messages
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _

NOT_GOOD = 1
VERDICTS = {
    "valid": gettext_noop("valid"),
    "invalid": gettext_noop("invalid"),
    "not checked": gettext_noop("not checked"),
}


class NotAService(BadInput):
    """The gateway in {folder} offers no service {service}. It offers: {services}."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="verify|describe", required=True)
    verified = parts.add_parser("verify", help="check a message's evidence")
    verified.add_argument("file", type=Path, metavar="FILE.asice", help="an ASiC-E container as /asic serves it")
    verified.add_argument(
        "--conf",
        type=Path,
        metavar="VERIFICATIONCONF",
        help="check trust too: an X-Road configuration, a folder or zip as /verificationconf serves it",
    )
    verified.add_argument("--json", action="store_true", help="print the verdict as JSON")
    described = parts.add_parser("describe", help="let a gateway serve a service's OpenAPI description, and list by it")
    described.add_argument("file", type=Path, metavar="FILE", help="the description: OpenAPI 3, as JSON or YAML")
    described.add_argument("--service", required=True, metavar="ID", help="the service, such as VN/GOV/G15/SYSTEM/code")
    described.add_argument("--state", required=True, type=Path, metavar="DIR", help="the gateway's own folder")
    for part in parts.choices.values():
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> int:
    """Do the part that was asked for; return how to leave."""
    return verify(arguments) if arguments.part == "verify" else describe(arguments)


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
    instances = configuration.load(arguments.conf) if arguments.conf else None
    found = report.verify(arguments.file, instances)
    if arguments.json:
        print(json.dumps(found.as_json(arguments.file, _), ensure_ascii=False, indent=2))
    else:
        _tell(found)
    return 0 if found.good else NOT_GOOD


def _tell(found: Report) -> None:
    print(_("Integrity: {verdict}", verdict=_(VERDICTS[found.integrity.verdict])))
    print(_("Trust: {verdict}", verdict=_(VERDICTS[found.trust_verdict])))
    for finding in (*found.integrity.findings, *(found.trust or ())):
        stricter = _(" X-Road’s own verifier says nothing of this.") if finding.stricter else ""
        print(f"- {finding.text(_)}{stricter}")
    for remark in found.remarks:
        print(_("Note: {remark}", remark=remark.text(_)))
