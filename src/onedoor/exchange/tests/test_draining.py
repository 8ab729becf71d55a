"""A gateway that is told to stop answers what it has taken, takes nothing more, and says so."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from onedoor.exchange.connections import Connections, Response
from onedoor.exchange.tests.nation import Place, System, wait_for


class Slow:
    """A system that answers when it is let."""

    def __init__(self, system: System) -> None:
        self.let = threading.Event()
        system.reply = self.reply

    def reply(self, asked: dict[str, object]) -> tuple[int, bytes, str]:
        self.let.wait(10)
        return 200, b'{"late": true}', ""


@pytest.fixture
def slow(system: System) -> Iterator[Slow]:
    slow = Slow(system)
    yield slow
    slow.let.set()
    system.reply = None


@pytest.mark.parametrize("name", ["gateway-G22", "gateway-G01"])
def test_a_request_under_way_is_answered_and_the_next_is_told_to_come_again(
    place: Place, system: System, slow: Slow, portal: Connections, name: str
) -> None:
    answers: list[Response] = []
    asking = threading.Thread(target=lambda: answers.append(place.ask(client=portal)))
    seen = len(system.seen)
    asking.start()
    wait_for(lambda: len(system.seen) > seen, "the system was not asked")
    process = place.running.pop(name)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert process.poll() is None, "it ended before its answer"
    assert not answers
    slow.let.set()
    asking.join(10)
    assert [(one.status, one.body) for one in answers] == [(200, b'{"late": true}')]
    assert process.wait(10) == 0
    place.start(name)
    wait_for(lambda: place.ask(client=portal).status == 200, f"{name} does not come back")


def test_a_gateway_that_is_stopping_refuses_what_comes_and_says_to_try_again(
    place: Place, system: System, slow: Slow, portal: Connections
) -> None:
    resting = [place.client() for _ in range(2)]
    slow.let.set()
    for one in resting:
        place.ask(client=one)
    slow.let.clear()
    asking = threading.Thread(target=lambda: place.ask(client=resting[0]))
    seen = len(system.seen)
    asking.start()
    wait_for(lambda: len(system.seen) > seen, "the system was not asked")
    process = place.running.pop("gateway-G22")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    refused = place.ask(client=resting[1])
    assert refused.headers["x-road-error"] == "Server.ClientProxy.NetworkError"
    assert refused.headers["retry-after"] == "1"
    assert len(system.seen) == seen + 1
    slow.let.set()
    asking.join(10)
    assert process.wait(10) == 0
    for one in resting:
        one.close()
    place.start("gateway-G22")
