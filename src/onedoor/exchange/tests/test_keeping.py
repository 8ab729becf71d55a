"""Who keeps a gateway's workers, where the system cannot start a process just now."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from onedoor.exchange.gateway import keeping, workers
from onedoor.exchange.gateway.keeping import Worker
from onedoor.exchange.gateway.workers import Workers
from onedoor.exchange.tests.hostile import Hostile, answering
from onedoor.kernel.settings import Settings


def impossible(*_: object, **__: object) -> None:
    raise FileNotFoundError


@pytest.fixture
def ended() -> Iterator[Worker]:
    """Give a worker that ended."""
    one = Worker.new(0)
    given, one.pipe = os.pipe()
    os.close(given)
    one.process = subprocess.Popen([sys.executable, "-c", ""])
    one.process.wait()
    yield one
    one.watched.close()
    if one.pipe >= 0:
        os.close(one.pipe)


def ill(dependencies: dict[str, object]) -> bytes:
    body = json.dumps({"dependencies": dependencies}).encode()
    return answering(body).replace(b"200 OK", b"503 No")


def keeper(*kept: Worker) -> Workers:
    found = Workers.__new__(Workers)
    found._workers, found._shared = list(kept), []
    return found


def test_a_worker_that_cannot_be_started_anew_is_tried_again_and_ends_nobody_else(
    ended: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = os.open(os.devnull, os.O_RDONLY)
    with monkeypatch.context() as broken:
        broken.setattr(keeping.os, "pipe", impossible)
        keeper(ended)._start_those_that_ended()
        in_its_place = os.dup(other)
        keeper(ended)._start_those_that_ended()
        os.close(in_its_place)  # it is open still: nobody closed a file of somebody else's
    os.close(other)
    assert caplog.text.count("worker.not_started number=0") == 2
    started: list[object] = []
    monkeypatch.setattr(keeping.subprocess, "Popen", lambda *_, **__: started.append(ended))
    open_files = []
    for _ in range(3):
        keeper(ended)._start_those_that_ended()
        open_files.append(len(list(Path("/proc/self/fd").iterdir())))
    assert len(started) == 3
    assert len(set(open_files)) == 1, "no file of the one before is left"


def test_one_that_never_ran_is_told_to_who_starts_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping.subprocess, "Popen", impossible)
    with pytest.raises(FileNotFoundError):
        keeper(one := Worker.new(0))._start_those_that_ended()
    one.watched.close()
    os.close(one.pipe)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"nonsense", "it does not answer"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx", "it does not answer"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}", "it cannot be used"),
        (ill({"a": {"needed": False, "why": "x"}, "b": {"needed": True, "why": "y"}}), "y"),
        (answering(b"{}"), ""),
    ],
)
def test_what_a_worker_answers_that_is_not_well_is_told_as_why_it_cannot_work(answer: bytes, why: str) -> None:
    found = keeper()
    found._settings = cast("Settings", SimpleNamespace(watch_token=""))
    with Hostile(answer) as told:
        failing = found._why(Worker(0, told.listening))
    assert str(failing.why if failing else "") == why


def test_who_cannot_become_another_program_goes_on_as_it_is(
    ended: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "become_anew", impossible)
    keeper(ended)._become_anew()
    assert "workers.not_renewed" in caplog.text
