"""The side of the one who asks: a link to each provider's gateway, and the answers awaited on it."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway import batches, bodies, messages, reading
from onedoor.exchange.gateway.bodies import Body
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import UNKNOWN, UNTAKEN, Fault, client_side, server_side
from onedoor.exchange.gateway.messages import Message, Response
from onedoor.exchange.gateway.streams import key_of
from onedoor.exchange.gateway.wire import CONNECT, Link, Outbox
from onedoor.kernel.addresses import chosen

PATIENCE = 40.0
"""Seconds until a request without an answer is given up; longer than a provider's gateway waits for its node."""
MOST_AWAITED = 4096
MOST_BYTES = 256 * 2**20
"""Bytes of requests to one gateway whose answers are awaited."""
LOG_FAILED = client_side("LoggingFailed", "The message log cannot be written", retry=True)
REFUSALS = {
    b"LoggingFailed": server_side("LoggingFailed", "The provider's gateway cannot write its message log", retry=True),
    b"CertValidation": server_side("CertValidation", "The provider's gateway refuses the certificate of this one"),
    b"InvalidSignatureValue": server_side("InvalidSignatureValue", "The provider's gateway refuses the signature"),
}
"""What a provider's gateway may say in place of an answer, and what it means to who asked."""
Answered = Callable[[Response, bytes, Body | None], None]
Failed = Callable[[Fault], None]
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Awaited:
    """A request under way."""

    hashes: tuple[str, ...]
    answered: Answered
    failed: Failed
    until: float
    message: Message
    again: bool = False
    """Whether it was sent a second time, after a gateway that left had not taken it."""
    stream: Body | None = None
    """The large body that goes with it."""


