"""Two gateways set up as an operator of X-Road would, asked by hand: every byte of a request is the test's own."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onedoor.exchange import permissions
from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.gateway import local
from onedoor.exchange.permissions import Grant, Permission
from onedoor.exchange.tests.nation import Place, System, free_base, system_of
from onedoor.signing.certificates import fingerprint, load_certificates
from onedoor.signing.keys import load_key

PORTAL, HALF, OPEN = (f"VN/GOV/G22/{code}" for code in ("PORTAL", "HALF", "OPEN"))
"""Three systems behind one gateway: with a certificate, by HTTPS without one, and in the clear."""
PROVIDER = "VN/GOV/G01/POPULATION"
PETS = f"/r1/{PROVIDER}/petstore"
GUARDED = f"/r1/{PROVIDER}/guarded"
PATIENCE = 30.0
"""Seconds until an answer is given up: far longer than any takes, for the computer may be busy."""
PLAIN = 490
"""How far from the base port the gateway takes plain HTTP."""
ALL = ("* /**",)
PARTNERS, MINISTRIES = f"LOCALGROUP:{PROVIDER}/partners", "GLOBALGROUP:VN/ministries"
FOREIGN = f"LOCALGROUP:{PORTAL}/partners"
SERVICES = {"petstore": "/openapi.json", "guarded": "", "late": "", "bare": "", "slow": "", "colours": "/openapi.yaml"}
"""Services added to the provider's, and where each describes itself."""
LATE = b"openapi: 3.0.0\nservers: [url: https://10.0.0.7/]\npaths:\n  /late/{id}: {put: {}}\n"
"""The description that has been imported for one of them."""
CEILING = [
    *(Permission(PORTAL, f"{PROVIDER}/{code}", ("*",), ALL) for code in SERVICES),
    Permission(MINISTRIES, f"{PROVIDER}/guarded", ("*",), ("GET /global/**",)),
    Permission(OPEN, f"{PROVIDER}/guarded", ("*",), ("GET /local/**", "GET /public/*")),
    Permission(HALF, f"{PROVIDER}/guarded", ("*",), ("GET /foreign",)),
]
PUBLIC = ("GET /public/*", "* /deep/**", r"GET /star\*", "GET /hồ sơ", "GET /narrow/*.pdf")
GRANTS = [
    *(Permission(PORTAL, f"{PROVIDER}/{code}", ("*",), ALL) for code in SERVICES if code != "guarded"),
    Permission(PORTAL, f"{PROVIDER}/guarded", ("*",), PUBLIC),
    Permission(MINISTRIES, f"{PROVIDER}/guarded", ("*",), ("* /global/**",)),
    Permission(PARTNERS, f"{PROVIDER}/guarded", ("*",), ("GET /local/**", "POST /above")),
    Permission(FOREIGN, f"{PROVIDER}/guarded", ("*",), ("GET /foreign",)),
]


