"""A system that answers gated reads, as a process of its own that may be killed: what has left it stands on stdout.

``python -m onedoor.site.tests.gated_reads MODE``: ``load`` answers reads on many threads until stdin ends; ``steps``
answers one read again and again, each time in a child that is killed one statement later; ``check`` holds everything
against the ledger. Each answer is a line: its status, and the id of its record in an answer with data.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django

THREADS, PEOPLE = 8, 20
WAIT = 0.05
OFFSET = timedelta(seconds=float(os.environ.get("TEST_CLOCK_OFFSET", "0")))
_saying = threading.Lock()


def main(mode: str) -> None:
    """Do what *mode* says on the database that the environment names."""
    if OFFSET:
        _set_clock()
    django.setup()
    {"prepare": _prepare, "load": _load, "steps": _steps, "check": _check}[mode]()


def _set_clock() -> None:
    from onedoor.kernel import clock

    real, ahead = time.time_ns, OFFSET // timedelta(microseconds=1) * 1000
    time.time_ns = lambda: real() + ahead
    clock.now = lambda: datetime.now(UTC) + OFFSET


def _prepare() -> None:
    from django.core.management import call_command

    from onedoor.registers import service
    from onedoor.registers.people import generator

    call_command("migrate", verbosity=0)
    service.load("population", generator.generate(PEOPLE, 1)["population"])
    _say("ready")


def _load() -> None:
    read, numbers, ended = _reading(), _numbers(), threading.Event()

    def client(first: int) -> None:
        at = first
        while not ended.is_set():
            if not _told(read(numbers[at % len(numbers)])):
                time.sleep(WAIT)
            at += 1

    threads = [threading.Thread(target=client, args=(first,)) for first in range(THREADS)]
    for one in threads:
        one.start()
    sys.stdin.read()
    ended.set()
    for one in threads:
        one.join()


def _steps() -> None:
    """Answer a read in children, each killed before or after another statement, until one comes to its end."""
    from django.db import connections

    numbers = _numbers()
    connections.close_all()
    for step in range(100):
        for when in ("before", "after"):
            child = os.fork()
            if not child:
                with Killed(step, when):
                    _told(_reading()(numbers[0]))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            _say(f"{'killed' if os.WIFSIGNALED(status) else 'ended'} {when} {step}")
        if not os.WIFSIGNALED(status):
            return


class Killed:
    """Kill this process before or after its statement of that number."""

    def __init__(self, step: int, when: str) -> None:
        self.left, self.when = step, when

    def __enter__(self) -> None:
        import psycopg

        from onedoor.store.beside import Beside

        for owner, name in ((psycopg.Cursor, "execute"), (Beside, "send"), (Beside, "_wait")):
            setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            here, self.left = self.left == 0, self.left - 1
            if here and self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            done = work(*arguments, **options)
            if here:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return counted

    def __exit__(self, *_: object) -> None:
        """Nothing is put back: the process ends here."""


def _check() -> None:
    from onedoor.store import details, ledger

    ledger.integrate()
    _say(f"sound {ledger.check()}")
    for one in details.findings():
        _say(f"{one.what} {one.entry}")


def _numbers() -> list[str]:
    from onedoor.registers.people import generator

    return [str(one["number"]) for one in generator.generate(PEOPLE, 1)["population"]]


def _reading() -> Callable[[str], tuple[int, Any]]:
    """Return what answers a read as the server would have it answered: its status, and what the body says."""
    from django.test import RequestFactory

    from onedoor.exchange.service import VIA_GATEWAY
    from onedoor.site.wsgi import application

    factory = RequestFactory()
    meta: dict[str, Any] = {
        VIA_GATEWAY: True,
        "HTTP_X_ROAD_CLIENT": "VN/GOV/G22/PORTAL",
        "HTTP_X_ROAD_USERID": "account",
        "HTTP_X_ROAD_ISSUE": "2611-7K4M-Q8",
        "HTTP_ONEDOOR_PURPOSE": "birth-form",
        "HTTP_ONEDOOR_BASIS": "nd63-2024.4.5",
    }

    def read(number: str) -> tuple[int, Any]:
        body = json.dumps({"by": {"number": number}})
        environ = factory.post("/exchange/population/lookup", body, "application/json", **meta).environ
        status: list[str] = []
        answer = application(environ, lambda line, _headers: status.append(line))
        said = b"".join(answer)
        answer.close()
        return int(status[0][:3]), json.loads(said)

    return read


def _told(answer: tuple[int, Any]) -> bool:
    """Say what leaves this process; return whether it is data."""
    status, body = answer
    _say(f"{status} {body.get('read', '')}".strip())
    return bool(body.get("records"))


def _say(line: str) -> None:
    with _saying:
        os.write(1, f"{line}\n".encode())


def lines(text: str, status: str) -> Iterator[str]:
    """Yield the record ids of the answers of *status* in what was said."""
    yield from (line.partition(" ")[2] for line in text.splitlines() if line.startswith(f"{status} "))


if __name__ == "__main__":
    main(sys.argv[1])
