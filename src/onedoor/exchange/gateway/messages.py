"""A message as it is signed: its head in the bytes that travel, its body, and the X-Road rules for headers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from onedoor.exchange.gateway.chain import Digests, digests
from onedoor.exchange.identifiers import SERVER, read_identifier

Headers = list[tuple[bytes, bytes]]

STAYING = frozenset(
    b"transfer-encoding keep-alive proxy-authenticate proxy-authorization te trailer upgrade connection user-agent "
    b"host content-length server expect x-road-request-hash".split()
)
"""Names that never travel between gateways: exactly those of X-Road."""
DROPPED = STAYING | {b"x-road-request-id"}
"""Names that a system's request loses: the last one is written anew."""
SINGLE = frozenset(
    b"x-road-client x-road-id x-road-request-id x-road-userid x-road-issue x-road-security-server "
    b"x-road-represented-party onedoor-purpose onedoor-basis idempotency-key content-type traceparent".split()
)
"""Names that may stand once: a second one would let two readers see two messages. No other begins with ``Onedoor-``."""
_WATCHED = STAYING | SINGLE
GUARDED = (b"x-road-", b"onedoor-", b"idempotency-key")
"""Names that must not be imitated with underscores: a CGI-like server cannot tell them apart."""
_SHAPES = {b"x-road-security-server": (SERVER,), b"x-road-represented-party": (1, 2)}
"""How many parts the identifier in a header has: a party is its code, or class and code."""
_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}"
_FIELD = re.compile(rb"(" + _NAME + rb"):([\t -~\x80-\xff]*)\r\n")
_REQUEST = re.compile(rb"([A-Z]{3,8})\r\n(/[!-~]*)\r\n((?:" + _NAME + rb":[\t -~\x80-\xff]*\r\n)*)")
_RESPONSE = re.compile(rb"([1-5][0-9]{2})\r\n([\t -~]*)\r\n((?:" + _NAME + rb":[\t -~\x80-\xff]*\r\n)*)")


class BadMessage(ValueError):
    """A head that is not well formed; the text says why, without a value."""


@dataclass(frozen=True, slots=True)
class Message:
    """Head and body with their digests."""

    head: bytes
    body: bytes
    digests: Digests

    @classmethod
    def of(cls, head: bytes, body: bytes) -> "Message":
        """Return the message with its digests computed."""
        return cls(head, body, digests(head, body))


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head, read."""

    method: str
    target: bytes
    headers: Headers

    def first(self, name: bytes) -> str:
        """Return the value of the header *name* (lower case), or nothing."""
        return first(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    """A response's head, read."""

    status: int
    reason: bytes
    headers: Headers


def first(headers: Headers, name: bytes) -> str:
    """Return the value of the header *name* (lower case), or nothing."""
    return next((value.decode("latin-1") for found, value in headers if found.lower() == name), "")


def every(headers: Headers, name: bytes) -> list[bytes]:
    """Return the values of all headers *name* (lower case)."""
    return [value for found, value in headers if found.lower() == name]


def fields(head: bytes) -> Headers:
    """Return the headers in a head that may not be well formed."""
    return _FIELD.findall(head)


def travelling(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers that may travel."""
    return ((name, value) for name, value in headers if name.lower() not in DROPPED)


def check(headers: Headers) -> None:
    """Raise `BadMessage` or `BadIdentifier` for headers that a request must not have, or not so.

    That is one that never travels, a second one of a kind that stands once, one that imitates, an unknown
    ``Onedoor-`` header, and a server or represented party that is not an identifier.
    """
    seen = set()
    for name, value in headers:
        low = name.lower()
        if low in _WATCHED:
            if low in STAYING:
                raise BadMessage("a header that does not travel between gateways")
            if low in seen:
                raise BadMessage(f"the header {low.decode()} stands twice")
            if low in _SHAPES:
                read_identifier(value.decode("latin-1").strip(), *_SHAPES[low])
            seen.add(low)
        elif b"_" in low and low.replace(b"_", b"-").startswith(GUARDED):
            raise BadMessage("a header imitates one of the exchange")
        elif low.startswith(b"onedoor-"):
            raise BadMessage("a header beginning with Onedoor- is not for systems to set")


def request_head(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the head of a request as it is signed: verb, target, then ``name:value``, each ended by CRLF."""
    return b"%b\r\n%b\r\n" % (method, target) + _lines(headers)


def response_head(status: int, reason: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the head of a response as it is signed: status, reason, then ``name:value``, each ended by CRLF."""
    return b"%d\r\n%b\r\n" % (status, reason) + _lines(headers)


def read_request(head: bytes) -> Request:
    """Return the parts of a request's head; raise `BadMessage`."""
    match = _REQUEST.fullmatch(head)
    if match is None:
        raise BadMessage("the head of a request is not well formed")
    return Request(match[1].decode(), match[2], _FIELD.findall(match[3]))


def read_response(head: bytes) -> Response:
    """Return the parts of a response's head; raise `BadMessage`."""
    match = _RESPONSE.fullmatch(head)
    if match is None:
        raise BadMessage("the head of a response is not well formed")
    return Response(int(match[1]), match[2], _FIELD.findall(match[3]))


def printable(reason: bytes) -> bytes:
    """Return what of a reason phrase can travel."""
    return bytes(sign for sign in reason[:60] if 0x20 <= sign < 0x7F)  # noqa: PLR2004 - printable ASCII


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b:%b\r\n" % (name, value.strip()) for name, value in headers])
