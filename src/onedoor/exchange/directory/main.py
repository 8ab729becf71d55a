"""Run the directory: sign the nation's configuration again and again, and serve it over HTTP."""

import asyncio
import contextlib
import json
import logging
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import uvloop

from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.gateway import watching
from onedoor.exchange.listening import listening
from onedoor.kernel.settings import Settings
from onedoor.kernel.watch import lines, listener, metrics
from onedoor.kernel.watch.health import Dependency, Failing, Health
from onedoor.kernel.watch.metrics import Measure
from onedoor.signing import ends

LOOK, RENEW = 1.0, 600.0
"""Seconds between two looks at the content, and after which it is signed again without a change."""
PATIENCE = 10.0
MOST_CONNECTIONS = 256
_logger = logging.getLogger(__name__)


class DirectoryServer:
    """Serves ``/configuration``; the signature inside is what counts, so plain HTTP is enough."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._publisher = Publisher(folder)
        self._changed = self._publisher.changed()
        self._signed = self._publisher.publish()
        self._open = 0
        self.broken = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                writer.write(self.answer(head.partition(b"\r\n")[0]))
                await asyncio.wait_for(writer.drain(), PATIENCE)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _logger.debug("directory.client_gone")
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def answer(self, line: bytes) -> bytes:
        """Return the whole response to a request *line*."""
        if line.split(b" ")[:2] == [b"GET", b"/configuration"]:
            return _response(b"200 OK", b"text/plain; charset=utf-8", self._signed)
        return _response(b"404 Not Found", b"text/plain", b"Only /configuration is served here.\n")

    def served(self) -> tuple[float, int]:
        """Return when the configuration that is served ends (Unix time) and its serial number."""
        data = json.loads(self._signed.rpartition(b"\n\n-- ")[0])
        return datetime.fromisoformat(data["expires"]).timestamp(), int(data["serial"])

    async def keep_fresh(self) -> None:
        """Sign again when the content changed and before the configuration grows old."""
        loop = asyncio.get_running_loop()
        signed_at = loop.time()
        while True:
            await asyncio.sleep(LOOK)
            try:
                changed = self._publisher.changed()
                if changed != self._changed or loop.time() - signed_at > RENEW:
                    self._signed, self._changed, signed_at = self._publisher.publish(), changed, loop.time()
                    _logger.info("directory.published")
                self.broken = False
            except (OSError, ValueError):
                self.broken = True
                _logger.exception("directory.content")


def run(settings: Settings) -> None:
    """Run the directory of *settings* until SIGTERM or SIGINT."""
    lines.set_up(settings.log_level)
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    directory = DirectoryServer(settings.state)
    with listening(settings.listen) as (host, port):
        server = await asyncio.start_server(directory.serve, host, port, limit=2**14)
    fresh = loop.create_task(directory.keep_fresh())
    metrics.scraped.sources.append(partial(_measures, directory))
    listener.begin(settings, _health(directory, loop))
    _logger.info("directory.started listen=%s", settings.listen)
    await stopped.wait()
    fresh.cancel()
    server.close()


def _health(directory: DirectoryServer, loop: asyncio.AbstractEventLoop) -> Health:
    """Return what the directory depends on: content that it could read and sign."""
    return Health(
        "directory", "", (Dependency("content", lambda: _sound(directory)),), alive=lambda: watching.turns(loop)
    )


def _sound(directory: DirectoryServer) -> None:
    if directory.broken:
        raise Failing("the content of the configuration cannot be read or signed")


def _measures(directory: DirectoryServer) -> Iterator[Measure]:
    """Yield what is left of the configuration that is served, and of the certificate that signs it."""
    ends_at, serial = directory.served()
    yield Measure("onedoor_configuration_days_left", (ends_at - time.time()) / ends.DAY)
    yield Measure("onedoor_configuration_serial", serial)
    for name, days in ends.days_left([directory.folder / "signing.pem"]):
        yield Measure(ends.METRIC, days, (name,))


def _response(status: bytes, kind: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    return head % (status, kind, len(body)) + body
