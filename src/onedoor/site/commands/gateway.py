"""``onedoor gateway``: an agency's exchange gateway, from its keys to its running; no Django here."""

import argparse
import asyncio
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onedoor.exchange import joining
from onedoor.exchange.gateway.identities import OUTER, SIGNING
from onedoor.exchange.identifiers import is_address
from onedoor.kernel.durable import as_owner, write_durably
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.signing.certificates import load_certificates
from onedoor.site import messages, settings_files
from onedoor.site.commands.processes import settings_of
from onedoor.site.messages import text as _

SYSTEMS, GATEWAYS, WATCH = "127.0.0.1:8443", "0.0.0.0:5500", "127.0.0.1:8499"
FETCHING = 10.0
OF_TOKENS = ("ONEDOOR_PKCS11_MODULE", "ONEDOOR_PKCS11_TOKEN", "ONEDOOR_PKCS11_PIN_FILE", "SOFTHSM2_CONF")
PART = re.compile(r"[A-Za-z0-9'()+,\-.=?]{1,255}")


class NotAnId(BadInput):
    """“{given}” is no {what}, such as {example}."""


class NotASetting(BadInput):
    """The setting {name} cannot be written: its value “{value}” has signs that are not printed."""


class NoPart(BadInput):
    """“onedoor gateway” needs a part, such as “run FOLDER”, or its environment (ONEDOOR_ROLE …). Please see --help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every part; without one the gateway runs by its environment."""
    parser.epilog = "Without a part the gateway runs, everything set by environment variables: ONEDOOR_STATE …"
    parts = parser.add_subparsers(dest="part", metavar="init|certificate|service|register|run|status")
    begun = parts.add_parser("init", help="make a gateway's folder: keys, requests for certificates, settings")
    _init_arguments(begun)
    certificate = parts.add_parser("certificate", help="ask for certificates and take them in; change keys")
    acts = certificate.add_subparsers(dest="act", metavar="request|import", required=True)
    requested = acts.add_parser("request", help="make the next key beside the one in use, and the request for it")
    requested.add_argument("which", choices=("signing", "tls"), help="the key for signatures, or that for TLS")
    requested.add_argument("folder", type=Path, metavar="FOLDER", help="the gateway's own folder")
    requested.add_argument("--token", action="store_true", help="make it inside the PKCS#11 token of the settings")
    imported = acts.add_parser("import", help="take in a certificate that the authority gave")
    imported.add_argument("folder", type=Path, metavar="FOLDER", help="the gateway's own folder")
    imported.add_argument(
        "file", type=Path, nargs="+", metavar="FILE", help="PEM: the certificate, then those above it"
    )
    served = parts.add_parser("service", help="offer a service of one of its systems")
    served.add_argument("folder", type=Path, metavar="FOLDER", help="the gateway's own folder")
    served.add_argument("system", metavar="SYSTEM", help="the code of the system")
    served.add_argument("code", metavar="CODE", help="the code of the service")
    served.add_argument("url", metavar="URL", help="where the system answers, https://…")
    served.add_argument(
        "--shows", type=Path, metavar="FILE", help="the certificate the system shows, if it has its own"
    )
    registered = parts.add_parser("register", help="write what the directory's operator takes in")
    registered.add_argument("folder", type=Path, metavar="FOLDER", help="the gateway's own folder")
    registered.add_argument("--out", required=True, type=Path, metavar="FILE", help="the file to write")
    ran = parts.add_parser("run", help="run it until it is told to stop")
    ran.add_argument("folder", type=Path, metavar="FOLDER", help="the gateway's own folder")
    asked = parts.add_parser(
        "status", help="say how it is: configuration, certificates, log, time-stamps; 1 if not well"
    )
    asked.add_argument("where", metavar="FOLDER|URL", help="the gateway's own folder, or where it is watched")
    asked.add_argument("--json", action="store_true", help="print it as JSON")
    for part in (*parts.choices.values(), *acts.choices.values()):
        messages.add_argument(part)


