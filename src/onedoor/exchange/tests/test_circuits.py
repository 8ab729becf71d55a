"""What fails several times in a row is spared: its messages fail at once, others are untouched, and it comes back."""

import json
import math
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.gateway import batches, local, nodes, providing
from onedoor.exchange.gateway.circuits import FAILURES, REST, Circuit
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.nation import LOOKUP, PROVIDER, WHY, Place, free_base, system_of, wait_for
from onedoor.exchange.tests.test_watching import ask

POPULATION, READS = f"{PROVIDER}/population", f"/r1/{PROVIDER}/reads/mine"
RESIDENCE = f"/r1/{PROVIDER}/residence/lookup"
OPENAPI = f"/r1/{PROVIDER}/getOpenAPI?serviceCode=population"
TO_DEAD = "/r1/VN/GOV/G15/CIVIL-STATUS/births/lookup"
APART = 390
"""How far from the base port one service has a system of its own."""
LINKS = 6
SHORT = f"""
from onedoor.exchange.gateway import asking, nodes, providing, wire
asking.CONNECT = nodes.LOOK = 1.0
providing.MOST_LINKS, wire.FRAME_WITHIN = {LINKS}, 1.0
"""


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two gateways, of whose provider one service is impatient, and one has a system of its own that is looked at."""
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        place.before = SHORT
        path = place.seats["G01"].gateway_state / local.FILE
        data = json.loads(path.read_text())
        services = {one["service"].rpartition("/")[2]: one for one in data["services"]}
        services["population"]["timeout"] = 1.0
        services["reads"] |= {"url": apart(place, "https://"), "description": "", "health": "/how?"}
        path.write_text(json.dumps(data))
        place.start("gateway-G22", "gateway-G01")
        yield place


@pytest.fixture
def asking(parted: Place) -> Iterator[Connections]:
    client = parted.client()
    yield client
    client.close()


def apart(place: Place, scheme: str = "") -> str:
    return f"{scheme}127.0.0.1:{place.base + APART}"


def opened(place: Place, name: str, to: str) -> bool:
    """Return whether the circuit of *name* towards *to* is open, as its figures and its health say alike."""
    mark = f'onedoor_exchange_circuit_open{{to="{to}"}} '
    found = [line.removeprefix(mark) for line in ask(place, name, "/metrics")[1].splitlines() if line.startswith(mark)]
    return found == ["1.0"]


def why(answer: Response) -> tuple[str, str]:
    told = json.loads(answer.body)
    return str(told["type"]), str(told["message"])


def at_once(place: Place, number: int, target: str = LOOKUP) -> list[Response]:
    client = place.client()
    found = client.exchange([Request("POST", target, WHY, b"{}")] * number, 10)
    client.close()
    assert all(isinstance(one, Response) for one in found)
    return [one for one in found if isinstance(one, Response)]


def described(client: Connections) -> Response:
    (found,) = client.exchange([Request("GET", OPENAPI, WHY, b"")], 10)
    assert isinstance(found, Response)
    return found


def test_an_open_circuit_lets_one_try_at_a_time_and_closes_when_that_succeeds() -> None:
    circuit = Circuit("it")
    for _ in range(FAILURES - 1):
        circuit.failed(10.0)
    assert not circuit.wait(10.0)
    circuit.failed(10.0)
    assert (circuit.open, circuit.wait(10.5), circuit.wait(10 + REST)) == (True, 2, 0)
    circuit.trying(50.0)
    circuit.trying(20.0)  # a look at how it is
    assert circuit.wait(30.0) == REST
    assert not circuit.wait(50.0)  # a try of which nothing was heard keeps nobody away for ever
    circuit.failed(14.0)
    assert circuit.wait(15.5) == 1
    circuit.held()
    assert not circuit.wait(14.1)


def test_what_is_asked_how_it_is_is_tried_by_nobody_until_it_says_that_it_is_well() -> None:
    circuit = Circuit("it")
    circuit.failed(10.0, times=FAILURES, rest=math.inf)
    circuit.trying(11.0)  # the next look, which is late
    assert circuit.wait(12.0) == circuit.wait(1e9) == REST
    circuit.failed(13.0)  # a message that was under way, or a connection that could not be made
    assert circuit.wait(1e9) == REST
    circuit.held()
    assert not circuit.wait(12.1)
    circuit.failed(20.0, times=FAILURES)
    assert not circuit.wait(20 + REST), "an end of the rest of before is not waited for"


def test_a_service_that_does_not_answer_is_spared_and_the_others_of_its_system_are_served(
    parted: Place, asking: Connections
) -> None:
    with system_of(parted, "G01") as system:
        system.silent = "/population/"
        late = [*at_once(parted, FAILURES - 1), described(asking)]
        assert {why(one)[1] for one in late} == {"The service did not answer in time"}
        spared = parted.ask(client=asking, X_Road_Id="spared")
        assert why(spared) == ("Server.ServerProxy.NetworkError", "The service failed several times in a row")
        assert why(described(asking)) == why(spared)
        assert len(system.seen) == FAILURES  # it was not asked again
        assert spared.headers["retry-after"] in ("1", "2")
        assert opened(parted, "gateway-G01", POPULATION)
        assert POPULATION in json.loads(ask(parted, "gateway-G01", "/health")[1])["dependencies"]["circuits"]["of"]
        assert parted.ask(RESIDENCE, client=asking).status == 200
        system.silent = ""
        time.sleep(REST)
        assert parted.ask(client=asking, X_Road_Id="spared").status == 200  # it was not received before
        assert not opened(parted, "gateway-G01", POPULATION)
    assert len(system.seen) == FAILURES + 2


def test_a_system_that_says_it_is_not_well_is_spared_until_it_is(parted: Place, asking: Connections) -> None:
    own = {"X_Road_Issue": "", "Onedoor_Purpose": "own-case"}
    with system_of(parted, "G01", at=apart(parted)) as system:
        wait_for(lambda: bool(system.seen), "the first look")
        system.reply = lambda asked: (503 if asked["path"] == "/how?" else 200, b"{}", "")
        wait_for(lambda: opened(parted, "gateway-G01", apart(parted)), "it is not well")
        assert why(parted.ask(READS, client=asking, **own))[1] == "The service failed several times in a row"
        assert all(one["path"] == "/how?" for one in system.seen)
        system.reply = None
        wait_for(lambda: not opened(parted, "gateway-G01", apart(parted)), "it is well again")
        assert parted.ask(READS, client=asking, **own).status == 200


def test_a_gateway_that_hangs_is_spared_and_tried_again(parted: Place, asking: Connections) -> None:
    host, _, port = parted.seats["G15"].address(200).rpartition(":")
    dead = parted.seats["G15"].gateway_id
    with closing(socket.create_server((host, int(port)))):  # it accepts, and never answers
        for _ in range(FAILURES):
            assert "several times" not in why(parted.ask(TO_DEAD, client=asking))[1]
        spared = parted.ask(TO_DEAD, client=asking)
    assert why(spared) == ("Server.ClientProxy.NetworkError", f"The gateway {dead} failed several times in a row")
    assert spared.headers["retry-after"] in ("1", "2")
    assert opened(parted, "gateway-G22", dead)
    parted.start("gateway-G15")
    wait_for(lambda: "ServerProxy" in parted.ask(TO_DEAD, client=asking).headers["x-road-error"], "it comes back", 5)
    assert not opened(parted, "gateway-G22", dead)


def test_a_system_that_hangs_does_not_stop_the_link_for_the_others_behind_its_gateway() -> None:
    assert nodes.MOST_CONNECTIONS + nodes.MOST_WAITING < providing.MOST_SERVED


def ended(connection: socket.socket) -> bool:
    """Return whether the other end closes *connection* within seconds, without a word."""
    connection.settimeout(5)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_gateway_has_a_number_of_links_and_a_time_for_a_frame(parted: Place, asking: Connections) -> None:
    with ExitStack() as stack:
        held = [HostileGateway(parted) for _ in range(LINKS + 2)]
        for one in held:
            stack.callback(one.close)
        slow, over = held[0].socket, held[LINKS:]
        slow.sendall(batches.FRAME.pack(1000, batches.REQUESTS) + b"x")
        assert all(ended(one.socket) for one in over)
        assert ended(slow)
        answer = held[1].send(head_of())  # who has nothing to say is left alone
        assert answer[0] == batches.RESPONSES
    with system_of(parted, "G01"):
        wait_for(lambda: parted.ask(RESIDENCE, client=asking).status == 200, "others are served")
