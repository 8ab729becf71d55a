"""A gateway of several workers: one towards everybody else, whatever happens to one of them."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import cast

import pytest

from onedoor.exchange.connections import ConnectionLost, Connections
from onedoor.exchange.gateway import batches, providing, reading
from onedoor.exchange.gateway.keeping import Adopted, Worker
from onedoor.exchange.gateway.spread import Spread
from onedoor.exchange.gateway.workers import Workers
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.large import FILES, MIB, Client, Files, content, digest
from onedoor.exchange.tests.nation import PROVIDER, Place, System, free_base, system_of, wait_for
from onedoor.exchange.tests.test_asic import asked, unpacked
from onedoor.kernel.settings import Settings
from onedoor.kernel.watch import health
from onedoor.kernel.watch.listener import Listener

PROVIDING, ASKING = "gateway-G01", "gateway-G22"
WORKERS = 2


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        for name in (PROVIDING, ASKING):
            place.environments[name]["ONEDOOR_WORKERS"] = str(WORKERS)
        place.start("directory", PROVIDING, ASKING)
        yield place


@pytest.fixture
def answering(several: Place) -> Iterator[System]:
    with system_of(several, "G01") as system:
        yield system


@pytest.fixture
def clients(several: Place) -> Iterator[list[Connections]]:
    """Connections that the system shares out among the workers."""
    found = [several.client() for _ in range(12)]
    yield found
    for one in found:
        one.close()


def workers(place: Place, name: str) -> list[int]:
    own = str(place.running[name].pid)
    running = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return sorted(pid for pid in running if parent_of(pid) == own)


def parent_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1]
    except OSError:
        return ""


def logged(place: Place, member: str) -> list[set[str]]:
    """Return the ids in the log of each worker."""
    folder = place.seats[member].gateway_state
    key = (folder / "log.key").read_bytes()
    found = []
    for log in reading.logs(folder / "log"):
        heads = (one.message.head for one in reading.messages(log, key))
        found.append({named[1].decode() for head in heads if (named := re.search(rb"X-Road-Id:([^\r]*)", head))})
    return found


def watched(place: Place, name: str, path: str) -> str:
    address = place.environments[name]["ONEDOOR_WATCH_LISTEN"]
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:  # 503: a worker is on its way
        return str(error.read().decode())
    except OSError:
        return ""


def test_both_workers_of_both_gateways_carry_messages(
    several: Place, answering: System, clients: list[Connections]
) -> None:
    ids = [f"shared-{number}" for number in range(len(clients))]
    for client, one in zip(clients, ids, strict=True):
        assert several.ask(client=client, X_Road_Id=one).status == 200
    for member in ("G22", "G01"):
        found = [some & set(ids) for some in logged(several, member)]
        assert set().union(*found) == set(ids)
        assert not set.intersection(*found), "each message is in one worker's log"
    assert all(some & set(ids) for some in logged(several, "G22"))
    assert reading.verify_gateway(several.seats["G22"].gateway_state).whole


def test_links_of_one_gateway_are_shared_out_among_the_workers_of_the_other(several: Place, answering: System) -> None:
    ids = {f"link-{number}" for number in range(20)}
    with ExitStack() as stack:
        for one in ids:
            link = stack.enter_context(closing(HostileGateway(several)))
            assert link.send(head_of(X_Road_Id=one))[0] == batches.RESPONSES
        found = [some & ids for some in logged(several, "G01")]
    assert set().union(*found) == ids
    assert all(found), "a worker had none"
    assert len(answering.seen) == len(ids)


def test_a_worker_is_crowded_that_has_two_links_of_a_peer_more_than_another() -> None:
    first = Spread(of=2)
    second = Spread(first.file, 1, 2)
    first.add("a", 1)
    assert not first.crowded("a")
    first.add("a", 1)
    assert (first.crowded("a"), first.crowded("b"), second.crowded("a")) == (True, False, False)
    second.add("a", 1)
    assert not first.crowded("a")
    Spread(first.file, 1, 2)  # it was started anew
    assert first.crowded("a")
    first.add("a", -1)
    assert not first.crowded("a")
    alone = Spread()
    alone.add("a", 5)
    assert not alone.crowded("a")


def test_links_that_one_worker_has_while_the_other_has_none_are_shared_out_anew(
    several: Place, answering: System
) -> None:
    with ExitStack() as stack:
        links = {f"spread-{number}": stack.enter_context(closing(HostileGateway(several))) for number in range(12)}
        for one, link in links.items():
            assert link.send(head_of(X_Road_Id=one))[0] == batches.RESPONSES
        many, few = sorted((some & links.keys() for some in logged(several, "G01")), key=len, reverse=True)
        for one in few:
            links[one].close()
        until = time.monotonic() + providing.SETTLED + 3
        told = {one: heard(links[one], until) for one in many}
    left = [one for one, frame in told.items() if frame == bytes([batches.REFUSED]) + batches.LEAVING]
    assert len(left) >= len(many) - 3, "all but as many as the other worker has of the gateway itself, and one"


def heard(link: HostileGateway, until: float) -> bytes:
    """Return the frame that comes on *link* by *until* (monotonic), or nothing."""
    link.socket.settimeout(max(0.1, until - time.monotonic()))
    try:
        return link.receive()
    except TimeoutError:
        return b""


def test_an_id_is_served_once_by_whichever_worker(
    several: Place, answering: System, clients: list[Connections]
) -> None:
    statuses = [several.ask(client=client, X_Road_Id="only-once").status for client in clients]
    assert (statuses.count(200), len(answering.seen)) == (1, 1)


def test_evidence_is_handed_out_by_whichever_worker(
    several: Place, answering: System, clients: list[Connections]
) -> None:
    assert several.ask(client=clients[0], X_Road_Id="evidence").status == 200
    for client in clients:
        assert len(unpacked(asked(client, "evidence", more="&force").body)) == 2
    provider = [several.client("G01") for _ in range(6)]
    for client in provider:
        assert len(unpacked(asked(client, "evidence", PROVIDER, more="&force").body)) == 2
        client.close()


def test_a_worker_that_is_killed_is_started_anew_and_touches_no_other(
    several: Place, answering: System, clients: list[Connections]
) -> None:
    for number, client in enumerate(clients):
        assert several.ask(client=client, X_Road_Id=f"before-{number}").status == 200
    before = workers(several, ASKING)
    assert len(before) == WORKERS
    os.kill(before[0], signal.SIGKILL)
    served = 0
    for number, client in enumerate(clients):
        try:
            served += several.ask(client=client, X_Road_Id=f"after-{number}").status == 200
        except (ConnectionLost, OSError):
            continue
    assert served, "the other worker goes on"
    wait_for(lambda: len(set(workers(several, ASKING)) - {before[0]}) == WORKERS, "another worker")
    wait_for(lambda: '"ok"' in watched(several, ASKING, "/health"), "its health")


def test_an_id_is_refused_after_its_worker_was_killed(several: Place, answering: System) -> None:
    client = several.client()
    assert several.ask(client=client, X_Road_Id="remembered").status == 200
    before = workers(several, PROVIDING)
    for one in before:
        os.kill(one, signal.SIGKILL)
    wait_for(lambda: len(set(workers(several, PROVIDING)) - set(before)) == WORKERS, "other workers")
    wait_for(lambda: several.ask(client=client).status == 200, "the link is made again")
    assert several.ask(client=client, X_Road_Id="remembered").headers["x-road-error"] == (
        "Server.ServerProxy.InvalidRequest"
    )
    client.close()


def test_who_watches_is_told_of_every_worker(several: Place, answering: System, clients: list[Connections]) -> None:
    for client in clients:
        assert several.ask(client=client).status == 200
    figures = watched(several, ASKING, "/metrics")
    for number in range(WORKERS):
        assert re.search(rf'^onedoor_exchange_messages_total{{.*worker="{number}".*}} [1-9]', figures, re.MULTILINE)
    assert figures.count("# TYPE onedoor_exchange_messages_total counter") == 1
    assert re.findall(r'"(worker \d)"', watched(several, ASKING, "/health")) == ["worker 0", "worker 1"]


def test_a_worker_whose_figures_cannot_be_taken_hides_those_of_no_other() -> None:
    def broken() -> bytes:
        raise RuntimeError

    well = health.Health("gateway", "G22", ())
    kept = Workers.__new__(Workers)
    kept._settings, kept._workers = cast("Settings", SimpleNamespace(watch_token="")), []
    for number, figures in enumerate((broken, lambda: b"# TYPE some gauge\nsome 7.0\n")):
        told = Listener("127.0.0.1:0", "", well, figures)
        Thread(target=told.serve_forever, daemon=True).start()
        kept._workers.append(Worker(number, told.socket))
    found = [(sample.labels, sample.value) for one in kept.collect() for sample in one.samples]
    assert found == [({"worker": "1"}, 7.0)]


def test_a_child_of_which_it_is_known_that_it_ended_is_none_any_more() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    found = Adopted(child.pid)
    assert found.poll() is not None
    found.send_signal(signal.SIGTERM)


def test_workers_end_with_who_keeps_them(several: Place) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        running = workers(several, ASKING)
        assert len(running) == WORKERS
        several.kill(ASKING, number)
        wait_for(lambda running=running: not any(parent_of(one) for one in running), "their end")
        several.start(ASKING)
        wait_for(lambda: '"ok"' in watched(several, ASKING, "/health"), "health")


def test_fewer_workers_look_after_the_logs_of_those_before(
    several: Place, answering: System, clients: list[Connections]
) -> None:
    for number, client in enumerate(clients):
        assert several.ask(client=client, X_Road_Id=f"many-{number}").status == 200
    several.kill(ASKING, signal.SIGTERM)
    several.environments[ASKING]["ONEDOOR_WORKERS"] = "1"
    several.start(ASKING)
    client = several.client()
    for number in range(len(clients)):
        assert len(unpacked(asked(client, f"many-{number}", more="&force").body)) == 2
    client.close()


def test_large_bodies_pass_whichever_workers_carry_them(several: Place) -> None:
    files = Files()
    with system_of(several, "G01", files):
        for _ in range(4):
            with Client(several) as client:
                client.ask("GET", f"{FILES}/{2 * MIB}")
                assert client.answer().facts == (200, 2 * MIB, digest(2 * MIB), True)
                client.upload(f"{FILES}/one", content(2 * MIB), 2 * MIB)
                assert client.answer().status == 201
    assert files.taken == [(2 * MIB, digest(2 * MIB), True)] * 4
