"""A running pair of gateways, shared by the tests of one file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.exchange import service
from onedoor.exchange.connections import Connections
from onedoor.exchange.tests.nation import Place, System, free_base, system_of
from onedoor.exchange.tests.xroad import XRoad, xroad_of
from onedoor.kernel import settings


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


@pytest.fixture
def as_portal(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make this process the portal's, as far as the exchange is asked."""
    values = place.environments["portal-web"] | {
        "ONEDOOR_DATABASE_URL": "postgresql://nobody@localhost/none",
        "ONEDOOR_SECRET": "s" * 40,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    service._connections.cache_clear()
    yield
    service._connections().close()
    service._connections.cache_clear()
    settings.current.cache_clear()


def _make_reads_plain(path: Path) -> None:
    """Take the description of one service away, so that there is a plain REST service as well."""
    data = json.loads(path.read_text())
    for one in data["services"]:
        if one["service"].endswith("/reads"):
            one["description"] = ""
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
