"""A provider's system that does nothing but answer: the same behind both gateways and behind both proxies.

``python -m bench.backend HOST:PORT CERTIFICATE KEY TRUST [HOST:PORT …]`` serves over mutual TLS 1.3 until it is killed,
as so many systems as are named. The query ``size=N`` says how many bytes an answer has.
"""

import asyncio
import ssl
import sys
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httptools
import uvloop

FILL = b"0123456789abcdef" * 2**16
PIECE = memoryview(FILL)[: 2**18]


class Answering(asyncio.Protocol):
    """One connection; a request is answered when it is whole."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._answers: dict[bytes, bytes] = {}
        self._target = b""
        self._left, self._full = 0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target = b""

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._target += part

    def on_message_complete(self) -> None:
        """Answer."""
        answer = self._answers.get(self._target)
        if answer is None:
            answer = self._answers[self._target] = _answer(self._target)
        self._transport.write(answer)
        self._left = _size(self._target) - len(FILL)
        self._pour()

    def pause_writing(self) -> None:
        """Wait."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on with a large answer."""
        self._full = False
        self._pour()

    def _pour(self) -> None:
        while self._left > 0 and not self._full:
            piece = PIECE[: self._left]
            self._left -= len(piece)
            self._transport.write(piece)


def _size(target: bytes) -> int:
    return int(parse_qs(urlsplit(target.decode()).query).get("size", ["1024"])[0])


def _answer(target: bytes) -> bytes:
    size = _size(target)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size + FILL[:size]
    )


async def main(*named: str) -> None:
    """Serve until killed."""
    servers = [await _server(*named[at : at + 4]) for at in range(0, len(named), 4)]
    print("ready", flush=True)
    await asyncio.gather(*(one.serve_forever() for one in servers))


async def _server(address: str, certificate: str, key: str, trust: str) -> asyncio.Server:
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(trust)
    context.load_cert_chain(certificate, key)
    context.num_tickets = 0
    return await asyncio.get_running_loop().create_server(Answering, host, int(port), ssl=context, backlog=1024)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
