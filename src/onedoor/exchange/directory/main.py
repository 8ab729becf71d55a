"""Run the directory: sign the nation's configuration again and again, and serve it over HTTP.

Beside it stand the doors of the development authority (`authorities`).
"""

import asyncio
import logging
import re
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import uvloop

from onedoor.exchange import configuration
from onedoor.exchange.directory.authorities import LARGEST, OCSP, STAMP, STATUS, TSA, Authorities
from onedoor.exchange.directory.national import CHECKPOINT, KEY, National
from onedoor.exchange.directory.publishing import SIGNED, Publisher
from onedoor.exchange.gateway import watching
from onedoor.exchange.listening import listening
from onedoor.kernel.access import PUBLIC
from onedoor.kernel.ledger import Policy
from onedoor.kernel.ledger.tiles import NAMED
from onedoor.kernel.routing import Route, route_of
from onedoor.kernel.said import said
from onedoor.kernel.settings import Settings
from onedoor.kernel.text import gettext_noop
from onedoor.kernel.watch import lines, listener, metrics
from onedoor.kernel.watch.health import Dependency, Failing, Health
from onedoor.kernel.watch.metrics import Measure
from onedoor.signing import ends

COLLECT = 10.0
"""Seconds between two looks at the ledgers of the systems."""
LOOK, RENEW = 1.0, 600.0
"""Seconds between two looks at the content, and after which it is signed again without a change."""
PARTNERS, SOONER = 60.0, 5.0
"""Seconds between two looks at the partners of a federation (as X-Road's clients look), and while one is silent."""
PATIENCE = 10.0
MOST_CONNECTIONS = 256
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,6})\r\n", re.IGNORECASE)
_logger = logging.getLogger(__name__)
metrics.measured(
    "directory",
    {
        "onedoor_directory_ledger_size": ("Checkpoints of systems in the directory's ledger.", ()),
        "onedoor_directory_ledgers_refused": ("Systems whose ledger is silent or does not continue.", ()),
    },
)


