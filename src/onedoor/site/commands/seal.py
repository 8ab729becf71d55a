"""``onedoor seal``: the seals of agencies shown, changed for new ones while they are used, revoked; documents checked.

Only ``renew`` needs a system's own settings and database; the rest works on folders and files.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from onedoor.kernel.errors import OnedoorError
from onedoor.signing import certificates, development, holders, trust
from onedoor.site import messages
from onedoor.site.cli import DEFAULT_VAR
from onedoor.site.commands.processes import set_up_django, settings_of
from onedoor.site.messages import text as _
from onedoor.site.progress import shown

NOT_VALID = 1
OUTCOMES = {
    "renewed": messages.gettext_noop("renewed"),
    "erased": messages.gettext_noop("their key was destroyed, nothing to renew"),
    "unsound": messages.gettext_noop("they do not hold; see the log"),
    "no time-stamp": messages.gettext_noop("they have no time-stamp, so none is renewed"),
    "no better authority": messages.gettext_noop("the time-stamp authority’s own certificate ends as soon; stopped"),
}


class NoSuchSeal(OnedoorError):
    """There is no seal of {agency} under {folder}. Please check its id, or name the folder with --seals or --var."""


class NotItsCertificate(OnedoorError):
    """{file} is no certificate that {agency} can seal with: {why}. Nothing was changed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part."""
    parts = parser.add_subparsers(dest="part", metavar="show|check|request|install|rotate|revoke|renew", required=True)
    show = parts.add_parser("show", help="list the seals, whose they are and until when")
    check = parts.add_parser("check", help="check the seal and the time-stamps of documents; 1 if one is not valid")
    check.add_argument("file", type=Path, nargs="+", metavar="FILE", help="a PDF document")
    request = parts.add_parser("request", help="make a new key and print the request for its certificate (PKCS #10)")
    install = parts.add_parser("install", help="seal with a new certificate from now on, and destroy the old key")
    rotate = parts.add_parser("rotate", help="request, certificate and install in one, by the development authority")
    revoke = parts.add_parser("revoke", help="revoke a seal from now on, at the development authority")
    renew = parts.add_parser("renew", help="give kept documents another time-stamp before the last one ends")
    renew.add_argument("--dry-run", action="store_true", help="only count the documents that are due")
    request.add_argument(
        "--token", action="store_true", help="make it inside the PKCS#11 token that the settings of this system name"
    )
    for part in (request, install, rotate, revoke):
        part.add_argument("agency", metavar="AGENCY", help="id of the agency, such as commune-00199")
    install.add_argument("file", type=Path, metavar="CHAIN", help="PEM: its certificate, then those above it")
    for part in (show, check, request, install, rotate, revoke):
        part.add_argument("--seals", type=Path, help="folder of the seals of one system")
        part.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of a nation, if there is no --seals")
    for part in parts.choices.values():
        messages.add_argument(part)


def run(arguments: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    return int(globals()[arguments.part](arguments) or 0)


def show(arguments: argparse.Namespace) -> None:
    """Print each seal with its agency and the day its certificate ends."""
    for folder in _folders(arguments):
        for agency in holders.agencies(folder):
            used = holders.certificates(folder, agency)[0]
            name, end = certificates.common_name(used), used.not_valid_after_utc.date().isoformat()
            print(_("{agency} ({name}): until {end}", agency=agency, name=name, end=end))


def check(arguments: argparse.Namespace) -> int:
    """Say of each document whether it is valid, signed and proven by whom and when, or why not."""
    from onedoor.signing.pades import check_pdf

    found = [_trust(folder) for folder in _folders(arguments) if (folder / "trust.pem").exists()]
    if not found:
        raise NoSuchSeal(agency="…", folder=arguments.seals or arguments.var)
    bad = 0
    for path in arguments.file:
        verdict = check_pdf(path.read_bytes(), found[0])
        bad += not verdict.valid
        if not verdict.valid:
            why = " ".join(_(str(reason)) for reason in verdict.reasons)
            print(_("{file}: not valid. {why}", file=path, why=why))
            continue
        print(_("{file}: valid, sealed by {who} at {at}.", file=path, who=verdict.signer, at=verdict.signed_at))
        if verdict.proven_at:
            said = {"who": verdict.proven_by, "at": verdict.proven_at, "until": verdict.lasts_until}
            print(_("  Proven by a time-stamp of {who} at {at}; it lasts until {until}.", **said))
    return NOT_VALID if bad else 0


def request(arguments: argparse.Namespace) -> None:
    """Make a key beside the one in use and print the request for its certificate."""
    folder, used = _seal(arguments)
    key = holders.prepare(folder, arguments.agency, in_token=arguments.token)
    sys.stdout.write(certificates.requested(used.subject, key))


def install(arguments: argparse.Namespace) -> None:
    """Seal with the certificate of the file from now on."""
    folder, _used = _seal(arguments)
    chain = certificates.load_certificates(arguments.file)
    if why := _unfit(folder, arguments.agency, chain):
        raise NotItsCertificate(file=arguments.file, agency=arguments.agency, why=why)
    _installed(folder, arguments.agency, chain)


def rotate(arguments: argparse.Namespace) -> None:
    """Give the agency another key and certificate of the development authority."""
    folder, used = _seal(arguments)
    authority = certificates.Authority.load(_authority(arguments))
    key = holders.prepare(folder, arguments.agency)
    status = certificates.status_address(used)
    _installed(folder, arguments.agency, (authority.issue(used.subject, key.public_key(), "seal", status=status),))


def revoke(arguments: argparse.Namespace) -> None:
    """Let the development authority say from now on that the certificate in use is revoked."""
    _folder, used = _seal(arguments)
    development.revoke(_authority(arguments), used, datetime.now(UTC))
    print(_("The seal of {agency} is revoked. What it sealed before stays valid.", agency=arguments.agency))
    print(_("It seals nothing more: run “onedoor seal rotate {agency}”.", agency=arguments.agency))


def renew(arguments: argparse.Namespace) -> None:
    """Renew what is due in this process's database, and say what became of it."""
    settings_of("portal", "node")
    set_up_django()
    from onedoor.cases import service

    with shown(_("Renewing time-stamps")) as show:
        renewal = service.renew(dry_run=arguments.dry_run, progress=show)
    print(_("{count} documents are due.", count=renewal.due))
    for outcome, count in sorted(renewal.outcomes.items()):
        print(f"  {_(OUTCOMES[outcome])}: {count}")


