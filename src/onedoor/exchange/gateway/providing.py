"""The side of the one who provides: batches verified, logged, authorised, forwarded; responses signed and logged."""
# ruff: noqa: D102 - the callbacks of asyncio and httptools are documented there

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING

from onedoor.exchange import identifiers
from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway import batches, bodies, messages, metaservices, monitoring, reading
from onedoor.exchange.gateway.bodies import Body, framing
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import SERVER_PROXY, Fault, server_side
from onedoor.exchange.gateway.local import Provided
from onedoor.exchange.gateway.messages import DROPPED, Fields, Headers, Message, Request
from onedoor.exchange.gateway.nodes import REPEATABLE, Errand, Node, Reply, wire
from onedoor.exchange.gateway.replay import TooMany, timely
from onedoor.exchange.gateway.watching import PROVIDING, Noted
from onedoor.exchange.gateway.wire import MOST_UNREAD, Link, Outbox
from onedoor.exchange.identifiers import Target

if TYPE_CHECKING:
    from onedoor.exchange.gateway.workers import Share

MOST_LINKS = 128
"""Links of one peer: one from each of its workers, and those that have not ended yet."""
SETTLED = 5.0
"""Seconds after which a link may be had leave to another worker: what was asked again on it has come by then."""
MOST_SERVED = 1024
"""Requests of one link under way at the same time; above that, or while much waits, the link is not read."""
MOST_HELD = 256 * 2**20
"""Bytes of one peer's requests that wait for systems; further ones are turned away."""
BODILESS = frozenset(("GET", "HEAD", "DELETE", "OPTIONS", "TRACE"))
"""Methods that say nothing of a body when they have none."""
SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""Methods that change nothing where they are served."""
_REPLACED = DROPPED | {b"x-road-client", b"x-road-service", b"x-road-id", b"x-road-error", bodies.HEADER.lower()}
"""Names that an answer loses: of all but X-Road-Error this gateway says itself what is true."""
_logger = logging.getLogger(__name__)


class Providing:
    """What all links of askers *share*: which ids were seen, how often each client came, the nodes and how they are."""

    def __init__(self, core: Core, nodes: dict[tuple[str, int], Node], share: "Share") -> None:
        self.core, self.nodes, self.seen, self.buckets = core, nodes, share.seen, share.buckets
        self.spread = share.spread
        self.held: Counter[str] = Counter()
        self.circuits = {service: Circuit(service) for service in core.local.services}


class ProvidingLink(Link):
    """A connection that another gateway opened to ask."""

    side = staticmethod(server_side)

    def __init__(self, providing: Providing, links: "set[ProvidingLink]") -> None:
        super().__init__(providing.core)
        self._providing, self._links = providing, links
        self._outbox = Outbox(self._send, lambda: self._serving, sure=True)
        self._outbox.busy = False
        self._serving = 0
        self._drained = False
        self._counted, self._settled = "", time.monotonic() + SETTLED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        whose = self.peer.id if self.peer else ""
        if sum(one.peer is not None and one.peer.id == whose for one in self._links) >= MOST_LINKS:
            _logger.warning("link.too_many peer=%s", whose)
            self.abort()
        self._links.add(self)
        self._count(whose)

    def connection_lost(self, _: Exception | None) -> None:
        self._links.discard(self)
        self._count("")
        self.peer = None
        self._outbox.drop()
        self.streams.end("The connection to the other gateway was lost")

    def _count(self, whose: str) -> None:
        """Be counted as a link of the gateway *whose*, or as none any more."""
        if self._counted:
            self._providing.spread.add(self._counted, -1)
        self._counted = whose
        if whose:
            self._providing.spread.add(whose, 1)

    def sweep(self, now: float) -> None:
        super().sweep(now)
        if self._counted and now > self._settled and not self.busy and self._providing.spread.crowded(self._counted):
            self.leave()

    def pause_writing(self) -> None:
        self._outbox.busy = True
        self.streams.clog()

    def resume_writing(self) -> None:
        self._outbox.free()
        self.streams.clear()

    def frame_received(self, kind: int, payload: bytes, peer: Gateway) -> None:
        try:
            if kind != batches.REQUESTS:
                raise batches.BadBatch("InvalidRequest", "a frame of this kind is not for a provider")
            batch = batches.unseal(payload, batches.REQUESTS, peer, self.core.id)
            self.core.check_signer(batch.signer.signing)
        except batches.BadBatch as bad:
            _logger.warning("batch.refused peer=%s why=%s", peer.id, bad)
            self.core.counts["refused"] += 1
            answer, self._left = bad.kind.encode(), True
            self.core.log.append(reading.REFUSED, payload, lambda _: self._refuse(answer))
            return
        self._serving += len(batch.messages)
        if self.streams.coming:
            self.streams.closing(messages.request_id(one.head) for one in batch.messages if one.passed)
        arrived = time.time_ns()
        asked = [None if one.passed else Question(self, one, peer, arrived) for one in batch.messages]
        at_once = all(one and one.safe for one in asked)

        def durable(error: OSError | None) -> None:
            if error:
                self._unlogged()
            elif not at_once:
                self._received(batch, asked)

        self._keep(reading.RECEIVED_REQUESTS, payload, batch.signer, durable, lazy=at_once)
        if at_once and self.core.log.failed is None:
            self._received(batch, asked)

    def _refuse(self, kind: bytes) -> None:
        self.write(batches.REFUSED, kind)
        if self.transport:
            self.transport.close()

    def _unlogged(self) -> None:
        """Forward and answer nothing more: there is no durable record."""
        self.streams.end("The message log cannot be written", logged=False)
        self._refuse(batches.LOG_FAILED)

    def _received(self, batch: batches.Batch, asked: "list[Question | None]") -> None:
        """Serve what was *asked*, which is in the log; what is no question is the end of a large body."""
        for message, question in zip(batch.messages, asked, strict=True):
            if question is None:
                self._close(message)
                continue
            try:
                question.serve(batch.moment)
            except Fault as fault:
                question.fail(fault)
            except Exception:
                _logger.exception("providing.message")
                question.fail(server_side("InternalError", "The gateway could not handle this message"))

    def _close(self, message: Message) -> None:
        """Take the signature over the digest of a request's body."""
        self._serving -= 1
        self._flow()
        self.streams.close(messages.request_id(message.head), message)

    def respond(self, head: bytes, body: bytes) -> None:
        """Queue a response."""
        self._serving -= 1
        if self.peer:
            self._outbox.put(Message.of(head, body))
        self._flow()

    def close_response(self, head: bytes, digest: bytes) -> None:
        """Queue the signature over the digest of a response's body: all of it has left."""
        if self.peer:
            self._outbox.put(Message.closing(head, digest))

    def _send(self, taken: list[Message]) -> None:
        if self.peer is None:
            return
        payload = self.seal(batches.RESPONSES, taken, self.peer)
        self.core.keep(reading.SENT_RESPONSES, payload, self.core.sealer, lambda error: self._logged(payload, error))

    def _logged(self, payload: bytes, error: OSError | None) -> None:
        if error:
            self._refuse(batches.LOG_FAILED)
            return
        self.write(batches.RESPONSES, payload)
        if not self.streams.clogged:
            self._outbox.free()
        self._flow()

    def _waiting(self) -> float:
        if self._drained:
            return inf
        return max(super()._waiting(), self._serving / MOST_SERVED, self._outbox.bytes / MOST_UNREAD)

    def drain(self) -> None:
        """Take nothing more: what the peer sends from now on was never taken, and it hears so when the link ends."""
        self._drained = not (self.streams.coming or self.streams.leaving)  # they need what the peer still says of them
        self._flow()

    def leave(self) -> None:
        """Tell the peer that what it has no answer to was not taken; what it still sends is read, and is nothing."""
        self._left = True
        self._count("")
        self.write(batches.REFUSED, batches.LEAVING)
        if self.transport and not self.transport.is_closing():
            self.transport.resume_reading()

    @property
    def busy(self) -> bool:
        """Return whether a request is under way or its answer has not left."""
        waiting = self._serving or len(self._outbox) or self._outbox.busy
        return bool(waiting or self.streams.coming or self.streams.leaving)

    @property
    def serving(self) -> int:
        """Return how many requests are under way."""
        return self._serving

    @property
    def providing(self) -> Providing:
        """Return what all links share."""
        return self._providing