class DirectoryServer:
    """Serves the configuration, ``/ledger/`` and the authorities; what counts is signed, so plain HTTP is enough.

    The configuration is at ``/configuration`` for our own gateways, at ``/internalconf`` and ``/externalconf`` for
    X-Road's clients.
    """

    def __init__(self, folder: Path, national: National | None = None) -> None:
        self.folder = folder
        self.national = national
        self.authorities = Authorities(folder)
        self._publisher = Publisher(folder)
        self._changed = self._publisher.changed()
        self._fresh_until = 0.0
        self._open = 0
        self.broken = False
        self._signed = self._first()

    def _first(self) -> bytes:
        """Return what is served from the start: what was signed last, where the content cannot be read or signed."""
        try:
            return self._publisher.publish()
        except Exception:
            if not (self.folder / SIGNED).exists():
                raise
            self.broken = True
            _logger.exception("directory.content")
            return (self.folder / SIGNED).read_bytes()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close; who asks the authorities may ask again on the same connection."""
        self._open += 1
        try:
            again = self._open <= MOST_CONNECTIONS
            while again:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                again = head.startswith(b"POST ")
                writer.write(await self._posted(head, reader) if again else self.answer(head.partition(b"\r\n")[0]))
                await asyncio.wait_for(writer.drain(), PATIENCE)
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), PATIENCE)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _logger.debug("directory.client_gone")
        finally:
            self._open -= 1
            writer.transport.abort()  # who reads nothing of an answer would keep it here for ever

    def answer(self, line: bytes) -> bytes:
        """Return the whole response to a request *line* without a body."""
        method, _, rest = line.decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        route = route_of(ROUTES, target.partition("?")[0])
        found: bytes = route.answer(self, target) if route and route.takes(method) else b""
        return found or _response(
            b"404 Not Found", b"text/plain", b"Only the configuration and /ledger/ are served here.\n"
        )

    async def _posted(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        """Return the response of an authority to what follows *head*."""
        found = _LENGTH.search(head)
        if found is None or int(found[1]) > LARGEST:
            raise asyncio.LimitOverrunError("no length, or more than is taken", 0)
        body = await asyncio.wait_for(reader.readexactly(int(found[1])), PATIENCE)
        route = route_of(ROUTES, head.split(b" ")[1].decode("latin-1"))
        if route is None or not route.takes("POST") or not self.authorities.here:
            return _response(b"404 Not Found", b"text/plain", b"No authority answers here.\n", again=True)
        answered: bytes = route.answer(self, body)
        return answered

    def configuration(self, _target: str) -> bytes:
        """Serve the signed configuration of the nation to our own gateways."""
        return _response(b"200 OK", b"text/plain; charset=utf-8", self._signed)

    def shared(self, target: str) -> bytes:
        """Serve the configuration to X-Road's clients: a signed list of files, or one of the files."""
        found = self._publisher.sources.answer(target)
        return _response(b"200 OK", *found) if found else b""

    def published(self, target: str) -> bytes:
        """Serve a file of the national ledger: its tiles, its latest checkpoint, its key."""
        _, _, name = target.split("/", 2)
        text = name in (CHECKPOINT, KEY)
        if not self.national or not (text or NAMED.fullmatch(name)):
            return b""
        try:
            content = (self.national.folder / name).read_bytes()
        except OSError:
            return b""
        return _response(b"200 OK", b"text/plain; charset=utf-8" if text else b"application/octet-stream", content)

    def stamp(self, body: bytes) -> bytes:
        """Answer as the time-stamp authority (RFC 3161) of development."""
        return _response(b"200 OK", STAMP, self.authorities.stamp(body), again=True)

    def status(self, body: bytes) -> bytes:
        """Answer as the OCSP responder (RFC 6960) of development."""
        return _response(b"200 OK", STATUS, self.authorities.status(body), again=True)

    def served(self) -> tuple[float, int]:
        """Return when the configuration that is served ends (Unix time) and its serial number."""
        data = configuration.content(self._signed)
        return datetime.fromisoformat(data["expires"]).timestamp(), int(data["serial"])

    async def keep_fresh(self) -> None:
        """Sign when the content changed and before the configuration grows old."""
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Sign anew when it is time to; what cannot be read or signed, whatever ails it, is looked at again."""
        now = asyncio.get_running_loop().time()
        try:
            changed = self._publisher.changed()
            if changed != self._changed or now > self._fresh_until:
                self._changed, self._fresh_until = changed, now + min(RENEW, self._publisher.left() / 2)
                await self._publish()
                _logger.info("directory.published")
                self.broken = False
        except Exception:
            self.broken, self._fresh_until = True, 0.0
            _logger.exception("directory.content")

    async def follow_partners(self) -> None:
        """Look at what partners publish, again and again; what changed is signed at the next look at the content."""
        while True:
            try:
                if await asyncio.to_thread(self._publisher.follow_partners):
                    self._fresh_until = 0.0
            except Exception:
                _logger.exception("directory.partners")
            await asyncio.sleep(SOONER if self.silent_partners else PARTNERS)

    @property
    def silent_partners(self) -> int:
        """Return how many partners of the federation gave nothing that can be used when they were last asked."""
        return self._publisher.partners.silent if self._publisher.partners else 0

    async def _publish(self) -> None:
        """Sign for X-Road's clients, and for our own gateways whatever comes of it."""
        try:
            await asyncio.to_thread(self._publisher.publish_sources)
        finally:
            self._signed = self._publisher.publish()

    async def collect(self) -> None:
        """Take new checkpoints into the national ledger, again and again, beside everything else."""
        while self.national:
            try:
                await asyncio.to_thread(self.national.collect)
            except Exception:
                _logger.exception("directory.ledger")
            await asyncio.sleep(COLLECT)


