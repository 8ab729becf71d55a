"""A disk that is full, clocks that differ, a directory that is away: what goes on, and what stops with which words."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.gateway import reading
from onedoor.exchange.tests.mortal import ASKING, PROVIDING, Nursery, environments, lines
from onedoor.exchange.tests.nation import Place, free_base, wait_for

HOUR = 3600
FULL, ROOMY = "size=160k", "size=8m"
"""Room for five segments, which some hundred messages fill; and room again."""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    place = Place(tmp_path_factory.mktemp("var"), free_base())
    with Nursery(environments(place), place) as nursery:
        nursery.bear("provider")
        yield nursery


@contextmanager
def running(nursery: Nursery, clocks: dict[str, int]) -> Iterator[Connections]:
    """Run both gateways, their clocks so many seconds ahead; no directory answers."""
    place = nursery.place
    own = environments(place)
    nursery.environments = {name: {**one, "CLOCK": str(clocks.get(name, 0))} for name, one in own.items()}
    with closing(place.client()) as client:
        for name in (PROVIDING, ASKING):
            nursery.bear(name)
        wait_for(lambda: said(place, client) not in ("", "Server.ClientProxy.NetworkError"), "the gateways")
        yield client
    for name in (ASKING, PROVIDING):
        nursery.end(name, signal.SIGKILL)


def said(place: Place, client: Connections) -> str:
    """Return the type of the fault that a question is answered with, ``200`` if with none, nothing without answer."""
    try:
        found = place.ask(client=client)
    except OSError:
        return ""
    return found.headers.get("x-road-error", str(found.status))


@pytest.mark.parametrize(
    ("member", "type_"),
    [("G22", "Server.ClientProxy.LoggingFailed"), ("G01", "Server.ServerProxy.LoggingFailed")],
    ids=["asking", "providing"],
)
def test_a_full_disk_stops_traffic_with_the_documented_error_and_leaves_the_log_whole(
    nursery: Nursery, member: str, type_: str
) -> None:
    place = nursery.place
    state = place.seats[member].gateway_state
    folder = state / "log"
    folder.mkdir(exist_ok=True)
    with disk(folder, FULL), running(nursery, {}) as client:
        while (answer := place.ask(client=client)).status == 200:
            pass
        assert (answer.headers["x-road-error"], answer.headers["retry-after"]) == (type_, "1")
        delivered = len(lines(place.var / "provider"))
        found = [place.ask(client=client) for _ in range(20)]
        assert {one.headers.get("x-road-error") for one in found} == {type_}
        assert len(lines(place.var / "provider")) == delivered, "what no log holds reaches no system"
        mount("-o", f"remount,{ROOMY}", str(folder))
        wait_for(lambda: said(place, client) == "200", "traffic when there is room again")
        key = (state / "log.key").read_bytes()
        assert reading.verify(folder, key).whole
        assert any(reading.messages(folder, key))


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    mount("-t", "tmpfs", "-o", size, "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@pytest.mark.parametrize("ahead", [ASKING, PROVIDING])
def test_clocks_two_hours_apart_are_refused_with_the_reason(nursery: Nursery, ahead: str) -> None:
    with running(nursery, {ahead: 2 * HOUR}) as client:
        answer = nursery.place.ask(client=client)
        assert answer.headers["x-road-error"] == "Server.ServerProxy.InvalidRequest"
        assert b"or the clocks differ" in answer.body


def test_clocks_four_minutes_apart_are_tolerated(nursery: Nursery) -> None:
    with running(nursery, {ASKING: 240}) as client:
        assert said(nursery.place, client) == "200"


@pytest.mark.parametrize(("hours", "outcome"), [(1, "200"), (23, "200"), (25, "Server.ClientProxy.OutdatedGlobalConf")])
def test_without_the_directory_traffic_goes_on_until_the_configuration_has_expired(
    nursery: Nursery, hours: int, outcome: str
) -> None:
    clocks = dict.fromkeys((ASKING, PROVIDING), hours * HOUR)
    with running(nursery, clocks) as client:
        assert said(nursery.place, client) == outcome