def _init_arguments(begun: argparse.ArgumentParser) -> None:
    begun.add_argument("folder", type=Path, metavar="FOLDER", help="the folder, such as /var/lib/onedoor/gateway-M9")
    begun.add_argument("--member", required=True, help="the member's id, such as VN/GOV/G15")
    begun.add_argument("--name", required=True, help="the member's name, as its certificates have it")
    begun.add_argument("--server-code", required=True, metavar="CODE", help="the gateway's code, unique for its member")
    begun.add_argument("--address", required=True, metavar="HOST:PORT", help="where other gateways reach this one")
    begun.add_argument("--directory", required=True, metavar="URL", help="where the configuration is fetched")
    begun.add_argument("--anchor", required=True, type=Path, metavar="FILE", help="the directory's certificate (PEM)")
    begun.add_argument(
        "--system", action="append", default=[], metavar="CODE=NAME", help="a subsystem it serves; may be repeated"
    )
    begun.add_argument("--country", default="", metavar="CC", help="two letters, for certificates")
    begun.add_argument("--profile", choices=joining.NAMES, help="how the certification authority names members")
    begun.add_argument(
        "--token", action="store_true", help="make the signing key inside the PKCS#11 token of the settings"
    )
    begun.add_argument("--listen", default=SYSTEMS, metavar="HOST:PORT", help="where its own systems reach it")
    begun.add_argument("--watch", default=WATCH, metavar="HOST:PORT", help="where it tells its health")


def run(arguments: argparse.Namespace) -> int:
    """Do the part that was asked for."""
    if arguments.part in (None, "run"):
        return _run(arguments)
    if arguments.part == "status":
        from onedoor.site.commands import gateway_status  # a gateway that runs needs nothing of it

        return gateway_status.run(arguments)
    if arguments.part == "init":
        arguments.folder = arguments.folder.absolute()
        arguments.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    else:
        find_token_of(arguments.folder)
    acts = {"certificate": _certificate, "service": _service, "register": _register, "init": _init}
    print("\n".join(acts[arguments.part](arguments)))
    return 0


def find_token_of(folder: Path) -> None:
    """Find the PKCS#11 token by the settings beside *folder*, where the environment names none."""
    path = settings_files.beside(folder.absolute())
    told = settings_files.read(path) if path.exists() else {}
    if missing := {name: told[name] for name in OF_TOKENS if name in told and name not in os.environ}:
        os.environ.update(missing)
        current.cache_clear()


def _run(arguments: argparse.Namespace) -> int:
    if arguments.part:
        path = settings_files.beside(arguments.folder.absolute())
        own = settings_files.read(path) if path.exists() else {}
        os.environ.update({"ONEDOOR_ROLE": "gateway", "ONEDOOR_STATE": str(arguments.folder.absolute()), **own})
        current.cache_clear()
        joining.ready(arguments.folder)
    elif "ONEDOOR_ROLE" not in os.environ:
        raise NoPart
    settings = settings_of("gateway")
    from onedoor.exchange.gateway import main

    main.run(settings)
    return 0


def _init(arguments: argparse.Namespace) -> list[str]:
    from onedoor.exchange.gateway import published

    _checked(arguments)
    folder, anchors = arguments.folder, load_certificates(arguments.anchor)
    with as_owner(folder):
        signed, told = _fetched(arguments.directory, anchors)
        waiting = joining.begin(folder, _wanted(arguments, told), anchors, in_token=arguments.token)
        if signed:
            published.keep(folder, signed, int(told["serial"]))
    _write_settings(arguments, told)
    lines = [_("The gateway {id} is in {folder}.", id=f"{arguments.member}/{arguments.server_code}", folder=folder)]
    if not signed:
        lines.append(_("The directory does not answer yet: run the same again when it does, or check its address."))
    return [*lines, *_next(folder, waiting)]


def _next(folder: Path, waiting: list[Path]) -> list[str]:
    """Return what to do next."""
    if waiting:
        files = ", ".join(map(str, waiting))
        facts = {"files": files, "folder": folder}
        return [
            _("Send these requests to your certification authority: {files}", **facts),
            _("Then take in what it gives: onedoor gateway certificate import {folder} FILE…", **facts),
        ]
    return [
        _(
            "It has its certificates. Write its registration: onedoor gateway register {folder} --out FILE",
            folder=folder,
        )
    ]


def _checked(arguments: argparse.Namespace) -> None:
    parts = arguments.member.split("/")
    if len(parts) != 3 or not all(map(PART.fullmatch, parts)):  # noqa: PLR2004 - instance, class, code
        raise NotAnId(given=arguments.member, what=said("id of a member"), example="AA/GOV/M1")
    codes = [arguments.server_code, *(one.partition("=")[0] for one in arguments.system)]
    if wrong := [one for one in codes if not PART.fullmatch(one)]:
        raise NotAnId(given=wrong[0], what=said("code"), example="GATEWAY")
    for address in (arguments.address, arguments.listen, arguments.watch):
        if not is_address(address):
            raise NotAnId(given=address, what=said("host and port"), example="gateway.example:5500")


