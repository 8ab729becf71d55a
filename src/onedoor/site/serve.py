"""The processes of a nation: the portal's web and worker, and a node that is everything of one agency."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog

from onedoor.kernel.settings import Settings, current
from onedoor.kernel.watch import spans

if TYPE_CHECKING:
    from onedoor.site.cosigning import Witnesses

EXCHANGE_THREADS = 8
WEB_THREADS = 6
CONCURRENCY = 3
GROW_EVERY = 0.3
"""Seconds from one checkpoint to the next: what was acknowledged a second ago is covered, the work itself included."""
MANY = 256
"""Entries of one checkpoint after which the next follows at once: more are coming in than fit in that second."""
SWITCH_EVERY = 0.001
"""Seconds that a thread computes while another waits; Python's own 5 ms would hold the ledger up at each round trip."""
END_WITHIN = 17.0
"""Seconds for requests, messages and jobs under way when told to stop; all parts end at the same time."""
log = structlog.get_logger("onedoor.serve")


def web() -> None:
    """Run the portal's web server until told to stop."""
    from granian import Granian
    from granian.constants import Interfaces

    settings = current()
    host, _, port = settings.listen.rpartition(":")
    os.environ["ONEDOOR_MASTER"] = str(os.getpid())
    forget_the_engine()
    Granian(
        "onedoor.site.wsgi:application",
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=WEB_THREADS,
        backpressure=256,
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=15,
    ).serve()


def forget_the_engine() -> None:
    """Leave it to each worker to import what is installed when it begins: it is a fork, and would keep what is here."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "onedoor"]:
        del sys.modules[name]


def worker() -> None:
    """Run the portal's jobs, its ledger, and its door for its own gateway until told to stop."""
    from onedoor.site import listeners, warmth
    from onedoor.site.wsgi import application

    warmth.begin(pages=False)
    settings = current()
    exchange = listeners.own_gateway(settings, application, threads=EXCHANGE_THREADS)
    _Group(settings, {"exchange": (exchange.safe_start, exchange.stop)}).run()


def node() -> None:
    """Run an agency's own system in one process: desk, door for its gateway, jobs and ledger."""
    from onedoor.site import listeners, warmth
    from onedoor.site.wsgi import application

    _keep_schemas()
    warmth.begin(pages=True)
    settings = current()
    desk = listeners.browsers(settings, application, threads=settings.desk_threads)
    exchange = listeners.own_gateway(settings, application, threads=EXCHANGE_THREADS)
    parts = {"desk": (desk.safe_start, desk.stop), "exchange": (exchange.safe_start, exchange.stop)}
    _Group(settings, parts).run()


def _keep_schemas() -> None:
    """Refuse schemas and look-ups that are not those of the records; a database that is not there yet is no fault."""
    from django.db import DatabaseError, connection
    from psycopg_pool import PoolTimeout

    from onedoor.registers import service

    try:
        service.keep_schemas()
        service.refuse_to_miss()
    except (DatabaseError, PoolTimeout):
        log.warning("the schemas wait for the database")
    finally:
        connection.close()


class _Group:
    """Threads that live and stop together; when one ends by itself, the process ends and is started anew."""

    def __init__(self, settings: Settings, parts: dict[str, tuple[Callable[[], Any], Callable[[], Any]]]) -> None:
        from onedoor.site import cosigning
        from onedoor.store.work import Worker

        jobs = Worker(concurrency=CONCURRENCY)
        self.ending = threading.Event()
        growing = partial(grow_ledger, settings, cosigning.Witnesses.of(settings), self.ending)
        self.parts = parts | {"jobs": (jobs.run, jobs.stop), "ledger": (growing, self.ending.set)}
        self.settings = settings
        self.failed = ""

    def run(self) -> None:
        from onedoor.site import watching

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        threads = [threading.Thread(target=self._guard, args=(name,), name=name) for name in self.parts]
        for thread in threads:
            thread.start()
        watching.begin(self.settings, "portal-worker" if self.settings.role == "portal" else "node", whole=True)
        log.info("started", role=self.settings.role, member=self.settings.member)
        while not self.ending.wait(60):
            pass
        deadline = time.monotonic() + END_WITHIN
        stopping = [threading.Thread(target=stop, daemon=True) for _, stop in self.parts.values()]
        for thread in stopping:
            thread.start()
        for thread in (*stopping, *threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        spans.end()
        log.info("stopped", role=self.settings.role, member=self.settings.member)
        os._exit(1 if self.failed or any(thread.is_alive() for thread in threads) else 0)

    def _guard(self, name: str) -> None:
        try:
            self.parts[name][0]()
        except BaseException as error:  # one dead part must not leave half a process
            log.exception("a part failed", part=name, exc_info=error)
        if not self.ending.is_set():
            self.failed = name
            self.ending.set()

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        self.ending.set()


def grow_ledger(settings: Settings, witnesses: "Witnesses", ending: threading.Event) -> None:
    """Put in order, sign and publish what is appended to this system's ledger, until *ending* is set."""
    from django.db import DatabaseError, close_old_connections
    from psycopg_pool import PoolTimeout

    from onedoor.site import published
    from onedoor.store import ledger

    sys.setswitchinterval(SWITCH_EVERY)
    publisher: published.Publisher | None = None
    began, came = time.monotonic(), 0
    while not ending.wait(0 if came > MANY else max(0.0, began + GROW_EVERY - time.monotonic())):
        began, came = time.monotonic(), 0
        try:
            publisher = publisher or published.Publisher(published.folder_in(settings.state), witnesses)
            came = ledger.integrate()
            publisher.publish()
        except (DatabaseError, PoolTimeout) as error:
            publisher = None  # what answers next may be an older copy: that is seen before anything is signed
            log.warning("the ledger waits for its database", error=type(error).__name__)
        except OSError as error:
            publisher = None  # what of the files is whole is looked up again
            log.warning("the ledger cannot be published", error=type(error).__name__)
        finally:
            close_old_connections()
