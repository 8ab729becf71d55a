"""``onedoor provision``: what each computer of a nation needs before its processes start, one folder for each."""

import argparse
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from onedoor.exchange.directory import lab
from onedoor.exchange.directory.layout import Layout
from onedoor.kernel import nation as nations
from onedoor.kernel.durable import write_durably
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Nation, versions
from onedoor.site import kinds
from onedoor.site.cli import DEFAULT_NATION
from onedoor.site.up.command import closed_to_others
from onedoor.site.up.plan import LEDGERS, POLICY, VERSIONS, database_of, keep_secret, write_private
from onedoor.site.up.trail import lines

BY = "onedoor provision"
REACHED = "https://DESK"
"""Stands where an address is missing."""


class NoSuchDesk(OnedoorError):
    """“{given}” is no member of the nation with the address of its pages. Please use one of {members}, such as G15=https://desk.justice.example."""


class NoSuchMember(OnedoorError):
    """“{given}” is no member of the nation with an IP address. Please use one of {members}, such as G15=192.0.2.15."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the nation, where to write, and whose computer is where."""
    parser.add_argument("--nation", type=Path, default=DEFAULT_NATION, help="folder of the nation")
    parser.add_argument("--var", type=Path, required=True, help="folder to write; at the same place on each computer")
    parser.add_argument("--port", type=int, default=8000, help="the portal's port; others follow up to 400 above it")
    parser.add_argument(
        "--host", action="append", metavar="MEMBER=ADDRESS", help="the computer of a member; once for each"
    )
    parser.add_argument(
        "--desk",
        action="append",
        metavar="MEMBER=URL",
        help="where the pages of a member's node are reached, through its proxy; once for each",
    )


def run(arguments: argparse.Namespace) -> None:
    """Make everything, and say which folders go to which computer."""
    kinds.load()
    nation, var = nations.load(arguments.nation.absolute()), arguments.var.absolute()
    hosts = dict(_hosts(nation, arguments.host or []))
    desks = dict(_desks(nation, arguments.desk or []))
    with closed_to_others():
        lab.provision(nation, var, arguments.port, hosts)
        taken = versions.history(var / VERSIONS)
        if not taken or taken[-1].digest != versions.digest_of(nation.path):
            versions.bring_in(var / VERSIONS, arguments.nation.absolute(), BY, running=False)
        layout = Layout(nation, var, arguments.port, hosts)
        policy = layout.directory / LEDGERS
        write_durably(policy, "".join(_ledgers(layout, desks)).encode())
        for name, environment in layout.environments().items():
            own = environment | {"ONEDOOR_NATION": str(var / VERSIONS)}
            own |= {POLICY: str(policy)} if name == "directory" else {}
            if database_of(name):
                keep_secret(Path(environment["ONEDOOR_STATE"]))
            write_private(var / f"{name}.env", "".join(f"{key}={value}\n" for key, value in own.items()))
    var.chmod(0o711)
    for seat in layout.seats():
        also = "" if seat.place else " directory directory.env"
        systems = f"{seat.process}.env" if seat.place else "portal-web.env portal-worker.env"
        gateways = " ".join(f"{one.gateway} {one.gateway}.env" for one in seat.gateways)
        print(f"{seat.member.id} {seat.host}: {seat.process} {systems} {gateways} {VERSIONS}{also}")


def _ledgers(layout: Layout, desks: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines by which the directory knows every system's ledger; one that it cannot reach yet is a remark."""
    environments, (portal, *_) = layout.environments(), layout.seats()
    for seat in layout.seats():
        name = seat.process if seat.place else f"{seat.process}-web"
        here = f"http://{environments[name]['ONEDOOR_LISTEN']}" if seat.host == portal.host else ""
        address = desks.get(seat.member.id, here)
        for line in lines(environments[name], address or REACHED):
            yield line if address else f"# {line}"


def _desks(nation: Nation, given: list[str]) -> Iterator[tuple[str, str]]:
    for one in given:
        member, _, url = one.partition("=")
        if member not in nation.members or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise NoSuchDesk(given=one, members=", ".join(nation.members))
        yield member, url.rstrip("/")


def _hosts(nation: Nation, given: list[str]) -> Iterator[tuple[str, str]]:
    for one in given:
        member, _, address = one.partition("=")
        try:
            ip_address(address)
        except ValueError:
            member = ""
        if member not in nation.members:
            raise NoSuchMember(given=one, members=", ".join(nation.members))
        yield member, address