ROUTES = (
    Route("GET", "/configuration", PUBLIC, DirectoryServer.configuration),
    Route("GET", "/internalconf", PUBLIC, DirectoryServer.shared),
    Route("GET", "/externalconf", PUBLIC, DirectoryServer.shared),
    Route("GET", "/V<version>/<published>/<file>", PUBLIC, DirectoryServer.shared),
    Route("GET", "/ledger/<path:name>", PUBLIC, DirectoryServer.published),
    Route("POST", "/tsa", PUBLIC, DirectoryServer.stamp),
    Route("POST", "/ocsp", PUBLIC, DirectoryServer.status),
)
"""All that a directory answers."""


def run(settings: Settings) -> None:
    """Run the directory of *settings* until SIGTERM or SIGINT."""
    lines.set_up(settings.log_level)
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    logs = Policy.read(settings.ledger_policy).logs if settings.ledger_policy else ()
    national = National(settings.state / "ledger", [(log, url) for log, url in logs if url]) if logs else None
    directory = DirectoryServer(settings.state, national)
    await directory.look()
    with listening(settings.listen) as kept:
        server = await asyncio.start_server(directory.serve, sock=kept, limit=2**14)
    fresh = loop.create_task(directory.keep_fresh())
    collecting = loop.create_task(directory.collect())
    federating = loop.create_task(directory.follow_partners())
    metrics.scraped.sources.append(partial(_measures, directory))
    listener.begin(settings, _health(directory, loop))
    _logger.info("directory.started listen=%s", settings.listen)
    await stopped.wait()
    fresh.cancel()
    collecting.cancel()
    federating.cancel()
    server.close()


def _health(directory: DirectoryServer, loop: asyncio.AbstractEventLoop) -> Health:
    """Return what it depends on: content it could read and sign; the authority; partners; ledgers that only grow."""
    found = [Dependency(gettext_noop("content"), lambda: _sound(directory))]
    found.append(Dependency(gettext_noop("authority"), lambda: _responding(directory), needed=False))
    found.append(Dependency(gettext_noop("partners"), lambda: _federated(directory), needed=False))
    if national := directory.national:
        found.append(Dependency(gettext_noop("ledgers"), lambda: _growing(national), needed=False))
    return Health("directory", "", found, alive=lambda: watching.turns(loop))


def _growing(national: National) -> None:
    if national.failed:
        raise Failing(said("silent, or not continuing what they signed"), str(len(national.failed)))


def _responding(directory: DirectoryServer) -> None:
    if directory.authorities.here and not directory.authorities.tells_status:
        raise Failing(said("ca/ca.pem is not here, so nobody is told whether a seal is revoked, and nothing is sealed"))


def _federated(directory: DirectoryServer) -> None:
    if silent := directory.silent_partners:
        raise Failing(said("silent, or what they publish is refused"), str(silent))


def _sound(directory: DirectoryServer) -> None:
    if directory.broken:
        raise Failing(said("the content of the configuration cannot be read or signed"))


def _measures(directory: DirectoryServer) -> Iterator[Measure]:
    """Yield what is left of the configuration that is served, and of the certificate that signs it."""
    ends_at, serial = directory.served()
    yield Measure("onedoor_configuration_days_left", (ends_at - time.time()) / ends.DAY)
    yield Measure("onedoor_configuration_serial", serial)
    if national := directory.national:
        yield Measure("onedoor_directory_ledger_size", national.tree.size)
        yield Measure("onedoor_directory_ledgers_refused", len(national.failed))
    kept = [directory.folder / f"{name}.pem" for name in ("signing", TSA, OCSP)]
    for name, days in ends.days_left([one for one in kept if one.exists()]):
        yield Measure(ends.METRIC, days, (name,))


def _response(status: bytes, kind: bytes, body: bytes, *, again: bool = False) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: %b\r\n\r\n"
    return head % (status, kind, len(body), b"keep-alive" if again else b"close") + body
