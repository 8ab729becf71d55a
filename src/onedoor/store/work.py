"""The worker that runs jobs: in its own process or in a thread; it outlives database restarts and killed workers."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from threading import Event

from django.db import OperationalError
from procrastinate import App
from procrastinate.contrib.django.db_cleanup import DjangoApp
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ProcrastinateException
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from onedoor.store.jobs import app

log = logging.getLogger(__name__)

HEARTBEAT = 1.0
STALLED = 6
"""Seconds after which a worker without a heartbeat counts as killed."""
POLL = 1.0
"""Seconds after which a worker looks for jobs that no notification told it of: one may be lost with its connection."""
PAUSE = 1.0
"""Seconds until the next try when the database does not answer."""


class Worker:
    """Takes jobs of this process's database until stopped."""

    def __init__(self, *, concurrency: int = 2, heartbeat: float = HEARTBEAT, stalled: int = STALLED) -> None:
        self.concurrency = concurrency
        self.heartbeat = heartbeat
        self.stalled = stalled
        self._stopped = Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    def run(self) -> None:
        """Run jobs until `stop`; when the database goes away, wait for it."""
        while not self._stopped.is_set():
            try:
                asyncio.run(self._work())
            except (DatabaseError, OperationalError, PoolTimeout, ProcrastinateException) as error:
                log.warning("worker: the database does not answer (%s)", type(error).__name__)
                self._stopped.wait(PAUSE)

    def stop(self) -> None:
        """Let the running jobs end, then return from `run`; may be called from any thread."""
        self._stopped.set()
        if self._running:
            loop, task = self._running
            with contextlib.suppress(RuntimeError):  # the loop ended by itself meanwhile
                loop.call_soon_threadsafe(task.cancel)

    async def _work(self) -> None:
        async with _opened(periodic=True) as worker_app:
            run = worker_app.run_worker_async(
                concurrency=self.concurrency,
                install_signal_handlers=False,
                fetch_job_polling_interval=POLL,
                update_heartbeat_interval=self.heartbeat,
                stalled_worker_timeout=self.stalled,
                shutdown_graceful_timeout=10,
            )
            worker = asyncio.create_task(run)
            self._running = (asyncio.get_running_loop(), worker)
            retaking = asyncio.create_task(self._retake(worker_app))
            if self._stopped.is_set():
                worker.cancel()
            try:
                await worker
            except asyncio.CancelledError:
                if not self._stopped.is_set():
                    raise
            finally:
                self._running = None
                retaking.cancel()

    async def _retake(self, worker_app: App) -> None:
        while True:
            with contextlib.suppress(DatabaseError, PoolTimeout, ProcrastinateException):
                await _retake(worker_app, self.stalled)
            await asyncio.sleep(self.stalled / 3)


def run_waiting() -> None:
    """Run every job that is queued and may run now, then return (for tests and commands); the clock sets off none."""

    async def work() -> None:
        async with _opened() as worker_app:
            await worker_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    asyncio.run(work())


def retake_stalled(seconds: int = STALLED) -> int:
    """Queue again the jobs of workers silent for *seconds*; return how many."""

    async def work() -> int:
        async with _opened() as worker_app:
            return await _retake(worker_app, seconds)

    return asyncio.run(work())


async def _retake(worker_app: App, seconds: int) -> int:
    stalled = list(await worker_app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds))
    for job in stalled:
        log.warning("job %s was left by a killed worker and is taken up again", job.id)
        await worker_app.job_manager.retry_job(job)
    return len(stalled)


@contextlib.asynccontextmanager
async def _opened(*, periodic: bool = False) -> AsyncIterator[App]:
    """Give an app with the same jobs on a connection pool of its own; the jobs keep deferring through Django."""
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=3, num_workers=1, timeout=10)
    worker_app = DjangoApp(connector=connector, import_paths=app.import_paths)
    worker_app.tasks = app.tasks
    if periodic:
        worker_app.periodic_registry = app.periodic_registry
    async with worker_app.open_async():
        yield worker_app