def _wanted(arguments: argparse.Namespace, told: dict[str, Any]) -> joining.Wanted:
    named = (one.partition("=") for one in arguments.system)
    return joining.Wanted(
        id=f"{arguments.member}/{arguments.server_code}",
        name=arguments.name,
        address=arguments.address,
        directory=arguments.directory,
        country=arguments.country,
        profile=arguments.profile or _profile(told),
        systems={code: name or code for code, _is, name in named},
    )


def _profile(told: dict[str, Any]) -> str:
    """Return how the first authority of a configuration names members."""
    listed = [one["profile"].lower() for one in told.get("authorities", ()) if not isinstance(one, str)]
    return next((name for name in joining.NAMES if listed and f".{name}" in listed[0]), joining.BASIC)


def _fetched(url: str, anchors: tuple[Any, ...]) -> tuple[bytes, dict[str, Any]]:
    """Return the configuration at *url*, verified, and what it says; nothing when nobody answers there."""
    from onedoor.exchange import configuration
    from onedoor.exchange.gateway import published

    async def fetching() -> bytes:
        return await asyncio.wait_for(published.fetch(url), FETCHING)

    try:
        signed = asyncio.run(fetching())
    except (OSError, ValueError, TimeoutError, EOFError):
        return b"", {}
    configuration.read(signed, anchors, moment=datetime.now(UTC))
    return signed, configuration.content(signed)


def _write_settings(arguments: argparse.Namespace, told: dict[str, Any]) -> None:
    """Write the settings of the process beside its folder, unless there are some."""
    path = settings_files.beside(arguments.folder)
    if path.exists():
        return
    stamper = next(iter(told.get("time_stampers", ())), {"url": ""})
    settings = {
        "ONEDOOR_ROLE": "gateway",
        "ONEDOOR_MEMBER": re.sub(r"[^A-Z0-9-]", "-", arguments.member.split("/")[2].upper()),
        "ONEDOOR_LISTEN": arguments.listen,
        "ONEDOOR_EXCHANGE_LISTEN": f"0.0.0.0:{arguments.address.rpartition(':')[2]}",
        "ONEDOOR_WATCH_LISTEN": arguments.watch,
        "ONEDOOR_TSA_URL": stamper["url"],
    }
    settings |= {name: os.environ[name] for name in OF_TOKENS if arguments.token and name in os.environ}
    for name, value in settings.items():
        if not value.isprintable():
            raise NotASetting(name=name, value=ascii(value)[1:-1])
    write_durably(path, "".join(f"{name}={value}\n" for name, value in settings.items() if value).encode())


def _certificate(arguments: argparse.Namespace) -> list[str]:
    folder = arguments.folder
    with as_owner(folder):
        if arguments.act == "request":
            name = OUTER if arguments.which == "tls" else SIGNING
            return _next(folder, [joining.renew(folder, name, in_token=arguments.token)])
        lines = []
        for file in arguments.file:
            kind = joining.certify(folder, load_certificates(file), file)
            what = _("signatures") if kind == SIGNING else _("TLS")
            lines.append(_("Taken in: the certificate for {what} in {file}.", what=what, file=file))
        missing = [one for one in (SIGNING, OUTER) if not (folder / f"{one}.pem").exists()]
        return [*lines, *_next(folder, [folder / joining.REQUESTS / f"{one}.csr" for one in missing])]


def _service(arguments: argparse.Namespace) -> list[str]:
    shows = load_certificates(arguments.shows)[0] if arguments.shows else None
    with as_owner(arguments.folder):
        service = joining.serve(arguments.folder, arguments.system, arguments.code, arguments.url, shows=shows)
    return [
        _("{service} is offered from the next start of the gateway on.", service=service),
        _("Register anew, so that others find it, and grant who may call it: onedoor rights grant …"),
    ]


def _register(arguments: argparse.Namespace) -> list[str]:
    with as_owner(arguments.folder):
        told = joining.registration(arguments.folder, datetime.now(UTC))
    arguments.out.write_bytes(told)
    facts = {"path": arguments.out, "name": arguments.out.name, "mark": joining.mark(told)}
    return [
        _(
            "Written: {path}. Bring it to the directory’s operator, who runs: onedoor member add {name} --state DIR",
            **facts,
        ),
        _("Tell its SHA-256 in person: {mark}", **facts),
    ]