class Peer:
    """Another gateway as seen by those who ask it: one link at a time, made when it is needed."""

    def __init__(self, core: Core, gateway: Gateway, context: ssl.SSLContext) -> None:
        self.core, self.gateway, self._context = core, gateway, context
        self.circuit = Circuit(gateway.id)
        self.awaited: dict[str, Awaited] = {}
        self._held = 0
        self.arrived = 0
        """When (ns) the answers came that are handed on at this moment."""
        self._link: AskingLink | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._announced: dict[bytes, tuple[str, Body]] = {}
        self.asked = False
        self.outbox = Outbox(self._send, lambda: len(self.awaited) - len(self.outbox))

    def ask(self, head: bytes, body: bytes | Body, request_id: str, answered: Answered, failed: Failed) -> None:
        """Send a request; exactly one of *answered* and *failed* is called later."""
        if len(self.awaited) >= MOST_AWAITED or self._held > MOST_BYTES:
            raise client_side("Overloaded", "Too many requests wait for this provider", retry=True)
        until = time.monotonic() + PATIENCE
        if self.circuit.failures:
            self._try(until)
        stream, body = (body, b"") if isinstance(body, Body) else (None, body)
        message = Message.of(head, body)
        hashes = (message.digests.request_hash,)
        self.awaited[request_id] = one = Awaited(hashes, answered, failed, until, message, stream=stream)
        self._held += message.size
        if stream:
            self._announced[head], one.until = (request_id, stream), float("inf")
            stream.then = partial(self._over, request_id, stream)
        self.outbox.put(message)
        self._reach()

    def _try(self, until: float) -> None:
        """Let a message try, which is given up at *until*; raise `Fault` when it is not its turn."""
        if wait := self.circuit.wait(until - PATIENCE):
            why = f"The gateway {self.gateway.id} failed several times in a row"
            raise client_side("NetworkError", why, retry=wait)
        self.circuit.trying(until)

    @property
    def linked(self) -> bool:
        """Return whether a link is open."""
        return self._link is not None

    def sweep(self, now: float) -> None:
        """Give up requests without an answer, and a link on which an answer does not come to its end."""
        if self._link:
            self._link.sweep(now)
        late = {request_id: one.message for request_id, one in self.awaited.items() if one.until < now}
        unsent = self.outbox.withdraw(late.values()) if late else set()
        for request_id, message in late.items():
            self.circuit.failed(now)
            fault = client_side("NetworkError", "The provider's gateway did not answer in time")
            if id(message) in unsent:
                fault.fate = UNTAKEN
            self.fail(request_id, fault)

    def close(self) -> None:
        """End the link; what is awaited fails."""
        if self._connecting:
            self._connecting.cancel()
        if self._link:
            self._link.abort()
        self.lost(self._link, "The gateway is stopping")

    def follow(self, gateway: Gateway) -> None:
        """Go on with what the configuration says now of the same gateway: its keys may be others; a link stays."""
        self.gateway = gateway
        if self._link:
            self._link.still_trusted()

    def ready(self, link: "AskingLink") -> None:
        """Take *link* into use."""
        self._link = link
        self.circuit.held()
        self.outbox.free()

    def lost(self, link: "AskingLink | None", why: str | Fault, came: Collection[str] = ()) -> None:
        """Fail everything under way but that whose answer *came*: who asks decides whether to ask again.

        That is answered once the answer is in the log.
        """
        if link is not self._link:
            return
        self._link = None
        self.outbox.busy = True
        unsent = {messages.request_id(message.head) for message in self.outbox.drop()}
        told = why if isinstance(why, Fault) else client_side("NetworkError", why, retry=True)
        self._announced.clear()
        for request_id in [one for one in self.awaited if one not in came]:
            fault = Fault(told.type, told.message, retry=told.retry)
            fault.fate = UNTAKEN if request_id in unsent else UNKNOWN
            self.fail(request_id, fault)

    def left(self, link: "AskingLink") -> None:
        """Ask once more what a gateway had not taken when it left: it is being started anew, and said so."""
        if link is not self._link:
            return
        self._link = None
        self.outbox.busy = True
        waiting = {id(one) for one in self.outbox.drop()}
        for request_id, one in list(self.awaited.items()):
            if one.again or (one.stream and not one.stream.fresh):
                fault = client_side("NetworkError", "The provider's gateway is leaving", retry=True)
                fault.fate = UNKNOWN if one.stream else UNTAKEN
                self.fail(request_id, fault)
            else:
                one.again = id(one.message) not in waiting
                if one.stream:
                    link.streams.leaving.pop(key_of(request_id), None)
                    self._announced[one.message.head] = request_id, one.stream
                self.outbox.put(one.message)
        self._reach()

    def fail(self, request_id: str, fault: Fault) -> None:
        """Answer one request with *fault*."""
        if one := self._no_more(request_id):
            _isolated(lambda: one.failed(fault))

    def _no_more(self, request_id: str) -> Awaited | None:
        """Await the answer of a request no more; return what was awaited, if anything was."""
        one = self.awaited.pop(request_id, None)
        if one:
            self._held -= one.message.size
        return one

    def answer(self, message: Message, link: "AskingLink | None" = None) -> None:
        """Hand the response in *message* to the one who awaits it, if it answers exactly that request.

        A large body comes on the same *link*.
        """
        try:
            response = messages.read_response(message.head)
        except messages.BadMessage as bad:
            _logger.warning("response.refused peer=%s why=%s", self.gateway.id, bad)
            return
        request_id = response.headers.first(b"x-road-request-id")
        if message.passed:
            if link:
                link.streams.close(request_id, message)
            return
        one = self._no_more(request_id)
        if one is None:
            return
        if one.stream:
            one.stream.drop()
        if self.circuit.failures:
            self.circuit.held()
        if response.headers.first(b"x-road-request-hash") in one.hashes:
            if link and bodies.announces(response.headers):
                _isolated(lambda: self._receive(message.head, response, one, request_id, link))
            else:
                _isolated(lambda: one.answered(response, message.body, None))
        else:
            fault = client_side("InconsistentResponse", "The response does not belong to the request")
            _isolated(lambda: one.failed(fault))

    def fail_sent(self, head: bytes, fault: Fault) -> None:
        """Answer the request with *head* with *fault*."""
        self.fail(messages.request_id(head), fault)

    def _receive(self, head: bytes, response: Response, one: Awaited, request_id: str, link: "AskingLink") -> None:
        """Hand on the response whose body was announced in its *head*; it comes as it is taken."""

        def closed(message: Message) -> None:
            if message.head == head:
                body.finish(message.digests.body)
            else:
                body.lost("The response was closed by another one")

        try:
            length, headers = bodies.announcement(response.headers, self.core.passing.limits)
            body = link.streams.receive(request_id, length, closed)
        except bodies.BadLength as bad:
            one.failed(client_side("InvalidBody", str(bad)))
        except Fault as fault:
            one.failed(fault)
        else:
            one.answered(Response(response.status, response.reason, headers), b"", body)

    def _leave(self, taken: list[Message], link: "AskingLink") -> None:
        """Let the bodies go that were announced in the heads of *taken*."""
        for head in [message.head for message in taken if message.head in self._announced]:
            request_id, body = self._announced.pop(head)
            if body.over:  # nobody waits for it any more, and the provider may never ask for it
                link.streams.give_up(request_id)
                continue
            whole, refused = partial(self._close, request_id, head), partial(self._refused, request_id, body)
            try:
                link.streams.send(request_id, body, whole, refused)
            except Fault as fault:
                link.streams.give_up(request_id)
                body.fail(fault)

    def _close(self, request_id: str, head: bytes, digest: bytes) -> None:
        """Sign the digest of a request's body: all of it has left."""
        message = Message.closing(head, digest)
        self._due(request_id, message.digests.request_hash)
        self.outbox.put(message)

    def _over(self, request_id: str, body: Body, fault: Fault | None) -> None:
        """Forget a request's body, which is over; fail the request when that is because of a *fault*."""
        if self._link and not body.complete:
            self._link.streams.forget(request_id)
        if fault:
            self.fail(request_id, fault)

    def _refused(self, request_id: str, body: Body) -> None:
        """Send no more of a request's body: its answer says why."""
        body.drop()
        self._due(request_id)

    def _due(self, request_id: str, *hashes: str) -> None:
        """Expect the answer of a request, by one more of its *hashes*, from now on."""
        if one := self.awaited.get(request_id):
            one.hashes += hashes
            one.until = time.monotonic() + PATIENCE

    async def _connect(self) -> None:
        gateway = self.gateway
        try:
            await asyncio.wait_for(self._connected(), CONNECT)
        except (OSError, UnicodeError, TimeoutError) as error:
            _logger.warning("link.unreachable peer=%s error=%s", gateway.id, type(error).__name__)
            self.circuit.failed(time.monotonic())
            self.lost(None, f"The gateway {gateway.id} cannot be reached")
        finally:
            self._connecting = None
        self._reach()  # what was queued since the new link was lost already

    def _reach(self) -> None:
        """Make a link when something waits for one."""
        if self._link is None and self._connecting is None and self.outbox:
            self.asked = True
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connected(self) -> None:
        """Connect; to a partner's gateway only where its address, which the partner names, leads outside."""
        loop, gateway, address = asyncio.get_running_loop(), self.gateway, self.gateway.host
        if self.core.foreign(gateway):
            found = await loop.getaddrinfo(gateway.host, gateway.port, type=socket.SOCK_STREAM)
            address = chosen([str(one[4][0]) for one in found], self.core.allows)
        await loop.create_connection(
            lambda: AskingLink(self), address, gateway.port, ssl=self._context, server_hostname=gateway.host
        )

    def _send(self, taken: list[Message]) -> None:
        link = self._link
        if link is None:
            return
        payload = link.seal(batches.REQUESTS, taken, self.gateway)
        self.core.keep(
            reading.SENT_REQUESTS, payload, self.core.sealer, lambda error: self._logged(taken, error), lazy=True
        )
        if self.core.log.failed is None:  # what the log cannot hold is not asked
            link.ask(payload, sum(not one.passed for one in taken))
        if self._announced:
            self._leave(taken, link)
        if not link.paused:
            self.outbox.free()

    def _logged(self, taken: list[Message], error: OSError | None) -> None:
        if error:
            for message in taken:
                self.fail_sent(message.head, LOG_FAILED)


