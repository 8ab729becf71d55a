"""Run one gateway until it is told to stop."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

import uvloop

from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway import local as files
from onedoor.exchange.gateway import published, watching
from onedoor.exchange.gateway.asking import Peer
from onedoor.exchange.gateway.bodies import Limits
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.consuming import Consuming, How
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.gateway.nodes import Node
from onedoor.exchange.gateway.operations import Operations
from onedoor.exchange.gateway.providing import Providing, ProvidingLink
from onedoor.exchange.gateway.stamping import Stamping
from onedoor.exchange.gateway.standing import Standing
from onedoor.exchange.gateway.systems import SystemConnection
from onedoor.exchange.gateway.workers import Share, Workers, several, startable
from onedoor.exchange.listening import become_anew, listening
from onedoor.kernel.addresses import within
from onedoor.kernel.settings import NEWER_ERRORS, UNAVAILABLE, Settings
from onedoor.kernel.watch import lines, listener, metrics, spans

TOLD_BY = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
SWEEP = 0.5
REFRESH = 60.0
"""Seconds between two looks at the directory; after a failure it looks again sooner."""
RETRY = 2.0
BACKLOG = 512
DRAINED_WITHIN, FLUSHED_WITHIN, HEARD_WITHIN = 15.0, 0.1, 0.01
"""Seconds for what is under way when told to stop, for the last answers to leave, for a signal to reach the loop."""
LAST_WORDS = 0.3
"""Seconds in which clients still ask on connections that end with the next answer."""
HANDSHAKE = 10.0
_logger = logging.getLogger(__name__)


class Swept(Protocol):
    """What is looked at every half second for time-outs."""

    def sweep(self, now: float) -> None:
        """Give up what is late at *now* (monotonic seconds)."""


class GatewayServer:
    """Everything that one gateway process runs."""

    def __init__(self, settings: Settings, share: Share) -> None:
        self.local, self._share = files.read(settings.state), share
        limits = Limits(settings.stream_from * 2**10, settings.largest_body * 2**20)
        self._systems, self._gateways = settings.listen, settings.exchange_listen
        self._plain = settings.plain_listen
        busy = settings.busy_status == UNAVAILABLE
        self._how = How(newer=settings.error_types == NEWER_ERRORS, busy=busy, rate=settings.client_rate)
        log = Log(share.log(self.local.log), self.local.log_key)
        self.core = Core(self.local, log, share, within(settings.networks), limits)
        log.written = self.core.indices.of(log.folder).note
        self.stamping = Stamping(self.core, settings.tsa_url, settings.ocsp_url, settings.stamp_within)
        self.core.stamping = self.stamping
        self.standing = Standing(self.core, settings.ocsp_url)
        self.operations = Operations(settings.state, settings.operations_days)
        self.core.operations, self.core.own_address = self.operations, settings.listen.rpartition(":")[0]
        self.peers: dict[str, Peer] = {}
        self.nodes: dict[tuple[str, int], Node] = {}
        self.connections: set[SystemConnection] = set()
        self.links: set[ProvidingLink] = set()
        self.directory_answers = True
        self.providing: Providing | None = None
        self.sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen; traffic flows as soon as a configuration is in force."""
        core, loop = self.core, asyncio.get_running_loop()
        self.operations.begin()
        self._outgoing = core.outer(ssl.PROTOCOL_TLS_CLIENT)
        inward = core.inner(ssl.PROTOCOL_TLS_CLIENT)
        for one in self.local.services.values():
            made = Node(one.host, one.port, one.system, inward, core.allows, core.passing)
            node = self.nodes.setdefault((one.host, one.port), made)
            node.health = node.health or one.health
        cached = self.local.folder / files.CONFIGURATION
        if cached.exists() and core.accept(cached.read_bytes()):
            self._follow()
        self.providing = providing = Providing(core, self.nodes, self._share)
        consuming = Consuming(core, self.peers, self._how)
        await self._listen(
            self._systems,
            lambda: SystemConnection(consuming, self.connections, core.passing),
            core.inner(ssl.PROTOCOL_TLS_SERVER),
        )
        if self._plain:
            await self._listen(self._plain, lambda: SystemConnection(consuming, self.connections, core.passing), None)
        await self._listen(
            self._gateways, lambda: ProvidingLink(providing, self.links), core.outer(ssl.PROTOCOL_TLS_SERVER)
        )
        self._tasks = [loop.create_task(self._sweep()), loop.create_task(self._refresh())]
        self._tasks += [loop.create_task(self.stamping.run()), loop.create_task(core.indices.run())]
        self._tasks += [loop.create_task(self.standing.run()), loop.create_task(self._follow_clock())]
        for client, way in self.local.connections.items():
            if way != files.MUTUAL:
                _logger.warning("systems.without_certificate client=%s connection=%s", client, way)
        _logger.info("gateway.started id=%s systems=%s gateways=%s", core.id, self._systems, self._gateways)

    async def leave(self) -> None:
        """Make way for the process that this one becomes: it takes over the sockets, and whoever comes waits there.

        Each client's next answer is the last on its connection; then those that rest are closed.
        """
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.leave()
        await asyncio.sleep(LAST_WORDS)
        for connection in list(self.connections):
            if connection.rests:
                connection.close()
        await self.stop()

    async def stop(self) -> None:
        """Stop listening, answer what is under way, close everything."""
        for server in self._servers:
            server.close()
        self.core.draining = True
        for link in list(self.links):
            link.drain()
        deadline = time.monotonic() + DRAINED_WITHIN
        while self._under_way() and time.monotonic() < deadline:  # noqa: ASYNC110 - many ends, each its own
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.close()
        for link in list(self.links):
            if not link.busy:  # else something was taken that has no answer: what became of it nobody knows
                link.leave()
        await asyncio.sleep(FLUSHED_WITHIN)
        await self._end()

    async def _end(self) -> None:
        """Close everything, whatever is under way."""
        for task in self._tasks:
            task.cancel()
        for peer in self.peers.values():
            peer.close()
        for one in self.nodes.values():
            one.close()
        for connection in list(self.connections):
            connection.abort()
        for link in list(self.links):
            link.abort()
        await asyncio.sleep(0)
        self.core.indices.close()
        self.core.log.close()
        self.operations.close()

    def circuits(self) -> list[Circuit]:
        """Return the circuit of each system and service behind, and of each other gateway that was asked."""
        shared, peers = self.providing, list(self.peers.values())
        known = [one.circuit for one in self.nodes.values()] + [one.circuit for one in peers if one.asked]
        return known + (list(shared.circuits.values()) if shared else [])

    def _under_way(self) -> bool:
        """Return whether somebody waits for an answer here."""
        waiting = any(peer.awaited for peer in self.peers.values()) or any(link.busy for link in self.links)
        return waiting or bool(self.core.passing.bodies)

    async def _listen(
        self, address: str, factory: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None
    ) -> None:
        loop, handshake = asyncio.get_running_loop(), HANDSHAKE if context else None
        with listening(address, shared=self._share.of > 1) as kept:
            self.sockets.append(kept)
            self._servers.append(
                await loop.create_server(
                    factory, sock=kept.dup(), ssl=context, backlog=BACKLOG, ssl_handshake_timeout=handshake
                )
            )

    def _follow(self) -> None:
        """Let links and peers follow a new configuration."""
        configuration = self.core.current()
        gateways = configuration.gateways if configuration else {}
        for gateway in gateways.values():
            self._follow_gateway(gateway)
        for gone in self.peers.keys() - gateways.keys():
            self.peers.pop(gone).close()
        for link in list(self.links):
            link.still_trusted()

    def _follow_gateway(self, gateway: Gateway) -> None:
        peer = self.peers.get(gateway.id)
        if peer is None:
            self.peers[gateway.id] = Peer(self.core, gateway, self._outgoing)
        elif (peer.gateway.host, peer.gateway.port) == (gateway.host, gateway.port):
            peer.follow(gateway)
        else:
            peer.close()
            self.peers[gateway.id] = Peer(self.core, gateway, self._outgoing)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            now = time.monotonic()
            try:
                if self.core.end_partners():
                    self._follow()
            except Exception:
                _logger.exception("gateway.end_partners")
            found: list[Swept] = [*self.connections, *self.links, *self.peers.values(), *self.nodes.values()]
            found += self.core.passing.bodies
            for one in found:
                try:
                    one.sweep(now)
                except Exception:
                    _logger.exception("gateway.sweep")

    async def _refresh(self) -> None:
        while True:
            try:
                signed = await asyncio.wait_for(published.fetch(self.local.directory), 10.0)
                found = await asyncio.to_thread(self.core.kept, signed)  # large, and in part others' words
                if found and self.core.take(found, signed):
                    self._follow()
                self.directory_answers = True
            except (OSError, ValueError, TimeoutError, EOFError) as error:
                if self.directory_answers:
                    _logger.warning("directory.unreachable error=%s", type(error).__name__)
                self.directory_answers = False
            except Exception:
                _logger.exception("gateway.refresh")
            held = self.core.current() if self.directory_answers else None
            listed = held is not None and self.core.id in held.gateways  # else it was registered just now, perhaps
            await asyncio.sleep(REFRESH if held and listed and held.ends - time.time() > 2 * REFRESH else RETRY)

    async def _follow_clock(self) -> None:
        """Follow what the operator grants and revokes here, and what begins and ends, whether the directory answers."""
        while True:
            await asyncio.sleep(REFRESH)
            try:
                self.core.follow_keys()
                self.core.load_grants()
                await asyncio.to_thread(self.core.sign_anew)  # by a token it takes its time
            except Exception:
                _logger.exception("gateway.follow_clock")


