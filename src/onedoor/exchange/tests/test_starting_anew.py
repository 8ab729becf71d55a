"""A gateway that starts anew turns nobody away: neither its own systems nor other gateways notice."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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


@pytest.mark.parametrize("gone", ["gateway.json", "python"])
def test_a_gateway_that_would_not_start_goes_on_as_it_is(place: Place, gone: str) -> None:
    place.kill("gateway-G22", signal.SIGTERM)
    state, name = place.seats["G22"].gateway_state, "gateway-G22"
    (state / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (state / "python").chmod(0o755)
    place.before = f"import sys; sys.executable = '{state}/python'"
    place.start(name)
    told = place.output(name).count("gateway.not_renewed")
    with system_of(place, "G01") as system:
        ready(place, system)
        client = place.client()
        away = (state / gone).rename(state / "away")
        place.running[name].send_signal(signal.SIGHUP)
        wait_for(lambda: place.output(name).count("gateway.not_renewed") > told, "it is said")
        assert place.ask(client=client).status == 200, "on the same connection"
        client.close()
        started = place.output(name).count("gateway.started")
        away.rename(state / gone)
        place.running[name].send_signal(signal.SIGHUP)
        wait_for(lambda: place.output(name).count("gateway.started") > started, "it starts anew")


def test_a_gateway_that_is_told_while_it_starts_does_not_end(place: Place) -> None:
    place.kill("gateway-G22", signal.SIGTERM)
    state, name = place.seats["G22"].gateway_state, "gateway-G22"
    key = (state / "log.key").rename(state / "away")
    os.mkfifo(state / "log.key")
    started = place.output(name).count("gateway.started")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(place.start, name)
        writing = os.open(state / "log.key", os.O_WRONLY)  # it reads there
        place.running[name].send_signal(signal.SIGHUP)
        key.rename(state / "log.key")
        os.write(writing, (state / "log.key").read_bytes())
        os.close(writing)
    wait_for(lambda: place.output(name).count("gateway.started") == started + 2, "it starts, and then anew")


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_who_is_told_to_stop_while_it_starts_anew_stops(place: Place, after: float) -> None:
    process = place.running.pop("gateway-G01")
    process.send_signal(signal.SIGHUP)
    time.sleep(after)
    process.terminate()
    assert process.wait(10) == 0
    place.start("gateway-G01")
