"""No answer leaves a gateway before its own log holds it: what happens while a disk hangs, and when it fails."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.tests.large import FILES, MIB, Client, Files, digest
from onedoor.exchange.tests.nation import Place, System, free_base, system_of, wait_for

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


def test_a_question_reaches_no_system_before_the_log_of_its_gateway_holds_it(
    place: Place, system: System, portal: Connections
) -> None:
    wait_for(lambda: place.ask(client=portal).status == 200, "both logs are written")
    system.seen.clear()
    disk(place, "G01", HANGS)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: place.ask(client=portal))
        time.sleep(A_WHILE)
        early = list(system.seen)
        disk(place, "G01", "")
        assert answer.result(10).status == 200
    assert (early, len(system.seen)) == ([], 1)


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
