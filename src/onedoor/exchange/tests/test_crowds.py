"""Ten thousand connections that rest: a gateway keeps as many as it may, and who has something to say is heard."""

import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from onedoor.exchange.gateway.systems import MOST_CONNECTIONS
from onedoor.exchange.tests.nation import wait_for
from onedoor.exchange.tests.xroad import OPEN, PETS, PLAIN, PORTAL, XRoad

MANY, SPARE = 10_000, 500
AT_ONCE = 200
ASKING = [("X-Road-Client", PORTAL)]


@pytest.fixture
def crowd(xroad: XRoad) -> Iterator[list[socket.socket]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < MANY + SPARE:
        pytest.skip(f"this system lets a process have {hard} open files: too few for ten thousand connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + SPARE), hard))
    made: list[socket.socket] = []
    try:
        while len(made) < MANY:
            made += connected(xroad.place.base + PLAIN)
        yield made
    finally:
        for one in made:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connected(port: int) -> list[socket.socket]:
    """Make some connections at once."""
    some = [socket.socket() for _ in range(AT_ONCE)]
    with selectors.DefaultSelector() as coming:
        for one in some:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
            coming.register(one, selectors.EVENT_WRITE)
        left = AT_ONCE
        while left:
            for key, _ in coming.select():
                coming.unregister(key.fileobj)
                left -= 1
    return some


def open_files(xroad: XRoad) -> int:
    return len(list(Path(f"/proc/{xroad.place.running['gateway-G22'].pid}/fd").iterdir()))


def test_among_ten_thousand_resting_connections_the_good_client_is_served(
    xroad: XRoad, crowd: list[socket.socket]
) -> None:
    wait_for(lambda: open_files(xroad) > MOST_CONNECTIONS, "the crowd")
    for how in ({}, {"tls": False}):
        begun = time.monotonic()
        client = ASKING if not how else [("X-Road-Client", OPEN)]
        assert xroad.ask(PETS if not how else "/listClients", headers=client, **how).status == 200
        assert time.monotonic() - begun < 20
    assert open_files(xroad) < MOST_CONNECTIONS + SPARE