def run(settings: Settings) -> None:
    """Run the gateway of *settings*, with as many workers as they say, until SIGTERM or SIGINT.

    On SIGHUP it starts anew, perhaps as another version, and nobody is turned away: see `GatewayServer.leave`. Where
    what is there now would not start, it goes on as it is.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # until it is heard
    if several(settings):
        lines.set_up(settings.log_level)
        Workers(settings).run()
        return
    work(settings, Share.made(files.read(settings.state)))


def work(settings: Settings, share: Share, *, watched: socket.socket | None = None) -> None:
    """Be the worker of the gateway that has *share*, until told to stop, or until who started it has ended.

    It answers who watches at *watched*, where that is given.
    """
    lines.set_up(settings.log_level)
    sys.setswitchinterval(0.0005)  # the log's thread must not wait long for its turn
    with suppress(OSError):  # who is interrupted in the middle of a batch finds its caches cold
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    server = GatewayServer(settings, share)
    if uvloop.run(_run(server, settings, watched)):
        become_anew(server.sockets)


async def _run(server: GatewayServer, settings: Settings, watched: socket.socket | None) -> bool:
    """Return whether to start anew; who is told to stop meanwhile stops."""
    told: asyncio.Queue[bool] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.put_nowait, False)
    loop.add_signal_handler(signal.SIGHUP, told.put_nowait, True)
    if watched:  # nobody writes there: it ends with who keeps the workers
        loop.add_reader(sys.stdin.fileno(), told.put_nowait, False)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_BY)
    spans.begin(settings, "gateway")
    await server.start()
    metrics.scraped.sources.append(partial(watching.measures, server))
    listener.begin(settings, watching.health_of(server, settings.member, loop), watched)
    while anew := await told.get():
        if watched is not None or await asyncio.to_thread(startable):  # who keeps the workers has looked
            break
    if watched:
        loop.remove_reader(sys.stdin.fileno())
    await (server.leave() if anew else server.stop())
    spans.end()
    signal.pthread_sigmask(signal.SIG_BLOCK, TOLD_BY)  # what comes from here on waits for who is started anew
    await asyncio.sleep(HEARD_WITHIN)
    while anew and not told.empty():
        anew = told.get_nowait()
    return anew
