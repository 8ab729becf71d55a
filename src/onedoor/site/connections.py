"""Connections of a listener that hold a thread only while something arrives on them, and never for long."""

import io
import select
import socket
import time
from typing import Any, Protocol

from cheroot.makefile import MakeFile, StreamReader
from cheroot.server import HTTPConnection, HTTPRequest

HEAD_WITHIN = 10.0
"""Seconds in which the head of a request must have come, however slowly its client sends."""
WHOLE_WITHIN = 60.0
"""Seconds in which the whole request must have come."""


class Doorman(Protocol):
    """Lets a connection in that has just spoken for the first time, or does not."""

    def admit(self, connection: "Connection") -> bool:
        """Return whether *connection* may go on."""


class PunctualSocket(socket.SocketIO):
    """Bytes of a connection as they arrive, until a moment at which what is under way is given up."""

    until = 0.0
    patience: float | None = None

    def __init__(self, sock: socket.socket, mode: Any) -> None:  # noqa: ANN401 - the mode of a file
        super().__init__(sock, mode)
        self.connection, self.patience = sock, sock.gettimeout()

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        """Read what has come; raise `TimeoutError` when the moment has passed."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.connection.settimeout(min(left, self.patience or left))
        try:
            return super().readinto(buffer)
        finally:
            self.connection.settimeout(self.patience)


class PunctualReader(StreamReader):
    """A buffered reader over a `PunctualSocket`."""

    def __init__(self, sock: socket.socket, mode: str = "r", bufsize: int = io.DEFAULT_BUFFER_SIZE) -> None:
        super(StreamReader, self).__init__(PunctualSocket(sock, mode), bufsize)
        self.bytes_read = 0


class Request(HTTPRequest):
    """A request with more time for its body than for its head."""

    def respond(self) -> None:
        """Answer, once the head is read."""
        self.conn.allow(WHOLE_WITHIN)
        super().respond()


class Connection(HTTPConnection):
    """A connection: it rests with the others until its first byte comes, then it is let in, then it is served."""

    RequestHandlerClass = Request
    spoke = False

    def __init__(self, server: Any, sock: socket.socket, _makefile: object = None) -> None:  # noqa: ANN401 - untyped
        super().__init__(server, sock, makefile)

    def communicate(self) -> bool:
        """Serve a request; return whether the connection is kept."""
        if not self.spoke:
            if not _readable(self.socket):
                return True
            self.spoke = True
            doorman: Doorman | None = self.server.ssl_adapter
            if doorman and not doorman.admit(self):
                return False
        self.allow(HEAD_WITHIN)
        return bool(super().communicate())  # type: ignore[no-untyped-call]

    def allow(self, seconds: float) -> None:
        """Let what is read from now on come within *seconds*."""
        self.rfile.raw.until = time.monotonic() + seconds


def makefile(sock: socket.socket, mode: str = "r", bufsize: int = io.DEFAULT_BUFFER_SIZE) -> Any:  # noqa: ANN401
    """Return a file over the connection; reading is punctual."""
    return PunctualReader(sock, mode, bufsize) if "r" in mode else MakeFile(sock, mode, bufsize)


def _readable(sock: socket.socket) -> bool:
    """Return whether something has arrived, or the other end has gone."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
