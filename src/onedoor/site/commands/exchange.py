"""``onedoor exchange verify``: check the evidence of one message, by itself and against an X-Road configuration."""

import argparse
import json
from pathlib import Path

from onedoor.exchange.evidence import configuration, report
from onedoor.exchange.evidence.report import Report
from onedoor.site import messages
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _

NOT_GOOD = 1
VERDICTS = {
    "valid": gettext_noop("valid"),
    "invalid": gettext_noop("invalid"),
    "not checked": gettext_noop("not checked"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to check and against what."""
    parser.add_argument("what", choices=["verify"], help="check a message's evidence")
    parser.add_argument("file", type=Path, metavar="FILE.asice", help="an ASiC-E container as /asic serves it")
    parser.add_argument(
        "--conf",
        type=Path,
        metavar="VERIFICATIONCONF",
        help="check trust too: an X-Road configuration, a folder or zip as /verificationconf serves it",
    )
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    messages.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
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
