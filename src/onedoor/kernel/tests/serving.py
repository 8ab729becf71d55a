"""A server over HTTP that answers what a test tells it to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def serving(
    answer: Callable[[str], bytes | None], port: int = 0, posted: Callable[[bytes], bytes | None] = lambda _: None
) -> Iterator[int]:
    """Answer each GET of a path with what *answer* gives, each POST of a body with what *posted* does; give the port.

    Nothing is 404.
    """

    class Serving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._give(answer(self.path))

        def do_POST(self) -> None:
            self._give(posted(self.rfile.read(int(self.headers["Content-Length"]))))

        def _give(self, found: bytes | None) -> None:
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", port), Serving) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