def _folders(arguments: argparse.Namespace) -> Iterator[Path]:
    if arguments.seals:
        yield arguments.seals
    else:
        yield from sorted(arguments.var.glob("*/seals"))


def _seal(arguments: argparse.Namespace) -> tuple[Path, x509.Certificate]:
    """Return the folder of the agency's seal and the certificate in use."""
    for folder in _folders(arguments):
        if (folder / f"{arguments.agency}.pem").exists():
            return folder, holders.certificates(folder, arguments.agency)[0]
    raise NoSuchSeal(agency=arguments.agency, folder=arguments.seals or arguments.var)


def _authority(arguments: argparse.Namespace) -> Path:
    folder: Path = arguments.var / "directory" / "ca"
    return folder


def _trust(folder: Path) -> trust.Trust:
    from onedoor.signing.authorities import Responders

    stamping = folder / "tsa-trust.pem"
    roots = certificates.load_certificates(folder / "trust.pem")
    return trust.Trust(
        roots, certificates.load_certificates(stamping) if stamping.exists() else (), Responders().status
    )


def _unfit(folder: Path, agency: str, chain: tuple[x509.Certificate, ...]) -> str:
    """Return why *agency* cannot seal with the first of *chain*, or nothing."""
    own, roots = chain[0], certificates.load_certificates(folder / "trust.pem")
    if certificates.identifier(own) != agency:
        return _("it is of “{other}”", other=certificates.identifier(own))
    if not certificates.seals_documents(own):
        return _("it is not made for documents")
    if not trust.path(own, chain[1:], roots):
        return _("no authority in {file} issued it", file=folder / "trust.pem")
    if not own.not_valid_before_utc <= datetime.now(UTC) <= own.not_valid_after_utc:
        return _("it is not in force")
    try:
        fits = holders.key_of(folder, agency, own).public_key() == own.public_key()
    except FileNotFoundError:
        fits = False
    return "" if fits else _("its key is not here: run “onedoor seal request” first")


def _installed(folder: Path, agency: str, chain: tuple[x509.Certificate, ...]) -> None:
    destroyed, end = holders.install(folder, agency, chain), chain[0].not_valid_after_utc.date().isoformat()
    print(_("{agency} seals with a new key from now on, until {end}.", agency=agency, end=end))
    print(_("Old keys destroyed: {count}. What they sealed stays valid.", count=len(destroyed)))
