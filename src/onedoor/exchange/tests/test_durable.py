"""No answer leaves a gateway before its own log holds it: what happens while a disk hangs, and when it fails."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.gateway import batches, log
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.large import FILES, MIB, Client, Files, digest
from onedoor.exchange.tests.nation import PROVIDER, Place, System, free_base, system_of, wait_for
from onedoor.kernel.ids import uuid7_text

HANGS, FAILS = "hangs", "fails"
DISK = """
import errno, os, pathlib, time
whole, disk = os.fdatasync, pathlib.Path(os.environ["ONEDOOR_STATE"], "disk")
def fdatasync(handle):
    while (found := disk.exists() and disk.read_text()) == "hangs":
        time.sleep(0.01)
    if found == "fails":
        raise OSError(errno.EIO, "broken")
    whole(handle)
os.fdatasync = fdatasync
"""
"""A disk that is as the file ``disk`` in the state folder of its gateway says."""
CASE = f"/r1/{PROVIDER}/cases/one"
HAND_OVER = {"Onedoor_Purpose": "hand-over", "Onedoor_Basis": "nd63-2024.4.5"}
"""A service that is offered by every method, and what it is asked for."""
A_WHILE = 0.4
"""Seconds in which an answer that does not wait for the disk would long have come."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("var"), free_base(), before=DISK)
    try:
        place.start("directory", "gateway-G22", "gateway-G01")
        yield place
    finally:
        for member in ("G22", "G01"):
            disk(place, member, "")
        place.stop()


@pytest.mark.parametrize("end", ["", FAILS], ids=["goes-on", "fails"])
@pytest.mark.parametrize("member", ["G22", "G01"], ids=["asking", "providing"])
def test_an_answer_waits_for_the_log_of_each_side_and_is_none_without_it(
    place: Place, system: System, portal: Connections, member: str, end: str
) -> None:
    wait_for(lambda: place.ask(client=portal).status == 200, "both logs are written")
    asked = Event()

    def reply(_: object) -> tuple[int, bytes, str]:
        disk(place, member, HANGS)  # the question is in every log: what hangs is the answer
        asked.set()
        return 200, b"{}", ""

    system.reply = reply
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: place.ask(client=portal))
        assert asked.wait(10)
        time.sleep(A_WHILE)
        early = answer.done()
        disk(place, member, end)
        found = answer.result(10)
    disk(place, member, "")
    assert not early
    assert (found.status == 200, "x-road-error" in found.headers) == (not end, bool(end))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_may_change_something_reaches_no_system_before_the_log_of_its_gateway_holds_it(
    place: Place, system: System, portal: Connections, method: str
) -> None:
    early, _ = while_the_disk_hangs(place, system, portal, method)
    assert (early, len(system.seen)) == ([], 1)


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_what_only_reads_is_forwarded_meanwhile_and_its_answer_waits_for_the_log(
    place: Place, system: System, portal: Connections, method: str
) -> None:
    early, answered = while_the_disk_hangs(place, system, portal, method)
    assert (len(early), len(system.seen), answered) == (1, 1, False)


def test_nothing_is_forwarded_that_the_log_could_not_even_take(
    place: Place, system: System, portal: Connections
) -> None:
    def asked() -> str:
        system.seen.clear()
        found = place.ask(CASE, client=portal, method="GET", **HAND_OVER)
        return found.headers.get("x-road-error", "").rpartition(".")[2]

    wait_for(lambda: not asked(), "both logs are written")
    disk(place, "G01", FAILS)
    faults = [asked(), asked()]  # the first finds out, the second comes while nothing can be written
    forwarded = list(system.seen)
    disk(place, "G01", "")
    wait_for(lambda: not asked(), "the log is written again")
    assert (faults, forwarded) == (["LoggingFailed", "LoggingFailed"], [])


def test_what_only_reads_waits_with_what_it_came_with(place: Place, system: System) -> None:
    """A batch has one record: it is on the disk before any of it is forwarded when some of it may change something."""
    hostile = HostileGateway(place)
    lookup = head_of(X_Road_Request_Id="with-1")
    read = head_of(CASE, method=b"GET", X_Road_Request_Id="with-2", **HAND_OVER)
    disk(place, "G01", HANGS)
    with closing(hostile), ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: hostile.send(read, lookup))
        time.sleep(A_WHILE)
        early = list(system.seen)
        disk(place, "G01", "")
        assert answer.result(10)[0] == batches.RESPONSES
        wait_for(lambda: len(system.seen) == 2, "both were forwarded")
    assert early == []


def test_what_only_reads_waits_when_a_large_body_comes_with_it(place: Place, system: System) -> None:
    hostile, names = HostileGateway(place), {"X_Road_Request_Id": uuid7_text(), "Onedoor_Stream": "8"}
    disk(place, "G01", HANGS)
    with closing(hostile), ThreadPoolExecutor() as pool:
        wanted = pool.submit(lambda: hostile.send(head_of(CASE, method=b"GET", **names, **HAND_OVER), body=b""))
        time.sleep(A_WHILE)
        early = wanted.done() or bool(system.seen)
        disk(place, "G01", "")
        assert wanted.result(10)[0] == batches.CREDIT, "its body is wanted"
    assert not early


def test_what_was_read_is_no_answer_when_the_record_of_its_question_was_lost(
    place: Place, system: System, portal: Connections
) -> None:
    """Also when the disk is well again by then, and would take the record of the answer."""
    wait_for(lambda: place.ask(client=portal).status == 200, "both logs are written")

    def reply(_: object) -> tuple[int, bytes, str]:
        disk(place, "G01", FAILS)
        time.sleep(A_WHILE)
        disk(place, "G01", "")
        time.sleep(log.RETRY)
        return 200, b"{}", ""

    disk(place, "G01", HANGS)
    system.reply = reply
    found = place.ask(CASE, client=portal, method="GET", **HAND_OVER)
    assert found.headers["x-road-error"] == "Server.ServerProxy.LoggingFailed"


def while_the_disk_hangs(place: Place, system: System, portal: Connections, method: str) -> tuple[list[object], bool]:
    """Ask while the provider's disk hangs; return what its system saw, and whether there was an answer, meanwhile."""
    wait_for(lambda: place.ask(client=portal).status == 200, "both logs are written")
    system.seen.clear()
    disk(place, "G01", HANGS)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: place.ask(CASE, client=portal, method=method, **HAND_OVER))
        time.sleep(A_WHILE)
        early, answered = list(system.seen), answer.done()
        disk(place, "G01", "")
        assert answer.result(10).status == 200
    return early, answered


@pytest.mark.parametrize("member", ["G22", "G01"], ids=["asking", "providing"])
def test_a_large_body_is_complete_when_each_log_holds_its_digest(place: Place, member: str) -> None:
    files = Files()
    with system_of(place, "G01", files), Client(place) as client:
        client.ask("GET", f"{FILES}/{8 * MIB}?wait={A_WHILE}")
        client.head()
        disk(place, member, HANGS)  # head and most of the body are on their way: what hangs is the digest
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(lambda: client.answer_of(8 * MIB))
            time.sleep(3 * A_WHILE)
            early = answer.done()
            disk(place, member, "")
            assert answer.result(10).facts == (200, 8 * MIB, digest(8 * MIB), True)
    assert not early


def disk(place: Place, member: str, state: str) -> None:
    """Let the disk of a gateway hang, fail or, with no *state*, work."""
    path = place.seats[member].gateway_state / "disk"
    draft = path.with_suffix(".draft")
    draft.write_text(state)
    draft.replace(path)
