"""A gateway that starts anew turns nobody away: neither its own systems nor other gateways notice."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.tests.nation import Place, System, free_base, system_of, wait_for

ASKING = 4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        place.start("directory", "gateway-G22", "gateway-G01")
        yield place


class Load:
    """Clients that ask without a pause, each on a connection that it keeps."""

    def __init__(self, place: Place) -> None:
        self._place, self._stopped = place, threading.Event()
        self.answers: list[tuple[int, str]] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(ASKING)]

    def _ask(self) -> None:
        client: Connections = self._place.client()
        while not self._stopped.is_set():
            answer = self._place.ask(client=client)
            self.answers.append((answer.status, answer.headers.get("x-road-error", "")))
        client.close()

    def __enter__(self) -> "Load":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for one in self._threads:
            one.join(15)


@pytest.mark.parametrize("name", ["gateway-G22", "gateway-G01"])
def test_no_request_is_lost_while_a_gateway_starts_anew(place: Place, name: str) -> None:
    process = place.running[name]
    started = place.output(name).count("gateway.started")
    with system_of(place, "G01") as system:
        ready(place, system)
        resting = place.client()
        assert place.ask(client=resting).status == 200
        with Load(place) as load:
            wait_for(lambda: len(load.answers) > 20, "they ask")
            process.send_signal(signal.SIGHUP)
            wait_for(lambda: place.output(name).count("gateway.started") > started, f"{name} does not start anew", 30)
            before = len(load.answers)
            wait_for(lambda: len(load.answers) > before + 20, "they go on asking")
        assert place.ask(client=resting).status == 200
        resting.close()
    assert set(load.answers) == {(200, "")}
    assert process.poll() is None, "it is the same process"


def ready(place: Place, system: System) -> None:
    client = place.client()
    wait_for(lambda: place.ask(client=client).status == 200, "the exchange is ready")
    client.close()
    assert system.seen


def test_what_is_under_way_is_answered_first(place: Place) -> None:
    let = threading.Event()

    def reply(_: dict[str, object]) -> tuple[int, bytes, str]:
        let.wait(10)
        return 200, b'{"late": true}', ""

    with system_of(place, "G01") as system:
        ready(place, system)
        system.reply, seen, answers = reply, len(system.seen), []
        client = place.client()
        asking = threading.Thread(target=lambda: answers.append(place.ask(client=client).body))
        asking.start()
        wait_for(lambda: len(system.seen) > seen, "the system was not asked")
        os.kill(place.running["gateway-G01"].pid, signal.SIGHUP)
        time.sleep(0.5)
        assert not answers
        let.set()
        asking.join(10)
        client.close()
        assert answers == [b'{"late": true}']


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_who_is_told_to_stop_while_it_starts_anew_stops(place: Place, after: float) -> None:
    process = place.running.pop("gateway-G01")
    process.send_signal(signal.SIGHUP)
    time.sleep(after)
    process.terminate()
    assert process.wait(10) == 0
    place.start("gateway-G01")
