"""Requests of the own information systems: who asks is checked, the message is made, the provider's gateway asked."""

import asyncio
import logging
from uuid import uuid4

from onedoor.exchange import identifiers
from onedoor.exchange.configuration import Configuration, Gateway
from onedoor.exchange.gateway import asic, messages, metaservices
from onedoor.exchange.gateway.asking import Peer
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import CLIENT_PROXY, Fault, bad_request, client_side
from onedoor.exchange.gateway.messages import Headers, Response
from onedoor.exchange.gateway.systems import Asked, SystemConnection
from onedoor.exchange.gateway.watching import ASKING, FAULT, Noted
from onedoor.kernel.ids import uuid7

LONGEST_ID = 255
METHODS = frozenset((b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE"))
_CLIENT, _ID = b"x-road-client", b"x-road-id"
_OURS = frozenset((_CLIENT, b"traceparent", b"tracestate"))
"""Names that this gateway writes itself: a trace it does not know for its own begins anew."""
_logger = logging.getLogger(__name__)


class Consuming:
    """The side of the own systems."""

    def __init__(self, core: Core, peers: dict[str, Peer]) -> None:
        self.core, self.peers = core, peers
        self._evidence = asic.Evidence(core)
        self._tasks: set[asyncio.Task[tuple[int, bytes, Headers, bytes]]] = set()

    def handle(self, asked: Asked, connection: SystemConnection) -> None:
        """Answer *asked* on *connection*, now or later."""
        noted = Noted(self.core, ASKING, asked.headers)
        try:
            if asked.target.startswith(b"/listClients"):
                self._list_clients(asked, connection, noted)
            elif asked.target.partition(b"?")[0] == asic.PATH:
                self._hand_out(asked, connection, noted)
            else:
                self._ask(asked, connection, noted)
        except Fault as fault:
            self._fail(fault, asked, connection, noted)
        except Exception:
            _logger.exception("consuming.request", extra={"facts": {"request": noted.here.id}})
            broken = client_side("InternalError", "The gateway could not handle this request")
            self._fail(broken, asked, connection, noted)

    def _list_clients(self, asked: Asked, connection: SystemConnection, noted: Noted) -> None:
        if asked.method != b"GET" or asked.target.partition(b"?")[0] != b"/listClients":
            raise bad_request("listClients is asked with GET /listClients")
        accept = messages.first(asked.headers, b"accept")
        query = asked.target.partition(b"?")[2].decode("latin-1")
        headers, body = metaservices.list_clients(self.core.configuration(CLIENT_PROXY), query, accept)
        noted.end(200)
        connection.answer(200, b"OK", headers, body)

    def _hand_out(self, asked: Asked, connection: SystemConnection, noted: Noted) -> None:
        if asked.method != b"GET":
            raise bad_request("Evidence is asked for with GET /asic")
        query = asked.target.partition(b"?")[2].decode("latin-1")
        task = asyncio.get_running_loop().create_task(self._evidence.answer(query, asked.certificate))
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

    def _ask(self, asked: Asked, connection: SystemConnection, noted: Noted) -> None:
        if self.core.draining:
            raise client_side("NetworkError", "The gateway is being started anew", retry=True)
        if asked.method not in METHODS:
            raise bad_request("This method is not spoken here")
        configuration = self.core.flowing(CLIENT_PROXY)
        headers, client = _read_headers(asked.headers)
        _check_client(configuration, self.core.id, client, asked.certificate)
        try:
            target = identifiers.read_target(asked.target)
        except identifiers.BadIdentifier as bad:
            raise bad_request(str(bad)) from None
        gateway = configuration.gateway_of.get(target.provider)
        if gateway is None:
            raise client_side("UnknownMember", f"Provider 'SUBSYSTEM:{target.provider}' not found")
        _check_server(headers, gateway)
        request_id = str(uuid4())
        noted.about(target.service, request_id, gateway.id)
        names = [noted.header(), (b"X-Road-Request-Id", request_id.encode())]
        head = messages.request_head(asked.method, asked.target, [*headers, *names])

        said = {name: messages.first(headers, name).strip() for name in (_CLIENT, _ID)}

        def answered(response: Response, body: bytes) -> None:
            faulty = messages.first(response.headers, b"x-road-error")
            if not faulty and any(messages.first(response.headers, name) != value for name, value in said.items()):
                failed(client_side("InconsistentResponse", "The response does not belong to the request"))
                return
            noted.end(response.status, FAULT if faulty else "")
            head_only = asked.method == b"HEAD"
            connection.answer(response.status, response.reason, response.headers, body, head_only=head_only)

        def failed(fault: Fault) -> None:
            self._fail(fault, asked, connection, noted)

        self.peers[gateway.id].ask(head, asked.body, request_id, answered, failed)

    def _fail(self, fault: Fault, asked: Asked, connection: SystemConnection, noted: Noted) -> None:
        noted.end(fault.status, fault.type)
        self.core.counts[fault.type] += 1
        message_id = messages.first(asked.headers, _ID)
        headers = fault.headers()
        if message_id.isascii() and message_id.isprintable() and message_id:
            headers.append((b"X-Road-Id", message_id.encode()))
        connection.answer(fault.status, fault.reason, headers, fault.body(), head_only=asked.method == b"HEAD")


def _read_headers(sent: Headers) -> tuple[Headers, str]:
    """Return the headers that travel and the client's identifier; raise `Fault`."""
    clients = [value for name, value in sent if name.lower() == _CLIENT]
    if not clients:
        raise bad_request("The header X-Road-Client is missing")
    headers = [(name, value) for name, value in messages.travelling(sent) if name.lower() not in _OURS]
    headers.insert(0, (b"X-Road-Client", clients[-1]))
    try:
        messages.check_single(headers)
        client = identifiers.read_identifier(clients[-1].decode("latin-1"), identifiers.SUBSYSTEM, identifiers.MEMBER)
    except (messages.BadMessage, identifiers.BadIdentifier) as bad:
        raise bad_request(str(bad)) from None
    names = {name.lower() for name, _ in headers}
    if b"accept" not in names:
        headers.append((b"Accept", b"application/json"))
    if _ID not in names:
        headers.append((b"X-Road-Id", str(uuid7()).encode()))
    message_id = messages.first(headers, _ID)
    if not (0 < len(message_id) <= LONGEST_ID and message_id.isascii() and message_id.isprintable()):
        raise bad_request("X-Road-Id is not 1 to 255 printable ASCII signs")
    return headers, client


def _check_client(configuration: Configuration, own: str, client: str, certificate: str) -> None:
    subsystem = configuration.subsystems.get(client)
    gateway = configuration.gateway_of.get(client)
    if subsystem is None or gateway is None or gateway.id != own:
        raise client_side("UnknownMember", f"Client 'SUBSYSTEM:{client}' not found")
    if certificate not in subsystem.systems:
        message = f"Client (SUBSYSTEM:{client}) TLS certificate does not match registered certificates"
        raise client_side("SslAuthenticationFailed", message)


def _check_server(headers: Headers, gateway: Gateway) -> None:
    wanted = messages.first(headers, b"x-road-security-server")
    if not wanted:
        return
    try:
        server = identifiers.read_identifier(wanted, identifiers.SERVER)
    except identifiers.BadIdentifier as bad:
        raise bad_request(str(bad)) from None
    if server != gateway.id:
        raise client_side("UnknownMember", f"The gateway '{server}' does not serve this provider")
