"""A whole nation: it starts with one command, comes back when any of its processes is killed, and ends whole."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from onedoor.site.up.status import status

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[4]
PORT = 26000
PARTS = ["postgres", "directory", "gateway-G01", "gateway-G22", "node-G15", "portal-worker", "portal-web"]
FLOOR_MIB = 1536


def start(var: Path, port: int = PORT) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "onedoor.site", "up", "--var", str(var), "--port", str(port), "--people", "300"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ONEDOOR_")}
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def record(var: Path) -> dict:
    return json.loads((var / "run.json").read_text())


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def ready(up: subprocess.Popen[str], var: Path) -> bool:
    """Return whether *up* is ready; fail with its words when it ended."""
    assert up.poll() is None, up.communicate()[0]
    return (var / "run.json").exists() and record(var)["pid"] == up.pid and record(var)["ready"]


def wait_for(what, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def alive(pids: set[int], var: Path) -> set[int]:
    """Return those of *pids* that still run (a number may have been given to somebody else meanwhile)."""
    found = set()
    for pid in pids:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(var).encode() in environ:
            found.add(pid)
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    var = tmp_path_factory.mktemp("nation") / "var"
    up = start(var)
    lines = []
    for line in up.stdout:
        lines.append(line)
        if line.startswith(("Ready", "onedoor:")):
            break
    assert lines[-1].startswith("Ready"), "".join(lines)
    yield up, var
    pids = {one["pid"] for one in record(var)["processes"].values()} if (var / "run.json").exists() else set()
    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=60)
    assert up.returncode == 0, said
    assert alive(pids, var) == set()
    assert not (var / "run.json").exists()


def test_a_second_run_beside_the_first_is_refused_in_a_sentence(running):
    _, var = running
    second = start(var, PORT + 1000)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "already runs" in said
    assert "Traceback" not in said
    other = start(var.with_name("other"), PORT)
    said, _ = other.communicate(timeout=60)
    assert other.returncode == 2
    assert f"Port {PORT} is taken" in said
    assert answers(PORT)


@pytest.mark.parametrize("name", PARTS)
def test_a_process_that_is_killed_comes_back_by_itself(running, name):
    _, var = running
    before = record(var)["processes"][name]
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: record(var)["processes"][name]["pid"] not in (0, before["pid"]), 20)
    assert record(var)["processes"][name]["restarts"] == before["restarts"] + 1
    wait_for(lambda: all(answers(PORT + place) for place in range(5)), 60)


def test_the_memory_of_all_processes_stays_below_the_floor(running):
    _, var = running
    assert 0 < status(var)["pss_mib"] < FLOOR_MIB


@pytest.fixture
def starts():
    """Start nations that end with the test, whatever happens."""
    begun = []

    def begin(var: Path, port: int) -> subprocess.Popen[str]:
        begun.append(start(var, port))
        return begun[-1]

    yield begin
    for up in begun:
        up.kill()
        up.wait()
        up.stdout.close()


def test_nothing_is_orphaned_when_the_supervisor_is_killed_and_it_starts_again_on_old_data(tmp_path, starts):
    var, port = tmp_path / "var", PORT - 2000
    up = starts(var, port)
    wait_for(lambda: ready(up, var), 200)
    pids = {one["pid"] for one in record(var)["processes"].values()}
    up.kill()
    wait_for(lambda: not alive(pids, var), 30)
    again = starts(var, port)
    wait_for(lambda: ready(again, var), 200)
    assert answers(port)
    again.terminate()
    again.wait(timeout=60)
    assert again.returncode == 0
