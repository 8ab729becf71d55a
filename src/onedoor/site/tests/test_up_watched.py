"""What a supervisor tells who watches it."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.exchange.tests.test_witness import free_port
from onedoor.kernel.watch import metrics
from onedoor.site.up.process import Process
from onedoor.site.up.watched import watched


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
        assert health["dependencies"]["processes"]["why"] == "sleeper: not running now, and started anew"
        assert 'onedoor_up_running{process="sleeper"} 0.0' in told("/metrics")
        sleeper.start()
        assert json.loads(told("/health"))["status"] == "ok"
        assert 'onedoor_up_running{process="sleeper"} 1.0' in told("/metrics")
        assert 'onedoor_up_restarts_total{process="sleeper"} 0.0' in told("/metrics")
    assert b"sleeper" not in metrics.text()
