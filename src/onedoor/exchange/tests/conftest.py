"""A running pair of gateways, shared by the tests of one file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.tests.nation import Place, System, free_base, system_of
from onedoor.exchange.tests.xroad import XRoad, xroad_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        _make_reads_plain(place.seats["G01"].gateway_state / "gateway.json")
        place.start("directory", "gateway-G22", "gateway-G01")
        yield place


@pytest.fixture
def system(place: Place) -> Iterator[System]:
    with system_of(place, "G01") as system:
        yield system


@pytest.fixture
def portal(place: Place) -> Iterator[Connections]:
    client = place.client()
    yield client
    client.close()


def _make_reads_plain(path: Path) -> None:
    """Take the description of one service away, so that there is a plain REST service as well."""
    data = json.loads(path.read_text())
    for service in data["services"]:
        if service["service"].endswith("/reads"):
            service["description"] = ""
    path.write_text(json.dumps(data))


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XRoad]:
    with xroad_of(tmp_path_factory.mktemp("xroad")) as both:
        yield both


@pytest.fixture
def xroad(both: XRoad) -> XRoad:
    both.system.seen.clear()
    both.system.reply, both.system.raw = None, b""
    return both