@dataclass(frozen=True)
class Answer:
    """What came back: header names in lower case, in their order."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        return next((value for found, value in self.headers if found == name), "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class XRoad:
    """Both gateways, and the system behind the provider's."""

    place: Place
    system: System
    kept: dict[tuple[tuple[str, Any], ...], socket.socket] = field(default_factory=dict)

    def ask(
        self,
        target: str = PETS,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (("X-Road-Client", PORTAL),),
        body: bytes = b"",
        **how: Any,
    ) -> Answer:
        """Send one well-formed request, on a connection that is kept, and return its answer."""
        lines = [f"{method} {target} HTTP/1.1", "Host: gateway", *(f"{name}: {value}" for name, value in headers)]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        wire = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        key = tuple(sorted(how.items()))
        if kept := self.kept.pop(key, None):
            kept.settimeout(0.0)
            with suppress(ssl.SSLWantReadError, BlockingIOError):
                if kept.recv(1) == b"":  # it rested too long
                    kept.close()
                    kept = None
        connection = kept or self.connect(**how)
        connection.settimeout(PATIENCE)
        with ExitStack() as stack:
            stack.callback(connection.close)
            answer = _exchanged(connection, wire, method)
            if answer["connection"] != "close":
                self.kept[key] = connection
                stack.pop_all()
        return answer

    def send(self, wire: bytes, *, method: str = "GET", **how: Any) -> Answer:
        """Send *wire* as it stands and return the first answer; raise when the gateway closes without one."""
        with closing(self.connect(**how)) as connection:
            return _exchanged(connection, wire, method)

    def connect(self, member: str = "G22", *, shown: bool = True, tls: bool = True) -> socket.socket:
        """Connect to the door for systems of *member*'s gateway: over TLS, with its system's certificate, or not."""
        seat = self.place.seats[member]
        host, _, port = (seat.address(100) if tls else f"127.0.0.1:{self.place.base + PLAIN}").rpartition(":")
        plain = socket.create_connection((host, int(port)), PATIENCE)
        plain.settimeout(PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not tls:
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(seat.state / "tls-trust.pem")
        if shown:
            context.load_cert_chain(seat.state / "tls.pem", seat.state / "tls.key")
        return context.wrap_socket(plain, server_hostname=host)


def _exchanged(connection: socket.socket, wire: bytes, method: str) -> Answer:
    connection.sendall(wire)
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return Answer(answer.status, [(k.lower(), v) for k, v in answer.getheaders()], answer.read())


@contextmanager
def xroad_of(var: Path) -> Iterator[XRoad]:
    """Start both gateways under *var*; no directory, for the configuration lies with them."""
    with Place(var, free_base()) as place:
        _set_up(place)
        with system_of(place, "G01") as system:
            place.start("gateway-G22", "gateway-G01")
            both = XRoad(place, system)
            yield both
            for connection in both.kept.values():
                connection.close()


def _set_up(place: Place) -> None:
    consumer, provider = place.seats["G22"], place.seats["G01"]
    _offer(place)
    _change(consumer.gateway_state / local.FILE, connections={HALF: local.HTTPS, OPEN: local.HTTP})
    place.environments["gateway-G22"] |= {"ONEDOOR_PLAIN_LISTEN": f"127.0.0.1:{place.base + PLAIN}"}
    place.environments["gateway-G01"] |= {"ONEDOOR_ERROR_TYPES": "7.8"}
    content = json.loads((place.layout.directory / "content.json").read_text())
    content["rights"] += [one.data() for one in CEILING]
    content["groups"] = [{"id": "VN/ministries", "members": [PORTAL, HALF]}]
    for member in content["members"]:
        if member["id"] == "VN/GOV/G22":
            systems = member["subsystems"][0]["systems"]
            member["subsystems"] += [
                {"id": one, "name": one, "systems": systems, "services": []} for one in (HALF, OPEN)
            ]
    for gateway in content["gateways"]:
        gateway["clients"] += [HALF, OPEN] if gateway["id"] == consumer.gateway_id else []
    (place.layout.directory / "content.json").write_text(json.dumps(content))
    signed = Publisher(place.layout.directory).publish()
    for seat in (consumer, provider):
        (seat.gateway_state / local.CONFIGURATION).write_bytes(signed)


def _offer(place: Place) -> None:
    """Let the provider offer `SERVICES`, and grant what `GRANTS` say."""
    seat = place.seats["G01"]
    folder, root = seat.gateway_state, f"https://{seat.address(300)}"
    data = json.loads((folder / local.FILE).read_text())
    system = fingerprint(load_certificates(seat.state / "tls.pem")[0])
    for code, description in SERVICES.items():
        service = {"service": f"{PROVIDER}/{code}", "url": f"{root}/{code}", "system": system}
        endpoints = [{"method": "GET", "path": "/pets/*"}, {"method": "POST", "path": "/pets"}]
        data["services"].append(service | {"endpoints": endpoints, "description": description})
    local.keep_description(folder, f"{PROVIDER}/late", LATE)
    data["services"][-3] |= {"url": root}  # bare: at the root of its system
    data["services"][-2] |= {"timeout": 0.3}
    _change(folder / local.FILE, services=data["services"])
    certificate, key = load_certificates(folder / local.SIGNING_CERTIFICATE)[0], load_key(folder / local.SIGNING_KEY)
    known, _ = permissions.read_grants(folder / local.GRANTS, [certificate])
    added = [Grant(one, datetime(2026, 1, 1, tzinfo=UTC), None) for one in GRANTS]
    permissions.write_grants(folder / local.GRANTS, [*known, *added], key)
    permissions.write_groups(folder / local.GROUPS, {PARTNERS: [OPEN], FOREIGN: [HALF]}, key)


def _change(path: Path, **changed: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
