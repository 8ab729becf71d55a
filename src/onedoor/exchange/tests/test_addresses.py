"""Addresses that others name lead nowhere inside: those of services by name, of a partner's gateways and responders."""

import asyncio
import gc
import json
import socket
import ssl
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
import uvloop

from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway import local
from onedoor.exchange.gateway.asking import Peer
from onedoor.exchange.gateway.bodies import Passing
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.nodes import Errand, Node
from onedoor.exchange.tests.nation import PROVIDER, Place, free_base, system_of, wait_for
from onedoor.kernel.addresses import Allowed, operators_own, public, resolved, within
from onedoor.kernel.fetching import Server
from onedoor.signing.authorities import Responders
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

OWN = within([ip_network("127.0.0.0/8")])

T = TypeVar("T")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        yield listening


def reached(listening: socket.socket) -> bool:
    try:
        listening.accept()[0].close()
    except TimeoutError:
        return False
    return True


def run(asking: Coroutine[Any, Any, T]) -> T:
    """Run *asking*; asyncio leaves the socket of a handshake that is given up to the collector."""
    try:
        return asyncio.run(asking)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def fault_of(host: str, port: int, allows: Allowed) -> Fault | None:
    """Ask the service at *host* and return how that failed; nothing while it is under way."""

    async def ask() -> Fault | None:
        failed: list[Fault] = []
        node = Node(host, port, "", ssl.create_default_context(), allows)
        node.send(Errand(b"", "GET", False, 0.0, lambda _: None, failed.append, Circuit("")))
        for _ in range(20):
            await asyncio.sleep(0.01)
        node.close()
        await asyncio.sleep(0.01)  # what was cancelled closes its sockets
        return failed[0] if failed else None

    return run(ask())


@pytest.mark.parametrize(("allows", "there"), [(public, False), (OWN, True)], ids=["inside", "own-network"])
def test_a_service_known_by_a_name_that_leads_inside_is_not_reached(
    listening: socket.socket, allows: Allowed, there: bool
) -> None:
    fault = fault_of("localhost", listening.getsockname()[1], allows)
    assert (fault is None, reached(listening)) == (there, there)
    assert fault is None or fault.type == "Server.ServerProxy.NetworkError"


@pytest.mark.parametrize("host", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254"])
def test_a_service_is_never_at_a_clouds_metadata(host: str) -> None:
    assert not operators_own(host)
    assert operators_own("10.1.2.3")
    assert fault_of(host, 80, OWN) is not None


def test_a_system_at_an_address_of_ipv6_is_asked_by_it_in_brackets(tmp_path: Path) -> None:
    with Place(tmp_path, free_base()) as place, closing(place.client()) as client:
        seat = place.seats["G01"]
        file, where = seat.gateway_state / local.FILE, seat.address(300)
        anew = f"[::1]:{where.rpartition(':')[2]}"
        data = json.loads(file.read_text())
        for one in data["services"]:
            one |= {"url": one["url"].replace(where, anew), "health": "/health", "description": "/openapi.json"}
        file.write_text(json.dumps(data))
        with system_of(place, "G01", at=anew.replace("[", "").replace("]", "")) as system:
            place.start("gateway-G22", "gateway-G01")
            assert place.ask(client=client).status == 200
            about = f"/r1/{PROVIDER}/getOpenAPI?serviceCode=population"
            place.ask(about, client=client, method="GET")
            wait_for(lambda: "/health" in [one["path"] for one in system.seen], "it is asked how it is")
    assert {one["headers"]["host"] for one in system.seen} == {anew}  # type: ignore[index]
    assert len({one["path"] for one in system.seen}) == 3


def test_a_name_that_resolves_anew_changes_nothing(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    port = listening.getsockname()[1]

    async def found(_: object, host: str, port_: int, **how: Any) -> list[Any]:
        told.append(host)
        where = "127.0.0.1" if host in ("127.0.0.1", "system.example") and len(told) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, port_))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", found)
    fault_of("system.example", port, OWN)
    assert reached(listening)
    assert told == ["system.example"], "looked up once, and connected to what was looked at"


@pytest.mark.parametrize(("foreign", "there"), [(True, False), (False, True)])
def test_a_partners_gateway_that_leads_inside_is_not_reached(
    listening: socket.socket, foreign: bool, there: bool
) -> None:
    core = SimpleNamespace(foreign=lambda _: foreign, allows=public, passing=Passing())
    gateway = SimpleNamespace(id="TL/GOV/A/GATEWAY", host="127.0.0.1", port=listening.getsockname()[1])

    async def ask() -> tuple[bool, list[Fault]]:
        failed: list[Fault] = []
        peer = Peer(cast("Core", core), cast("Gateway", gateway), ssl.create_default_context())
        peer.ask(b"GET\r\n/\r\n", b"", "r", lambda *_: None, failed.append)
        for _ in range(20):
            await asyncio.sleep(0.01)
        found = list(failed)
        was_reached = await asyncio.to_thread(reached, listening)
        await asyncio.sleep(0.05)  # the other end has closed, so this one does
        peer.close()
        await asyncio.sleep(0.01)
        return was_reached, found

    was_reached, failed = uvloop.run(ask())
    assert was_reached == there
    assert [one.type for one in failed] == ([] if there else ["Server.ClientProxy.NetworkError"])


def test_a_responder_that_leads_inside_is_not_asked(listening: socket.socket, tmp_path: Any) -> None:
    authority = Authority.create(tmp_path)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/internal"
    certificate = authority.issue(Subject("one", "VN"), new_key().public_key(), "message", status=url)
    assert Responders(allowed=public).status(certificate, authority.certificate) is None
    assert not reached(listening)
    with pytest.raises(OSError, match="leads inside"):
        Server(url, 1.0, public).ask("GET", "", 10)


def test_a_name_that_is_none_is_refused_as_any_other() -> None:
    for name in ("a" * 70 + ".example", "a..b"):
        with pytest.raises(OSError, match="name"):
            resolved(name, 80, public)