class Question:
    """One request being served."""

    def __init__(self, link: ProvidingLink, message: Message, peer: Gateway, arrived: int) -> None:
        self._link, self._message, self._peer = link, message, peer
        self._request: Request | None = None
        self._shared = link.providing
        self._spoken: tuple[bytes, ...] = ()
        with suppress(messages.BadMessage):
            self._request = messages.read_request(message.head)
        self._noted = Noted(link.core, PROVIDING, self._request.headers if self._request else Fields([]))
        self._noted.begins(self._request.method if self._request else "", arrived)
        self._noted.sizes[0] = message.size
        self._length: int | None = None
        self._held = 0
        self._announced = self._answered = False
        self._body: Body | None = None

    @property
    def safe(self) -> bool:
        """Return whether the request only reads (RFC 9110, 9.2.1) and no large body comes with it.

        It may be forwarded while its record is on the way to the disk: its answer is not, and waits for both.
        """
        request = self._request
        return request is not None and request.method in SAFE and not bodies.announces(request.headers)

    def serve(self, moment: int) -> None:
        """Check everything, then answer or forward; raise `Fault`."""
        core = self._link.core
        try:
            request = self._request or messages.read_request(self._message.head)
            if bodies.announces(request.headers):
                request = self._announcing(request)
            messages.check(request.headers)
            if errand := monitoring.meant(request.method, request.target):
                self._monitor(request, *errand, moment)
                return
            target = identifiers.read_target(request.target)
            client = identifiers.read_identifier(request.first(b"x-road-client"), identifiers.SUBSYSTEM)
            service = identifiers.write_identifier(target.service)
            self._spoken = service.encode(), identifiers.write_identifier(client).encode()
        except (messages.BadMessage, bodies.BadLength, identifiers.BadIdentifier) as bad:
            raise server_side("InvalidRequest", str(bad)) from None
        self._noted.asked_by(client, request.headers)
        self._noted.about(target.service, request.first(b"x-road-request-id"), self._peer.id, target.normal)
        own = core.flowing(SERVER_PROXY).gateways.get(core.id)
        self._check_origin(client, moment)
        if own is None or target.provider not in own.clients:
            raise server_side("UnknownMember", f"Client '{identifiers.named(target.provider)}' not found")
        if request.method == "GET" and target.code in metaservices.CODES:
            self._once(request, client)
            self._tell(target, client)
            return
        provided = core.local.services.get(target.service)
        if provided is None:
            raise server_side("UnknownService", f"Unknown service: {identifiers.named(target.service)}")
        purpose = request.first(b"onedoor-purpose")
        if not all(core.allowed(client, target.service, request.method, path, purpose) for path in target.said):
            raise server_side("AccessDenied", f"Request is not allowed: {identifiers.named(target.service)}")
        if provided.rate:
            self._slowly(client, provided)
        self._forward(request, client, target, provided)

    def _monitor(self, request: Request, member: str, code: str, moment: int) -> None:
        """Answer a question for operational data (PR-OPMON), asked of this gateway's own member."""
        core, read = self._link.core, identifiers.read_identifier
        client = read(request.first(b"x-road-client"), identifiers.SUBSYSTEM, identifiers.MEMBER)
        self._spoken = f"{member}/{code}".encode(), identifiers.write_identifier(client).encode()
        self._noted.asked_by(client, request.headers)
        self._noted.about(f"{member}//{code}", request.first(b"x-road-request-id"), self._peer.id)
        configuration = core.flowing(SERVER_PROXY)
        self._check_origin(client, moment)
        server = request.first(b"x-road-security-server")
        if core.id.rpartition("/")[0] != member or (server and read(server, identifiers.SERVER) != core.id):
            raise server_side("UnknownMember", f"Client 'MEMBER:{member}' not found")
        if core.operations is None:
            raise server_side("UnknownService", f"Unknown service: SERVICE:{member}/{code}")
        wanted = monitoring.sees(configuration, core.id, client)
        core.questions.admit(client)
        self._once(request, client)
        work = core.questions.of(client, monitoring.answer, core.operations, code, wanted, self._message.body)
        self._noted.sent()
        work.add_done_callback(self._monitored)

    def _monitored(self, work: asyncio.Future[tuple[Headers, bytes]]) -> None:
        error = server_side("InternalError", "The gateway is stopping") if work.cancelled() else work.exception()
        self._noted.came()
        if isinstance(error, Fault):
            self.fail(error)
        elif error:
            _logger.error("providing.monitoring", exc_info=error)
            self.fail(server_side("InternalError", "The records cannot be read"))
        else:
            self._finish(200, b"OK", *work.result())

    def _announcing(self, request: Request) -> Request:
        """Return *request* as its sender's system made it, and note that its body follows."""
        self._length, headers = bodies.announcement(request.headers, self._link.core.passing.limits)
        self._announced, self._request = True, Request(request.method, request.target, headers)
        return self._request

    def _close(self, closing: Message) -> None:
        """Take the message that says the digest of the body: the request is whole if it fits."""
        if self._body is None:
            return
        if closing.head != self._message.head:
            self._body.lost("The request was closed by another one")
            return
        if self._body.digest == closing.digests.body:
            self._message = closing  # else it is refused, and the answer is to the head alone
        self._body.finish(closing.digests.body)

    def fail(self, fault: Fault) -> None:
        """Answer with *fault*."""
        if self._answered:
            return
        self._link.core.counts[fault.type] += 1
        self._noted.end(fault.status, fault.type, fault.message)
        headers, body = fault.told()
        self._respond(messages.response_head(fault.status, fault.reason, [*headers, *self._names()]), body)

    def _hold(self, size: int) -> None:
        """Hold so many bytes until the answer is there; raise `Fault` when too many of the peer are held."""
        if self._shared.held[self._peer.id] + size > MOST_HELD:
            raise server_side("Overloaded", "Too many requests wait for this service", retry=True)
        self._held = size
        self._shared.held[self._peer.id] += size

    def _respond(self, head: bytes, body: bytes) -> None:
        self._answered = True
        self._shared.held[self._peer.id] -= self._held
        self._held = 0
        if self._body:
            self._body.lost("The request was answered before all of it came")
        self._link.respond(head, body)

    def _check_origin(self, client: str, moment: int) -> None:
        if client not in self._peer.clients and client != self._peer.id.rpartition("/")[0]:
            raise server_side("AccessDenied", f"The gateway {self._peer.id} does not serve {client}")
        if not timely(moment, time.time_ns()):
            raise server_side("InvalidRequest", "The message was signed too long ago, or the clocks differ")

    def _slowly(self, client: str, provided: Provided) -> None:
        """Turn away a client that comes too often."""
        if seconds := self._shared.buckets.wait(f"{client} {provided.service}", provided.rate):
            why = f"Client '{identifiers.named(client)}' sends more to this service than it may"
            raise server_side("RateLimited", why, retry=seconds)

    def _once(self, request: Request, client: str) -> None:
        """Serve an id once alone."""
        try:
            new = self._shared.seen.first_time(client, request.first(b"x-road-id"), time.monotonic_ns(), self._peer.id)
        except TooMany:
            raise server_side("Overloaded", "Too many messages came within minutes", retry=True) from None
        if not new:
            raise server_side("InvalidRequest", "A message with this X-Road-Id was already received")

    def _tell(self, target: Target, client: str) -> None:
        """Answer a metaservice."""
        core = self._link.core
        if target.code != "getOpenAPI":
            self._finish(200, b"OK", *metaservices.methods(core, target, client))
            return
        provided = metaservices.described(core, target)
        if provided.document:
            self._finish(200, b"OK", *provided.document)
            return
        node = self._shared.nodes[provided.host, provided.port]
        circuit = self._shared.circuits[provided.service]
        metaservices.fetch(provided, node, circuit, lambda *found: self._finish(200, b"OK", *found), self.fail)

    def _forward(self, request: Request, client: str, target: Target, provided: Provided) -> None:
        """Send it to its system. What is turned away before does not count as seen: it may come again with its id."""
        now = time.monotonic()
        node, circuit = self._shared.nodes[provided.host, provided.port], self._shared.circuits[provided.service]
        node.admit(circuit, now, large=self._announced)
        self._hold(len(self._message.body))
        if self._announced:
            request_id = request.first(b"x-road-request-id")
            self._body = self._link.streams.receive(request_id, self._length, self._close)
        self._once(request, client)
        self._noted.sent()
        until, passing = now + provided.timeout, self._pass_on if self._link.carries else None
        if self._body:
            asked = wire(request, target, provided, framing(self._length), self._noted.header())
            sent = (self._body, provided.timeout)
            node.send(Errand(asked, request.method, False, until, self._replied, self.fail, circuit, *sent, passing))
            return
        repeatable = request.method in REPEATABLE or bool(request.first(b"idempotency-key"))
        body = self._message.body
        framed = b"Content-Length: %d" % len(body) if body or request.method not in BODILESS else b""
        asked = wire(request, target, provided, framed, self._noted.header()) + body
        node.send(Errand(asked, request.method, repeatable, until, self._replied, self.fail, circuit, passing=passing))

    def _replied(self, reply: Reply) -> None:
        self._noted.came()
        self._finish(reply.status, reply.reason, reply.headers, reply.body)

    def _pass_on(self, reply: Reply, body: Body) -> None:
        """Announce an answer with a large *body*, which goes when it is wanted; how it ended is known when that has."""
        head = self._head(reply.status, reply.reason, reply.headers, bodies.announced(body))
        if head is None:
            body.lost("The answer of the service cannot be used")
            return
        self._noted.came()
        self._noted.sizes[1] = len(head)

        def ended(fault: Fault | None) -> None:
            self._noted.passed(self._body, body)
            self._noted.end(reply.status, *((fault.type, fault.message) if fault else ()))

        body.then = ended
        try:
            self._link.streams.send(
                self._request.first(b"x-road-request-id") if self._request else "",
                body,
                lambda digest: self._link.close_response(head, digest),
                lambda: body.lost("Who asked gave the answer up"),
            )
        except Fault as fault:
            body.then = lambda _: None
            body.fail(fault)
            self.fail(fault)
        else:
            self._respond(head, b"")

    def _finish(self, status: int, reason: bytes, headers: Headers, body: bytes) -> None:
        if (head := self._head(status, reason, headers, [])) is not None:
            self._noted.sizes[1] = len(head) + len(body)
            self._noted.passed(self._body, None)
            self._noted.end(status)
            self._respond(head, body)

    def _head(self, status: int, reason: bytes, headers: Headers, more: Headers) -> bytes | None:
        """Return the head of the response; fail the request when it cannot be made."""
        try:
            kept = messages.travelling(headers, _REPLACED)
            reason = messages.printable(reason or HTTPStatus(status).phrase.encode())
            head = messages.response_head(status, reason, [*kept, *more, *self._names()])
            messages.check_response(head)  # what the other gateway could not read is not sent to it
        except Exception:
            _logger.exception("providing.reply")
            self.fail(server_side("InternalError", "The answer of the service cannot be used"))
            return None
        return head

    def _names(self) -> Headers:
        request = self._request
        names = [(b"X-Road-Request-Hash", self._message.digests.request_hash.encode())]
        if request is None:
            return names
        names += zip((b"X-Road-Service", b"X-Road-Client"), self._spoken, strict=False)
        same = (b"X-Road-Id", b"X-Road-Request-Id")
        return names + [(name, request.headers.named.get(name.lower(), b"")) for name in same]
