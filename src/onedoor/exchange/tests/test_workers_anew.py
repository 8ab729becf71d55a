"""A gateway of several workers that becomes what is installed now: all its processes do, and nobody is turned away."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onedoor.exchange.tests.nation import Place, free_base, system_of, wait_for
from onedoor.exchange.tests.test_starting_anew import Load, ready
from onedoor.exchange.tests.test_workers import ASKING, PROVIDING, WORKERS, parent_of, several, watched, workers

__all__ = ["several"]


def times(pid: int) -> int:
    """Return how often the process became another program; -1 once it has ended."""
    try:
        told = Path(f"/proc/{pid}/environ").read_text().split("\0")
    except OSError:
        return -1
    return int(dict(one.partition("=")[::2] for one in told).get("LISTEN_ANEW", "0"))


@pytest.mark.parametrize("name", [ASKING, PROVIDING])
def test_no_request_is_lost_while_all_its_processes_become_another_program(several: Place, name: str) -> None:
    keeper = several.running[name]
    with system_of(several, "G01") as system:
        ready(several, system)
        before = workers(several, name)
        assert len(before) == WORKERS
        for time in (1, 2):
            with Load(several) as load:
                wait_for(lambda load=load: len(load.answers) > 20, "they ask")
                keeper.send_signal(signal.SIGHUP)
                wait_for(lambda time=time: times(keeper.pid) == time, "who keeps the workers is another program", 60)
                asked = len(load.answers)
                wait_for(lambda load=load, asked=asked: len(load.answers) > asked + 20, "they go on asking")
            assert set(load.answers) == {(200, "")}
            assert [times(one) for one in before] == [time] * WORKERS
            assert workers(several, name) == before, "the same processes"
    wait_for(lambda: '"ok"' in watched(several, name, "/health"), "its health")


def test_who_keeps_the_workers_keeps_them_as_another_program_too(several: Place) -> None:
    keeper = several.running[ASKING]
    already = times(keeper.pid)
    keeper.send_signal(signal.SIGHUP)
    wait_for(lambda: times(keeper.pid) > already, "another program", 60)
    before = workers(several, ASKING)
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len(set(workers(several, ASKING)) - {before[0]}) == WORKERS, "another worker")
    wait_for(lambda: '"ok"' in watched(several, ASKING, "/health"), "its health")
    running = workers(several, ASKING)
    several.kill(ASKING, signal.SIGKILL)
    wait_for(lambda: not any(parent_of(one) for one in running), "their end")
    several.start(ASKING)


@pytest.mark.parametrize(
    ("gone", "said", "stay"),
    [("gateway.json", "gateway.not_renewed", WORKERS), ("outer.pem", "worker.not_renewed", WORKERS - 1)],
)
def test_where_one_does_not_come_back_the_others_stay_as_they_are_and_where_none_would_all_do(
    several: Place, gone: str, said: str, stay: int
) -> None:
    keeper, state = several.running[ASKING], several.seats["G22"].gateway_state
    wait_for(lambda: '"ok"' in watched(several, ASKING, "/health"), "its health")
    before, own = workers(several, ASKING), state / gone
    told = {one: times(one) for one in [*before, keeper.pid]}
    away = own.rename(state / "away")
    keeper.send_signal(signal.SIGHUP)
    wait_for(lambda: said in several.output(ASKING), "it is said", 60)
    away.rename(own)
    assert len([one for one in before if times(one) == told[one]]) == stay
    assert times(keeper.pid) == told[keeper.pid]
    wait_for(lambda: '"ok"' in watched(several, ASKING, "/health"), "its health")


def test_a_worker_that_comes_back_and_answers_nothing_is_not_renewed_and_others_are_started_anew_meanwhile(
    tmp_path: Path,
) -> None:
    impatient = "from onedoor.exchange.gateway import workers; workers.RENEWED_WITHIN = 6.0"
    with Place(tmp_path, free_base(), before=impatient) as place:
        place.environments[ASKING]["ONEDOOR_WORKERS"] = str(WORKERS)
        place.start("directory", ASKING)
        state, keeper, before = place.seats["G22"].gateway_state, place.running[ASKING], workers(place, ASKING)
        own = (state / "configuration.signed").read_bytes()
        with waited_for(state / "configuration.signed", own):
            keeper.send_signal(signal.SIGHUP)
            wait_for(lambda: any(times(one) for one in before), "the first is another program")
            first, second = sorted(before, key=times, reverse=True)
            os.kill(second, signal.SIGKILL)
            wait_for(lambda: len(set(workers(place, ASKING)) - {second}) == WORKERS, "another worker")
            assert "worker.not_renewed" not in place.output(ASKING)
            wait_for(lambda: "worker.not_renewed" in place.output(ASKING), "it is said")
            assert (times(first), times(keeper.pid)) == (1, 0)
        wait_for(lambda: '"ok"' in watched(place, ASKING, "/health"), "its health")


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_who_is_told_of_another_number_of_workers_meanwhile_goes_on_as_it_began(
    tmp_path: Path, first: int, then: int
) -> None:
    number = tmp_path / "workers"
    told = f"import os, pathlib; os.environ['ONEDOOR_WORKERS'] = pathlib.Path({str(number)!r}).read_text()"
    with Place(tmp_path, free_base(), before=told) as place:
        number.write_text(str(first))
        place.start("directory", ASKING)
        wait_for(lambda: '"ok"' in watched(place, ASKING, "/health"), "its health")
        keeper, before = place.running[ASKING], workers(place, ASKING)
        number.write_text(str(then))
        keeper.send_signal(signal.SIGHUP)
        wait_for(lambda: times(keeper.pid) == 1, "another program", 60)
        wait_for(lambda: '"ok"' in watched(place, ASKING, "/health"), "its health")
        assert workers(place, ASKING) == before
        assert len(before) == (first if first > 1 else 0)


@contextmanager
def waited_for(path: Path, content: bytes) -> Iterator[None]:
    """Let whoever reads *path* wait until the end, and then find *content*."""
    path.unlink()
    os.mkfifo(path)
    try:
        yield
    finally:
        pipe = path.rename(path.with_name("pipe"))
        path.write_bytes(content)
        os.close(os.open(pipe, os.O_RDWR))
