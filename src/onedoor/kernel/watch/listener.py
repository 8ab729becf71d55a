"""The watch listener of a process: ``/health``, ``/health/live``, ``/metrics``; on loopback, or with a bearer token.

It has an address of its own, so that neither a proxy in front of the pages nor another gateway can reach it.
"""

import hmac
import json
import logging
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from onedoor.kernel.access import PUBLIC, WATCHER, Access
from onedoor.kernel.routing import Route, route_of
from onedoor.kernel.settings import Settings
from onedoor.kernel.watch import metrics
from onedoor.kernel.watch.health import Health

OK, UNAUTHORIZED, NOT_FOUND, BROKEN, UNAVAILABLE = 200, 401, 404, 500, 503
JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
PATIENCE = 5.0
"""Seconds a client may take to send its request or to take its answer."""
Figures = Callable[[], bytes]
"""Gives the metrics in Prometheus' text format."""
_logger = logging.getLogger(__name__)


class Listener(ThreadingHTTPServer):
    """Answers who watches; each request on a thread of its own that nobody waits for."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, at: str | socket.socket, token: str, health: Health, figures: Figures) -> None:
        self.health, self.figures, self.token = health, figures, token
        if isinstance(at, socket.socket):  # somebody listens for us already
            super().__init__(at.getsockname(), Watcher, bind_and_activate=False)
            self.socket.close()
            self.socket = at
            return
        host, _, port = at.rpartition(":")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host.strip("[]"), int(port)), Watcher)

    def server_bind(self) -> None:
        """Listen also while the process that this one relieves still does, and right after it; no name is looked up.

        Without the second option a port that was asked lately would count as taken for a minute after a stop.
        """
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the library has it
        """Say nothing: a client that went away is no news."""


class Watcher(BaseHTTPRequestHandler):
    """One request."""

    server: Listener
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.close_connection = True
        route = route_of(ROUTES, self.path.partition("?")[0])
        if route is None:
            self._say(NOT_FOUND, JSON, b'{"status": "not found"}')
        elif not self._may(route.rule):
            self._say(UNAUTHORIZED, JSON, b'{"status": "unauthorized"}')
        else:
            route.answer(self)

    do_HEAD = do_GET  # noqa: N815 - as the library has it

    def ready(self) -> None:
        """Say whether the process can work (503: it cannot), and how each thing is that it depends on."""
        self._say_health(self.server.health.ready())

    def live(self) -> None:
        """Say whether the process goes on (503: it should be started anew)."""
        self._say_health(self.server.health.live())

    def figures(self) -> None:
        """Tell the figures of the process in Prometheus' text format."""
        try:
            text = self.server.figures()
        except Exception:
            _logger.exception("the metrics could not be taken")
            self._say(BROKEN, JSON, b'{"status": "broken"}')
        else:
            self._say(OK, TEXT, text)

    def _say_health(self, said: dict[str, Any]) -> None:
        self._say(UNAVAILABLE if said["status"] == "failing" else OK, JSON, json.dumps(said).encode())

    def _may(self, rule: Access) -> bool:
        token = self.server.token
        shown = self.headers.get("Authorization", "")
        return rule == PUBLIC or not token or hmac.compare_digest(shown.encode("latin-1"), f"Bearer {token}".encode())

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        if status == UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: who watches asks every few seconds."""


ROUTES = (
    Route("GET", "/health", WATCHER, Watcher.ready),
    Route("GET", "/health/ready", WATCHER, Watcher.ready),
    Route("GET", "/health/live", WATCHER, Watcher.live),
    Route("GET", "/metrics", WATCHER, Watcher.figures),
)
"""All that a watch listener answers."""


def begin(
    settings: Settings, health: Health, at: socket.socket | None = None, *, figures: Figures = metrics.text
) -> Listener | None:
    """Listen from now on, when the settings name an address or *at* listens already; a thread of its own answers."""
    if not (settings.watch_listen or at):
        return None
    return listen(at or settings.watch_listen, settings.watch_token, health, figures=figures)


def listen(at: str | socket.socket, token: str, health: Health, *, figures: Figures = metrics.text) -> Listener:
    """Listen at an address from now on, or take who comes to a socket, if they show the *token* there may be.

    A thread of its own answers.
    """
    listener = Listener(at, token, health, figures)
    threading.Thread(target=listener.serve_forever, args=(0.2,), name="watch", daemon=True).start()
    return listener
