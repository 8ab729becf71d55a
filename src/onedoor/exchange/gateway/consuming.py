"""Requests of the own information systems: who asks is checked, the message is made, the provider's gateway asked."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onedoor.exchange import identifiers
from onedoor.exchange.configuration import Configuration, Gateway
from onedoor.exchange.gateway import (
    asic,
    bodies,
    catalogue,
    clients,
    faults,
    govstack,
    messages,
    metaservices,
    monitoring,
    overview,
    several,
    soap,
    verification,
)
from onedoor.exchange.gateway.asking import Peer
from onedoor.exchange.gateway.bodies import Body
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import CLIENT_PROXY, Fault, bad_request, client_side
from onedoor.exchange.gateway.messages import DROPPED, OF_HTTP, Fields, Headers, Response
from onedoor.exchange.gateway.systems import BODILESS, Answering, Asked
from onedoor.exchange.gateway.watching import ASKING, FAULT, Noted
from onedoor.exchange.identifiers import Target
from onedoor.kernel.access import PUBLIC, SYSTEM
from onedoor.kernel.ids import uuid7_text
from onedoor.kernel.routing import EVERY, Route

LONGEST_ID, LAST = 255, 200
"""Bytes of an id; from which status on an answer is the last one (RFC 9110, 15: before it are interim ones)."""
BUSY = 503, b"Service Unavailable"
METHODS = frozenset((b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE"))
_CLIENT, _ID = b"x-road-client", b"x-road-id"
_REPLACED = DROPPED | {_CLIENT, b"traceparent", b"tracestate"}
"""Names that do not travel as they came: a trace that this gateway does not know for its own begins anew."""
PUSHED = "events"
"""Code of the service of a subscriber that a room pushes to (`directory.rights`)."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class How:
    """What the operator chose.

    *newer* spells errors as 7.8 does, *busy* answers 503 where a fault says when to try again, *rate* is how many
    messages a second one client may send, 0 for as many as it likes.
    """

    newer: bool = False
    busy: bool = False
    rate: int = 0


