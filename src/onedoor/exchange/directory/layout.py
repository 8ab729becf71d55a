"""Where the processes of a nation live: names, folders, ports, environments; on one computer, or on one each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import Agency, Nation

HOST = "127.0.0.1"
PORTAL = "PORTAL"
"""Last part of the subsystem of the member that runs the portal."""
SYSTEMS, GATEWAYS, EXCHANGE, DIRECTORY = 100, 200, 300, 400
WATCH_SYSTEMS, WATCH_UP, WATCH_GATEWAYS, WATCH_WORKER, WATCH_DIRECTORY = 401, 449, 450, 498, 499
"""Where each process is watched; a nation on one computer has at most 48 members."""
SECOND = 50
"""How far from a member's gateway its second one lies, where gateways are reached."""
WATCH_SECOND = 50
"""Where second gateways are watched: behind the addresses for browsers."""


class NoPortal(OnedoorError):
    """No member of the nation runs the portal. In agencies.yaml, end the subsystem of one member in /PORTAL."""


@dataclass(frozen=True)
class Seat:
    """A member: *place* 0 is the portal's member, the others follow in the order of the nation.

    Other members' gateways reach it at *host*; inside, its processes meet on their own computer's loopback. *second* is
    the same seat as its second gateway sees it.
    """

    member: Agency
    place: int
    var: Path
    base: int
    host: str = HOST
    second: bool = False

    @property
    def gateways(self) -> tuple["Seat", ...]:
        """Return this seat for each gateway of the member."""
        return (self, replace(self, second=True))[: self.member.gateways]

    @property
    def process(self) -> str:
        """Return the name of the member's system: ``portal``, ``node-G15``, or ``system-G15`` for one of its own."""
        if self.foreign:
            return f"system-{self.member.id}"
        return f"node-{self.member.id}" if self.place else "portal"

    @property
    def foreign(self) -> bool:
        """Return whether the member's system is no process of ours: it has keys here, and is started by its owner."""
        return bool(self.member.services)

    @property
    def state(self) -> Path:
        """Return the state folder of the member's system."""
        return self.var / self.process

    @property
    def gateway(self) -> str:
        """Return the name of the gateway's process."""
        return f"gateway-{self.member.id}{'-2' if self.second else ''}"

    @property
    def gateway_state(self) -> Path:
        """Return the state folder of the gateway."""
        return self.var / self.gateway

    @property
    def member_id(self) -> str:
        """Return the X-Road id of the member, such as ``VN/GOV/G15``."""
        return self.member.subsystem.rpartition("/")[0]

    @property
    def gateway_id(self) -> str:
        """Return the X-Road id of the gateway."""
        return f"{self.member_id}/GATEWAY{'-2' if self.second else ''}"

    def address(self, offset: int) -> str:
        """Return host and port of this seat in the range that begins at *offset*."""
        host = self.host if offset == GATEWAYS else HOST
        if self.second:
            offset = {WATCH_GATEWAYS: WATCH_SECOND, SYSTEMS: SYSTEMS + SECOND, GATEWAYS: GATEWAYS + SECOND}.get(
                offset, offset
            )
        return f"{host}:{self.base + offset + self.place}"


@dataclass(frozen=True)
class Layout:
    """A nation under *var*, its ports from *base* on; *hosts* names the computers of members that have one."""

    nation: Nation
    var: Path
    base: int
    hosts: Mapping[str, str] = field(default_factory=dict)

    def seats(self) -> Iterator[Seat]:
        """Yield the members, the portal's first; among systems that are all their members' own, there is no portal."""
        members = list(self.nation.members.values())
        portal = [one for one in members if one.subsystem.rpartition("/")[2] == PORTAL]
        if all(one.services for one in members):
            portal = members[:1]
        if len(portal) != 1:
            raise NoPortal
        others = [one for one in members if one is not portal[0]]
        for place, member in enumerate((*portal, *others)):
            yield Seat(member, place, self.var, self.base, self.hosts.get(member.id, HOST))

    @property
    def directory(self) -> Path:
        """Return the state folder of the directory."""
        return self.var / "directory"

    @property
    def directory_address(self) -> str:
        """Return host and port of the directory, which stands beside the portal."""
        return f"{next(self.seats()).host}:{self.base + DIRECTORY}"

    @property
    def ocsp(self) -> str:
        """Return where the development authority's OCSP responder answers."""
        return f"http://{self.directory_address}/ocsp"

    @property
    def tsa(self) -> str:
        """Return where the development authority gives time-stamps."""
        return f"http://{self.directory_address}/tsa"

    def environments(self) -> dict[str, dict[str, str]]:
        """Return the environment of every process by its name, without database and secrets."""
        shared = {"ONEDOOR_NATION": str(self.nation.path.absolute())}
        found = {"directory": shared | _directory(self)}
        authorities = {"ONEDOOR_TSA_URL": self.tsa, "ONEDOOR_OCSP_URL": self.ocsp}
        for seat in self.seats():
            system = shared | _system(seat) | authorities
            if seat.place and not seat.foreign:
                found[seat.process] = system
            elif not seat.foreign:
                watched = {"ONEDOOR_WATCH_LISTEN": f"{HOST}:{seat.base + WATCH_WORKER}"}
                found |= {"portal-web": system, "portal-worker": system | watched}
            found |= {one.gateway: shared | _gateway(one) | authorities for one in seat.gateways}
        return {name: dict(values) for name, values in found.items()}


def _directory(layout: Layout) -> dict[str, str]:
    return {
        "ONEDOOR_ROLE": "directory",
        "ONEDOOR_STATE": str(layout.directory.absolute()),
        "ONEDOOR_LISTEN": layout.directory_address,
        "ONEDOOR_WATCH_LISTEN": f"{HOST}:{layout.base + WATCH_DIRECTORY}",
    }


def _system(seat: Seat) -> dict[str, str]:
    state = seat.state.absolute()
    return {
        "ONEDOOR_ROLE": "node" if seat.place else "portal",
        "ONEDOOR_MEMBER": seat.member.id,
        "ONEDOOR_SUBSYSTEM": seat.member.subsystem,
        "ONEDOOR_STATE": str(state),
        "ONEDOOR_GATEWAY_URL": f"https://{seat.address(SYSTEMS)}",
        "ONEDOOR_TLS_KEY": str(state / "tls.key"),
        "ONEDOOR_TLS_CERT": str(state / "tls.pem"),
        "ONEDOOR_TLS_TRUST": str(state / "tls-trust.pem"),
        "ONEDOOR_PUBLIC_URL": f"http://localhost:{seat.base + seat.place}",
        "ONEDOOR_LISTEN": seat.address(0),
        "ONEDOOR_EXCHANGE_LISTEN": seat.address(EXCHANGE),
        "ONEDOOR_WATCH_LISTEN": seat.address(WATCH_SYSTEMS),
    }


def _gateway(seat: Seat) -> dict[str, str]:
    return {
        "ONEDOOR_ROLE": "gateway",
        "ONEDOOR_MEMBER": seat.member.id,
        "ONEDOOR_STATE": str(seat.gateway_state.absolute()),
        "ONEDOOR_LISTEN": seat.address(SYSTEMS),
        "ONEDOOR_EXCHANGE_LISTEN": seat.address(GATEWAYS),
        "ONEDOOR_WATCH_LISTEN": seat.address(WATCH_GATEWAYS),
    }
