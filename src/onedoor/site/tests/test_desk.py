"""Many officers at one desk: a slow request holds nobody up, a burst is answered, too many are told so."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from onedoor.kernel.settings import DESK_THREADS, current
from onedoor.site import listeners

Application = Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]


def answering(hold: threading.Event | None = None, begun: threading.Event | None = None) -> Application:
    def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if hold and environ["PATH_INFO"] == "/slow":
            if begun:
                begun.set()
            hold.wait(20)
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"served"]

    return application


@contextmanager
def desk(application: Application, threads: int) -> Iterator[int]:
    server = listeners.browsers(replace(current(), listen="127.0.0.1:0"), application, threads=threads)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join()


def get(port: int, path: str = "/") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Retry-After", "")


def test_of_a_burst_of_requests_none_is_lost() -> None:
    with desk(answering(), DESK_THREADS) as port, ThreadPoolExecutor(32) as officers:
        answers = list(officers.map(lambda _number: get(port), range(32)))
    assert answers == [(200, "served", "")] * 32


def test_slow_requests_leave_room_for_the_others() -> None:
    hold = threading.Event()
    with desk(answering(hold), DESK_THREADS) as port, ThreadPoolExecutor(DESK_THREADS) as officers:
        slow = [officers.submit(get, port, "/slow") for _ in range(DESK_THREADS - 1)]
        try:
            assert get(port)[0] == 200
            assert not any(one.done() for one in slow)
        finally:
            hold.set()
        assert [one.result()[0] for one in slow] == [200] * (DESK_THREADS - 1)


def test_when_too_many_wait_the_next_is_told_at_once_and_those_who_wait_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listeners, "MOST_WAITING", 2)
    hold, begun = threading.Event(), threading.Event()
    with desk(answering(hold, begun), 1) as port, ThreadPoolExecutor(8) as officers:
        served = [officers.submit(get, port, "/slow")]
        assert begun.wait(20)
        served += [officers.submit(get, port, "/slow") for _ in range(7)]
        try:
            turned_away = [one for one in served if _ends(one.done)]
            assert len(turned_away) == 5  # one is served, two wait
        finally:
            hold.set()
        told = {one.result() for one in turned_away}
        assert [one.result()[0] for one in served if one not in turned_away] == [200] * 3
    ((status, text, again),) = told
    assert (status, again) == (503, str(listeners.RETRY_AFTER))
    assert text.splitlines()[1] == listeners.Busy().text()
    assert "thử lại" in text
    assert "Réessayez" in text


def _ends(done: Callable[[], bool]) -> bool:
    """Return whether something has ended within a moment."""
    until = time.monotonic() + 0.7
    while not done() and time.monotonic() < until:
        time.sleep(0.02)
    return done()