class Consuming:
    """The side of the own systems: how errors are spelt to them, and how many messages a second each may send."""

    def __init__(self, core: Core, peers: dict[str, Peer], how: How) -> None:
        self.core, self.peers, self._how = core, peers, how
        self._several = several.Several(core, peers)
        self._evidence = asic.Evidence(core, how.rate)
        self._tasks: set[asyncio.Task[tuple[int, bytes, Headers, bytes]]] = set()

    def handle(self, asked: Asked, connection: Answering) -> None:
        """Answer *asked* on *connection*, now or later."""
        noted = Noted(self.core, ASKING, asked.headers)
        try:
            self._route(asked).answer(self, asked, connection, noted)
        except Fault as fault:
            self._fail(fault, asked, connection, noted)
        except Exception:
            _logger.exception("consuming.request", extra={"facts": {"request": noted.here.id}})
            broken = client_side("InternalError", "The gateway could not handle this request")
            self._fail(broken, asked, connection, noted)

    def _route(self, asked: Asked) -> Route:
        """Return the route of *asked*; raise `Fault` for a method that it does not take."""
        if asked.target.startswith(_SERVICES):
            return _ASK
        path = asked.target.partition(b"?")[0]
        route = _HERE.get(path) or (_MOUNT if path.startswith(_MOUNTED) else _ASK)
        if not route.takes(asked.method.decode("latin-1")):
            raise bad_request(f"{route.path} is asked with {route.method}")
        if asked.stream and route not in _CARRYING:
            raise bad_request(f"The body is larger than {self.core.passing.limits.stream_from} bytes")
        return route

    def mounted(self, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Answer what is asked by GovStack's names (Information Mediator: directory 1.0, publish/subscribe 2.0)."""
        meant, connection = govstack.mounted(asked, connection)
        self._route(meant).answer(self, meant, connection, noted)

    def list_clients(self, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Answer which members and subsystems there are (PR-META)."""
        query = asked.target.partition(b"?")[2].decode("latin-1")
        accept = asked.headers.every(b"accept")
        headers, body = metaservices.list_clients(self.core.configuration(CLIENT_PROXY), query, accept)
        noted.end(200)
        connection.answer(200, b"OK", headers, body)

    def answer_soap(self, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Answer a metaservice or operational monitoring asked over SOAP; every list of services is empty."""

        def failed(fault: Fault) -> None:
            self.core.counts[fault.type] += 1
            self._tell_soap(fault, connection, noted)

        try:
            body = soap.answer(self.core.configuration(CLIENT_PROXY), self.core.local, asked)
            if isinstance(body, soap.Errand):
                self._monitor(body, asked, connection, noted, failed)
                return
        except Fault as fault:
            failed(fault)
            return
        noted.end(200)
        connection.answer(200, b"OK", soap.TYPE, body)

    def _tell_soap(self, fault: Fault, connection: Answering, noted: Noted) -> None:
        noted.end(fault.status, fault.type, fault.message)
        connection.answer(200, b"OK", *soap.told(fault, newer=self._how.newer))

    def _monitor(
        self, errand: soap.Errand, asked: Asked, connection: Answering, noted: Noted, failed: Callable[[Fault], None]
    ) -> None:
        """Carry a question for operational data (PR-OPMON) to the gateway of a member, and its answer back."""
        request_id = uuid7_text()
        headers = Fields(monitoring.headers(errand, request_id))
        noted.begins("POST")
        noted.asked_by(errand.client, headers)
        gateway = monitoring.gateway_for(self.core.flowing(CLIENT_PROXY), errand)
        noted.about(errand.service, request_id, gateway.id)
        peer = self.peers[gateway.id]
        head = messages.request_head(b"POST", monitoring.target(errand), [*headers.pairs, noted.header()])

        def answered(response: Response, body: bytes, stream: Body | None) -> None:
            noted.came(peer.arrived)
            noted.sizes[1] = response.size + len(body)
            faulty = response.headers.first(b"x-road-error")
            if stream:
                stream.lost("No such answer comes as a large body")
            if told := faults.told_by(faulty, body, after=""):
                self._tell_soap(told, connection, noted)
                return
            if faulty or stream:
                failed(client_side("NetworkError", "The answer of the other gateway cannot be used"))
                return
            noted.end(200)
            kind = response.headers.named.get(b"content-type", b"")
            connection.answer(200, b"OK", [(b"Content-Type", kind)], body)

        noted.sizes[0] = len(head) + len(asked.body)
        noted.sent()
        peer.ask(head, asked.body, request_id, answered, failed)

    def hand_out_evidence(self, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Hand out the evidence of a message that this gateway logged (ASiC-E), to the system it belongs to."""
        task = asyncio.get_running_loop().create_task(self._evidence.answer(asked))
        self._tasks.add(task)

        def answered(task: "asyncio.Task[tuple[int, bytes, Headers, bytes]]") -> None:
            self._tasks.discard(task)
            if task.cancelled() or task.exception():
                _logger.error("consuming.evidence", exc_info=None if task.cancelled() else task.exception())
                self._fail(client_side("InternalError", "The evidence cannot be read"), asked, connection, noted)
                return
            status, reason, headers, body = task.result()
            noted.end(status)
            connection.answer(status, reason, headers, body)

        task.add_done_callback(answered)

    def tell_operations(self, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Tell an own system, or the member itself, how the gateway works: traffic, durations, faults, what ends."""
        client = _client(asked.headers)
        configuration = self.core.configuration(CLIENT_PROXY)
        clients.identify_any(configuration, self.core.local, client, asked)
        whole = monitoring.sees_all(configuration, self.core.id, client)
        back = overview.period(asked.target.partition(b"?")[2].decode("latin-1"))
        work = self.core.questions.own(overview.told, self.core, "" if whole else client, back)

        def told(work: "asyncio.Future[dict[str, Any]]") -> None:
            if work.cancelled() or work.exception():
                _logger.error("consuming.operations", exc_info=None if work.cancelled() else work.exception())
                self._fail(client_side("InternalError", "The records cannot be read"), asked, connection, noted)
                return
            noted.end(200)
            connection.answer(200, b"OK", [(b"Content-Type", metaservices.JSON)], json.dumps(work.result()).encode())

        work.add_done_callback(told)

    def tell_catalogue(self, _asked: Asked, connection: Answering, noted: Noted) -> None:
        """Tell which services the signed configuration lists, and whom the nation’s rights let ask them, for anyone."""
        headers, body = catalogue.answer(self.core.configuration(CLIENT_PROXY))
        noted.end(200)
        connection.answer(200, b"OK", headers, body)

    def hand_out_configuration(self, _asked: Asked, connection: Answering, noted: Noted) -> None:
        """Hand out what evidence is checked against, for anyone."""
        headers, body = verification.answer(self.core)
        noted.end(200)
        connection.answer(200, b"OK", headers, body)

    def ask(self, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Carry a message to a service of another system, and its answer back."""
        noted.begins(asked.method.decode("latin-1"))
        if self.core.draining:
            raise client_side("NetworkError", "The gateway is being started anew", retry=True)
        if asked.method not in METHODS:
            raise bad_request("This method is not spoken here")
        configuration = self.core.flowing(CLIENT_PROXY)
        request_id = uuid7_text()
        headers, client = _read_headers(asked.headers, request_id.encode())
        noted.asked_by(client, headers)
        clients.identify(configuration, self.core.local, client, asked)
        if self._how.rate:
            self._slowly(client)
        try:
            target = identifiers.read_target(asked.target)
        except identifiers.BadIdentifier as bad:
            raise bad_request(str(bad)) from None
        gateways = _serving(configuration, headers, target)
        self._check_push(client, target, headers)
        noted.about(target.service, request_id, gateways[0].id)
        names = [noted.header(), (b"X-Road-Request-Id", request_id.encode()), *bodies.announced(asked.stream)]
        head = messages.request_head(asked.method, asked.target, [*headers.pairs, *names])
        wanted = (client, target.service, headers.first(_ID).strip())

        def answered(response: Response, body: bytes, stream: Body | None) -> None:
            peer = self.peers.get(noted.peer)
            noted.came(peer.arrived if peer else 0)
            noted.sizes[1] = response.size + len(body)
            self._answer(response, stream or body, wanted, asked, connection, noted)

        def failed(fault: Fault) -> None:
            self._fail(fault, asked, connection, noted)

        noted.sizes[0] = len(head) + len(asked.body)
        noted.sent()
        if len(configuration.gateways_of[target.provider]) == 1:
            self.peers[gateways[0].id].ask(head, asked.content, request_id, answered, failed)
        else:
            harmless = asked.method in several.HARMLESS or bool(headers.first(b"idempotency-key"))
            sending = several.Sending(head, asked.content, request_id, client, wanted[2], harmless, answered, failed)
            self._several.send(sending, gateways, noted)

    def _answer(
        self,
        response: Response,
        body: bytes | Body,
        wanted: tuple[str, str, str],
        asked: Asked,
        connection: Answering,
        noted: Noted,
    ) -> None:
        """Hand the response of another gateway on, if it belongs to what was asked."""
        faulty = response.headers.first(b"x-road-error")
        if not (_usable(response) and (faulty or _belongs(response, *wanted))):
            fault = client_side("InconsistentResponse", "The response does not belong to the request")
            if isinstance(body, Body):
                body.fail(fault)
            self._fail(fault, asked, connection, noted)
            return
        if isinstance(body, Body):
            self._pass_on(response, body, asked, connection, noted)
            return
        type_, why = "", ""
        if faulty:
            told = faults.told_by(faulty, body, after=response.headers.first(b"retry-after"))
            type_, why = faulty if faults.TYPE.fullmatch(faulty) else FAULT, told.message if told else ""
            response, body = self._retold(told, response, body, asked)
        noted.end(response.status, type_, why)
        head_only = asked.method == b"HEAD"
        connection.answer(response.status, response.reason, response.headers.pairs, body, head_only=head_only)

    def _pass_on(self, response: Response, stream: Body, asked: Asked, connection: Answering, noted: Noted) -> None:
        """Answer with a large body as it comes: how the message ended is known when the body has."""
        if response.headers.first(b"x-road-error") or asked.method == b"HEAD" or response.status in BODILESS:
            inconsistent = client_side("InconsistentResponse", "The response has a body where there cannot be one")
            stream.fail(inconsistent)
            self._fail(inconsistent, asked, connection, noted)
            return

        def ended(fault: Fault | None) -> None:
            noted.passed(asked.stream, stream)
            noted.end(response.status, *((fault.type, fault.message) if fault else ()))
            if fault:
                self.core.counts[fault.type] += 1

        stream.then = ended
        connection.pass_on(response.status, response.reason, response.headers.pairs, stream)

    def _slowly(self, client: str) -> None:
        """Turn away a client that comes too often."""
        if seconds := self.core.buckets.wait(client, self._how.rate):
            why = f"Client '{identifiers.named(client)}' sends more messages than it may"
            raise client_side("RateLimited", why, retry=seconds)

    def _check_push(self, client: str, target: Target, headers: Fields) -> None:
        """Raise `Fault` when a room behind this gateway would push to whom it does not grant to subscribe."""
        if target.code == PUSHED and not self.core.pushes(client, target.provider, headers.first(b"onedoor-purpose")):
            raise client_side("AccessDenied", f"Request is not allowed: {identifiers.named(target.service)}")

    def _fail(self, fault: Fault, asked: Asked, connection: Answering, noted: Noted) -> None:
        status, reason = BUSY if self._how.busy and fault.retry else (fault.status, fault.reason)
        noted.end(status, fault.type, fault.message)
        self.core.counts[fault.type] += 1
        if asked.stream:
            asked.stream.fail(fault)
        message_id = asked.headers.first(_ID)
        headers, body = self.told(fault, asked.headers)
        if message_id.isascii() and message_id.isprintable() and message_id:
            headers.append((b"X-Road-Id", message_id.encode()))
        connection.answer(status, reason, headers, body, head_only=asked.method == b"HEAD")

    def told(self, fault: Fault, headers: Fields) -> tuple[Headers, bytes]:
        """Return headers and body of the answer that tells *fault* to who sent *headers*."""
        return fault.told(headers.every(b"accept"), newer=self._how.newer)

    def _retold(self, fault: Fault | None, response: Response, body: bytes, asked: Asked) -> tuple[Response, bytes]:
        """Return what the provider's gateway told as a *fault*, in the form and spelling of this side."""
        if fault is None:
            return response, body
        if self._how.busy and fault.retry:
            response = Response(*BUSY, response.headers)
        if not self._how.newer and faults.form(asked.headers.every(b"accept")) == faults.JSON:
            return response, body
        headers, body = self.told(fault, asked.headers)
        kept = messages.travelling(response.headers.pairs, frozenset(name.lower() for name, _ in headers))
        return Response(response.status, response.reason, Fields([*headers, *kept])), body


ROUTES = (
    Route("GET", "/listClients", PUBLIC, Consuming.list_clients),
    Route("POST", "/", SYSTEM, Consuming.answer_soap),
    Route("GET", "/asic", SYSTEM, Consuming.hand_out_evidence),
    Route("GET", "/verificationconf", PUBLIC, Consuming.hand_out_configuration),
    Route("GET", "/catalogue", PUBLIC, Consuming.tell_catalogue),
    Route("GET", "/operations", SYSTEM, Consuming.tell_operations),
    Route(EVERY, "/govstack/<path:what>", SYSTEM, Consuming.mounted),
    Route(EVERY, "/r1/<path:service>", SYSTEM, Consuming.ask),
)
"""All that a gateway answers its own systems; `clients.identify` holds them to theirs."""
_HERE, _MOUNT, _ASK = {one.path.encode(): one for one in ROUTES[:-2]}, ROUTES[-2], ROUTES[-1]
_CARRYING = (_MOUNT, _ASK)
_MOUNTED, _SERVICES = (one.path.partition("<")[0].encode() for one in (_MOUNT, _ASK))


def _client(sent: Fields) -> str:
    """Return the client that the headers name; raise `Fault`."""
    named = sent.every(_CLIENT)
    if not named:
        raise bad_request("The header X-Road-Client is missing")
    try:
        return identifiers.read_identifier(named[-1].decode("latin-1"), identifiers.SUBSYSTEM, identifiers.MEMBER)
    except identifiers.BadIdentifier as bad:
        raise bad_request(str(bad)) from None


def _read_headers(sent: Fields, request_id: bytes) -> tuple[Fields, str]:
    """Return the headers that travel and the client's identifier; raise `Fault`.

    A message without an id of its own gets that of the request.
    """
    named = sent.every(_CLIENT)
    if not named:
        raise bad_request("The header X-Road-Client is missing")
    headers = Fields([(b"X-Road-Client", named[-1]), *messages.travelling(sent.pairs, _REPLACED)])
    try:
        messages.check(headers)
        client = identifiers.read_identifier(named[-1].decode("latin-1"), identifiers.SUBSYSTEM, identifiers.MEMBER)
    except (messages.BadMessage, identifiers.BadIdentifier) as bad:
        raise bad_request(str(bad)) from None
    if b"accept" not in headers.named:
        headers.add(b"Accept", b"application/json")
    if _ID not in headers.named:
        headers.add(b"X-Road-Id", request_id)
    message_id = headers.first(_ID)
    if not (0 < len(message_id) <= LONGEST_ID and message_id.isascii() and message_id.isprintable()):
        raise bad_request("X-Road-Id is not 1 to 255 printable ASCII signs")
    return headers, client


def _usable(response: Response) -> bool:
    """Return whether *response* is a last one, and leaves it to this gateway to say where it ends."""
    return response.status >= LAST and OF_HTTP.isdisjoint(response.headers.named)


def _belongs(response: Response, client: str, service: str, message_id: str) -> bool:
    """Return whether *response* names the request's client, service and id."""
    headers, read = response.headers, identifiers.read_identifier
    try:
        whose = read(headers.first(b"x-road-client"), identifiers.SUBSYSTEM)
        whom = read(headers.first(b"x-road-service"), identifiers.SERVICE)
    except identifiers.BadIdentifier:
        return False
    return (whose, whom, headers.first(_ID)) == (client, service, message_id)


def _serving(configuration: Configuration, headers: Fields, target: Target) -> tuple[Gateway, ...]:
    """Return the gateways that serve the provider, or the one of them that the message names; raise `Fault`."""
    gateways = configuration.gateways_of.get(target.provider)
    if gateways is None:
        why = f'Could not find addresses for service provider "{identifiers.named(target.service)}"'
        raise client_side("UnknownMember", why)
    wanted = headers.first(b"x-road-security-server")
    if not wanted:
        return gateways
    server = identifiers.read_identifier(wanted.strip(), identifiers.SERVER)
    if server not in configuration.gateways:
        raise client_side("InvalidSecurityServer", f'Could not find security server "SERVER:{server}"')
    found = tuple(one for one in gateways if one.id == server)
    if not found:
        raise client_side("InvalidSecurityServer", f'Invalid security server "SERVER:{server}"')
    return found
