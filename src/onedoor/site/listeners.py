"""The listeners of a process: plain HTTP for browsers, and mutual TLS for the own gateway alone."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from queue import Queue
from typing import Any

from cheroot.ssl import Adapter
from cheroot.workers.threadpool import ThreadPool
from cheroot.wsgi import Server
from cryptography import x509

from onedoor.kernel.errors import OnedoorError, Unavailable
from onedoor.kernel.settings import Settings
from onedoor.signing import certificates
from onedoor.site.connections import Connection, makefile

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
VIA_GATEWAY = "onedoor.gateway"
MAX_HEADER = 64 * 1024
MOST_RESTING = 128
"""Connections that may rest between two requests; cheroot's own ten would make a busy gateway shake hands each time."""
MOST_WAITING = 128
"""Requests of browsers that may wait for a thread; of an agency's officers hardly so many come at once."""
RETRY_AFTER = 3
"""Seconds after which somebody turned away may come again."""
MAX_BODY = 16 * 1024 * 1024
DRAINED_WITHIN = 12
"""Seconds in which what is under way is answered when the process is asked to end."""
HANDSHAKE_WITHIN = 5.0


class Busy(Unavailable):
    """Too many people use this desk at this moment. Nothing is lost. Please try again in a few seconds."""


class NoIdentity(OnedoorError):
    """This system cannot speak to its gateway: ONEDOOR_TLS_KEY, ONEDOOR_TLS_CERT and ONEDOOR_TLS_TRUST must be set."""


def browsers(settings: Settings, application: Application, *, threads: int) -> Server:
    """Return the listener for browsers (a proxy in front of it speaks TLS)."""
    server = _server(settings.listen, application, threads, kind=Desk)
    server.requests = ThreadPool(server, threads, threads, MOST_WAITING, 0)
    return server


def own_gateway(settings: Settings, application: Application, *, threads: int) -> Server:
    """Return the listener that only the own gateway can speak to."""
    server = _server(settings.exchange_listen, application, threads)
    server.ssl_adapter = OwnGateway(settings)
    return server


class Desk(Server):
    """A listener that tells who finds too many waiting so at once, in words, instead of letting them wait as well."""

    _unservicable_conns: "Queue[Any]"

    def _serve_unservicable(self) -> None:
        """Answer those for whom there is no room, on a thread of its own, until the listener stops."""
        answer = busy()
        while self.ready and isinstance(connection := self._unservicable_conns.get(), Connection):
            with contextlib.suppress(OSError):
                connection.socket.recv(MAX_HEADER, socket.MSG_DONTWAIT)  # what is unread would cut the answer off
                connection.socket.sendall(answer)
            connection.close()


def busy() -> bytes:
    """Return the whole answer to one for whom there is no room, in every language of the nation."""
    from django.conf import settings
    from django.utils.translation import gettext, override

    lines = []
    for language, _ in settings.LANGUAGES:
        with override(language):
            lines.append(Busy().text(gettext))
    body = "\n".join(lines).encode()
    head = (
        f"HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_AFTER}\r\nCache-Control: no-store\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _server(address: str, application: Application, threads: int, *, kind: type[Server] = Server) -> Server:
    host, _, port = address.rpartition(":")
    server = kind(
        (host.strip("[]"), int(port)), application, numthreads=threads, max=threads, request_queue_size=128, timeout=30
    )
    server.keep_alive_conn_limit = MOST_RESTING
    server.shutdown_timeout = DRAINED_WITHIN
    server.max_request_header_size = MAX_HEADER
    server.max_request_body_size = MAX_BODY
    server.error_log = _silent  # type: ignore[method-assign]
    server.ConnectionClass = Connection
    return server


def _silent(msg: str = "", level: int = 20, traceback: bool = False) -> None:
    """Say nothing: what a stranger sends is no news, and its words do not belong into a log."""


class OwnGateway(Adapter):
    """TLS 1.3 with a certificate on both sides.

    What we trust holds the gateway's own certificate, or the authority of our member alone, which names its gateway.
    """

    def __init__(self, settings: Settings) -> None:
        if not (settings.tls_key and settings.tls_cert and settings.tls_trust):
            raise NoIdentity
        self.pinned = fingerprints(settings.tls_trust)
        gateway = f"{settings.subsystem.rpartition('/')[0]}/GATEWAY"
        self.gateways = (gateway, f"{gateway}-2")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self.context.load_cert_chain(settings.tls_cert, settings.tls_key)
        self.context.load_verify_locations(settings.tls_trust)

    def bind(self, sock: socket.socket) -> socket.socket:
        """Return the listening socket as it is: each connection is wrapped when it comes."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """Return the connection in TLS; who it is, is asked by `admit`, on a thread that nobody else waits for."""
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    def admit(self, connection: Connection) -> bool:
        """Return whether the own gateway is at the other end, and mark what comes from it; others are cut off."""
        sock: ssl.SSLSocket = connection.socket
        patience = sock.gettimeout()
        with contextlib.suppress(OSError):
            sock.settimeout(HANDSHAKE_WITHIN)
            sock.do_handshake()
            sock.settimeout(patience)
            if self._is_own_gateway(sock.getpeercert(binary_form=True) or b""):
                connection.ssl_env = self.get_environ()
                return True
        return False

    def _is_own_gateway(self, shown: bytes) -> bool:
        """Return whether a certificate in our trust is the gateway's: given to us itself, or issued in its name."""
        if sha256(shown).hexdigest() in self.pinned:
            return True
        return certificates.identifier(x509.load_der_x509_certificate(shown)) in self.gateways

    def get_environ(self) -> dict[str, Any]:
        """Return what marks a request as coming from the own gateway; no header can have this name."""
        return {"wsgi.url_scheme": "https", "HTTPS": "on", VIA_GATEWAY: True}

    makefile = staticmethod(makefile)


def fingerprints(path: Path) -> frozenset[str]:
    """Return the SHA-256 of every certificate in the PEM file *path*."""
    parts = path.read_text("ascii").split(ssl.PEM_FOOTER)
    ders = (ssl.PEM_cert_to_DER_cert(part[part.index(ssl.PEM_HEADER) :] + ssl.PEM_FOOTER) for part in parts[:-1])
    return frozenset(sha256(der).hexdigest() for der in ders)