class AskingLink(Link):
    """The connection of a `Peer`."""

    side = staticmethod(client_side)

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer.core)
        self._asker = peer
        self.paused = self._leaves = False
        self._owed = 0
        self._batches: list[batches.Batch] = []
        """Those that are being logged."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.peer is None or self.peer.id != self._asker.gateway.id:
            self.peer = None
            self._asker.circuit.failed(time.monotonic())
            self.abort()
        else:
            self._asker.ready(self)

    def ask(self, payload: bytes, count: int) -> None:
        """Send a batch of so many requests; each may have an answer, and what closes the body of that."""
        self._owed += 2 * count
        self.write(batches.REQUESTS, payload)

    def connection_lost(self, _: Exception | None) -> None:
        self.streams.end("The connection to the provider's gateway was lost")
        if self.peer is None:
            self._asker.lost(None, "The other end is not the provider's gateway")
        elif not self._leaves:
            self._asker.lost(self, "The connection to the provider's gateway was lost", self._came())

    def pause_writing(self) -> None:
        self.paused = True
        self.streams.clog()
        self._asker.outbox.busy = True

    def resume_writing(self) -> None:
        self.paused = False
        if not self._leaves:
            self._asker.outbox.free()
        self.streams.clear()

    def frame_received(self, kind: int, payload: bytes, peer: Gateway) -> None:
        if (kind, payload) == (batches.REFUSED, batches.LEAVING):
            self._left = self._leaves = self._asker.outbox.busy = True
            self._leave()
            return
        if kind != batches.RESPONSES:
            _logger.warning("link.refused_by peer=%s", peer.id)
            fault = REFUSALS.get(payload) if kind == batches.REFUSED else None
            self._refuse(fault or client_side("NetworkError", "The provider's gateway broke the connection off"))
            return
        try:
            batch = batches.unseal(payload, batches.RESPONSES, peer, self.core.id)
            self.core.check_signer(batch.signer.signing)
            self._owed -= len(batch.messages)
            if self._owed < 0:
                raise batches.BadBatch("InvalidRequest", "there are more answers than questions")
        except batches.BadBatch as bad:
            _logger.warning("batch.refused peer=%s why=%s", peer.id, bad)
            self.core.counts["refused"] += 1
            self._left = True
            fault = client_side(bad.kind, f"The answer of the provider's gateway is refused: {bad}")
            self.core.log.append(reading.REFUSED, payload, lambda _: self._refuse(fault))
            return
        self._batches.append(batch)
        if self.streams.coming:
            self.streams.closing(_answered_id(one.head) for one in batch.messages if one.passed)
        arrived, signer = time.time_ns(), batch.signer
        self._keep(reading.RECEIVED_RESPONSES, payload, signer, lambda error: self._logged(batch, arrived, error))

    def _refuse(self, fault: Fault) -> None:
        """Answer all that is under way on this link with *fault*, and end it."""
        self._asker.lost(self, fault, self._came())
        self.abort()

    def _came(self) -> set[str]:
        """Return the requests whose whole answers came on this link and are being logged."""
        heads = [one.head for batch in self._batches for one in batch.messages if not one.passed]
        return {_answered_id(head) for head in heads if bodies.HEADER not in head}

    def _leave(self) -> None:
        """End this link once every answer that came on it is in the log: all others were not taken."""
        if not self._batches:
            self._asker.left(self)
            self.abort()

    def _logged(self, batch: batches.Batch, arrived: int, error: OSError | None) -> None:
        if error:
            _logger.error("responses.not_logged count=%s", len(batch.messages))
            self._batches.remove(batch)
            self.streams.end("The message log cannot be written", logged=False)
            for message in batch.messages:  # the link may be lost already
                self._asker.fail(_answered_id(message.head), LOG_FAILED)
            self._asker.lost(self, LOG_FAILED, self._came())
            self.abort()
            return
        self._asker.arrived = arrived
        for message in batch.messages:
            self._asker.answer(message, self)
        self._batches.remove(batch)
        if self._leaves:
            self._leave()


def _answered_id(head: bytes) -> str:
    return messages.request_id(head, messages.read_response)


def _isolated(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception:
        _logger.exception("asking.callback")
