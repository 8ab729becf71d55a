"""Run the directory: sign the nation's configuration again and again, and serve it over HTTP."""

import asyncio
import contextlib
import logging
import signal
from pathlib import Path

import uvloop

from onedoor.exchange.directory.publishing import Publisher
from onedoor.exchange.listening import listening
from onedoor.kernel.settings import Settings

LOOK, RENEW = 1.0, 600.0
"""Seconds between two looks at the content, and after which it is signed again without a change."""
PATIENCE = 10.0
MOST_CONNECTIONS = 256
_logger = logging.getLogger(__name__)


class DirectoryServer:
    """Serves ``/configuration``; the signature inside is what counts, so plain HTTP is enough."""

    def __init__(self, folder: Path) -> None:
        self._publisher = Publisher(folder)
        self._changed = self._publisher.changed()
        self._signed = self._publisher.publish()
        self._open = 0

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
            except (OSError, ValueError):
                _logger.exception("directory.content")


def run(settings: Settings) -> None:
    """Run the directory of *settings* until SIGTERM or SIGINT."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
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
    _logger.info("directory.started listen=%s", settings.listen)
    await stopped.wait()
    fresh.cancel()
    server.close()


def _response(status: bytes, kind: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    return head % (status, kind, len(body)) + body
