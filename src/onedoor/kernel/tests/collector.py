"""A small OpenTelemetry collector for tests: it really takes spans by OTLP over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Collector(ThreadingHTTPServer):
    """Listens on a port of its own and keeps what came."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.status, self.bodies = status, list[dict[str, Any]]()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def spans(self) -> list[dict[str, Any]]:
        scopes = [scope for body in self.bodies for one in body["resourceSpans"] for scope in one["scopeSpans"]]
        return [span for scope in scopes for span in scope["spans"]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response_only(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None: ...
