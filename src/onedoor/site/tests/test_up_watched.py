"""What a supervisor tells who watches it."""

import json
import shutil
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from onedoor.exchange.tests.nation import wait_for
from onedoor.exchange.tests.test_witness import free_port
from onedoor.kernel.watch import metrics
from onedoor.site.up.plan import Part
from onedoor.site.up.process import Process, environment_of, listens
from onedoor.site.up.supervisor import Supervisor
from onedoor.site.up.watched import watched

ANEW = """
import signal, sys, time
from onedoor.exchange.listening import become_anew
def told(*_):
    time.sleep(0.5)
    become_anew([])
signal.signal(signal.SIGHUP, told)
open({0!r}, "a").write("x")
while True: signal.pause()
"""
"""A process that becomes itself anew when it is told to, as a gateway does."""

SLOW = """
import os, pathlib, signal, socket, sys, time
from onedoor.exchange.listening import become_anew, listening
def told(*_): become_anew([kept])
with listening({0!r}) as kept: kept.listen()
while "LISTEN_ANEW" in os.environ and not pathlib.Path({2!r}).exists(): time.sleep(0.05)
host, port = {1!r}.split(":")
watched = socket.create_server((host, int(port)), reuse_port=True)
signal.signal(signal.SIGHUP, told)
while True: signal.pause()
"""
"""A process that keeps its socket and, once it is anew, goes no further than that until a file is there."""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = Process("sleeper", command, {}, tmp_path / "log", ready=lambda: True)
    yield process
    if process.child:
        process.child.kill()
        process.child.wait()


def test_who_watches_is_told_which_process_does_not_run(sleeper: Process) -> None:
    address = f"127.0.0.1:{free_port()}"

    def told(path: str) -> str:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    with watched(lambda: [sleeper], address):
        health = json.loads(told("/health"))
        assert (health["status"], health["role"]) == ("limited", "up")
        ill = health["dependencies"]["processes"]
        assert (ill["why"], ill["of"]) == ("not running now, and started anew", "sleeper")
        assert 'onedoor_up_running{process="sleeper"} 0.0' in told("/metrics")
        sleeper.start()
        assert json.loads(told("/health"))["status"] == "ok"
        assert 'onedoor_up_running{process="sleeper"} 1.0' in told("/metrics")
        assert 'onedoor_up_restarts_total{process="sleeper"} 0.0' in told("/metrics")
    assert b"sleeper" not in metrics.text()


def test_a_process_that_becomes_itself_anew_is_waited_for(tmp_path: Path) -> None:
    began = tmp_path / "began"
    command = [sys.executable, "-c", ANEW.format(str(began))]
    process = Process("one", command, {}, tmp_path / "log", ready=lambda: True, signal_to_renew=signal.SIGHUP)
    process.start()
    try:
        for times in (1, 2):
            wait_for(lambda times=times: began.exists() and len(began.read_text()) == times, "it begins")
            pid = process.pid
            process.renew()
            assert not process.renewed()
            wait_for(process.renewed, "it is another")
            assert (process.pid, process.restarts) == (pid, times)
            assert b"LISTEN_ANEW=%d" % times in environment_of(pid)
    finally:
        assert process.child
        process.child.kill()
        process.child.wait()


def test_what_relieves_a_process_and_dies_itself_is_not_started_again_at_once(sleeper: Process) -> None:
    sleeper.start()
    assert sleeper.child
    sleeper.renew()
    sleeper.child.wait()
    sleeper.command = [sys.executable, "-c", "raise SystemExit(1)"]
    assert sleeper.tend()
    assert sleeper.restarts == 1, "nobody has to wait for what was asked to end"
    sleeper.child.wait()
    sleeper.tend()
    assert (sleeper.restarts, sleeper.deaths) == (1, 1)
    assert not sleeper.renewed()


def test_a_gateway_that_began_anew_has_to_get_as_far_as_where_it_is_watched(tmp_path: Path) -> None:
    address, watch, further = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}", tmp_path / "further"
    command = (sys.executable, "-c", SLOW.format(address, watch, str(further)))
    part = Part("gateway-G01", command, {"ONEDOOR_WATCH_LISTEN": watch}, address, health=False)
    process = Supervisor._process(cast("Any", SimpleNamespace(logs=tmp_path)), part)
    process.start()
    try:
        wait_for(process.ready, "it begins")
        process.renew()
        wait_for(lambda: b"LISTEN_ANEW=1" in environment_of(process.pid), "it is another")
        assert listens(address)
        assert not process.renewed()
        further.touch()
        wait_for(process.renewed, "it is where it was")
    finally:
        assert process.child
        process.child.kill()
        process.child.wait()


def test_whoever_can_keep_its_sockets_is_told_to_begin_anew_and_others_to_end(tmp_path: Path) -> None:
    told = {
        name: Supervisor._process(cast("Any", SimpleNamespace(logs=tmp_path)), part_of(name)).signal_to_renew
        for name in ("portal-web", "gateway-G01", "gateway-G01-2", "node-G01", "directory")
    }
    anew = {name for name, number in told.items() if number == signal.SIGHUP}
    assert anew == {"portal-web", "gateway-G01", "gateway-G01-2"}


def part_of(name: str) -> Part:
    return Part(name, ("true",), {}, "127.0.0.1:1", health=False)


@pytest.fixture
def supervisor(tmp_path: Path, sleeper: Process) -> Iterator[Supervisor]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    following = cast("Any", SimpleNamespace(tend=lambda: False, digest="0123"))
    made = Supervisor(tmp_path / "var", free_port(), following)
    made.processes = [sleeper]
    yield made
    made.stopping = True
    for number, handler in before.items():
        signal.signal(number, handler)


def test_no_place_for_a_log_or_for_what_runs_ends_no_nation(supervisor: Supervisor, sleeper: Process) -> None:
    sleeper.log = supervisor.logs / "sleeper.log"
    sleeper.start()
    assert sleeper.child
    sleeper.child.kill()
    record = supervisor.var / "run.json"
    record.mkdir()
    shutil.rmtree(supervisor.logs)
    watching = Thread(target=supervisor.watch)
    watching.start()
    try:
        wait_for(lambda: sleeper.next_start > 0, "it is not seen that it died")
        first = sleeper.next_start
        wait_for(lambda: sleeper.next_start > first, "it was not tried in vain")
        assert watching.is_alive()
        supervisor.logs.mkdir()
        record.rmdir()
        wait_for(lambda: bool(sleeper.pid) and record.exists(), "it does not begin again, or is not written down")
        wait_for(lambda: json.loads(record.read_text())["processes"]["sleeper"]["pid"] == sleeper.pid, "another pid")
    finally:
        supervisor.stopping = True
        watching.join()
