"""A message as it is signed: its head in the bytes that travel, its body, and the X-Road rules for headers."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha512

from onedoor.exchange.gateway.chain import Digests, digests
from onedoor.exchange.identifiers import SERVER, read_identifier

Headers = list[tuple[bytes, bytes]]

OF_HTTP = frozenset(
    b"transfer-encoding keep-alive proxy-authenticate proxy-authorization te trailer upgrade connection user-agent "
    b"host content-length server expect".split()
)
"""Names that HTTP has for one connection: they say where a message ends, and never travel between gateways."""
STAYING = OF_HTTP | {b"x-road-request-hash"}
"""Names that no request between gateways has: exactly those of X-Road."""
DROPPED = STAYING | {b"x-road-request-id"}
"""Names that a system's request loses: the last one is written anew."""
SINGLE = frozenset(
    b"x-road-client x-road-id x-road-request-id x-road-userid x-road-issue x-road-security-server "
    b"x-road-represented-party onedoor-purpose onedoor-basis idempotency-key content-type traceparent".split()
)
"""Names that may stand once: a second one would let two readers see two messages."""
UNKNOWN = (b"onedoor-", b"x-govstack-")
"""What no other name may begin with: who provides could trust it. The mount ``/govstack`` has the latter for itself."""
GUARDED = (b"x-road-", b"idempotency-key", *UNKNOWN)
"""Names that must not be imitated with underscores: a CGI-like server cannot tell them apart."""
_SHAPES = {b"x-road-security-server": (SERVER,), b"x-road-represented-party": (1, 2)}
"""How many parts the identifier in a header has: a party is its code, or class and code."""
_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}"
_FIELD = re.compile(rb"(" + _NAME + rb"):([\t -~\x80-\xff]*)\r\n")
_REQUEST = re.compile(rb"([A-Z]{3,8})\r\n(/[!-~]*)\r\n((?:" + _NAME + rb":[\t -~\x80-\xff]*\r\n)*)")
_RESPONSE = re.compile(rb"([1-5][0-9]{2})\r\n([\t -~]*)\r\n((?:" + _NAME + rb":[\t -~\x80-\xff]*\r\n)*)")


class BadMessage(ValueError):
    """A head that is not well formed; the text says why, without a value."""


@dataclass(slots=True)
class Message:
    """Head and body with their digests."""

    head: bytes
    body: bytes
    digests: Digests
    passed: bool = False
    """Whether the body went by as a stream, and only its digest is here."""

    @property
    def size(self) -> int:
        """Return how many bytes of it are here."""
        return len(self.head) + len(self.body)

    @classmethod
    def of(cls, head: bytes, body: bytes) -> "Message":
        """Return the message with its digests computed."""
        return cls(head, body, digests(head, body))

    @classmethod
    def closing(cls, head: bytes, digest: bytes) -> "Message":
        """Return the message whose body went by and has the SHA-512 *digest*: signed, it is as one with its body."""
        return cls(head, b"", Digests(sha512(head).digest(), digest), passed=True)


class Fields:
    """Headers that were read: *pairs* in their order, and *named*, the first value of each name in lower case."""

    __slots__ = ("named", "pairs")

    def __init__(self, pairs: Headers) -> None:
        self.pairs = pairs
        self.named = {name.lower(): value for name, value in reversed(pairs)}

    def first(self, name: bytes) -> str:
        """Return the value of the header *name* (lower case), or nothing."""
        return self.named.get(name, b"").decode("latin-1")

    def every(self, name: bytes) -> list[bytes]:
        """Return the values of all headers *name* (lower case)."""
        if name not in self.named:
            return []
        if not self.doubled:
            return [self.named[name]]
        return [value for found, value in self.pairs if found.lower() == name]

    def add(self, name: bytes, value: bytes) -> None:
        """Put a header at the end that is not there yet."""
        self.pairs.append((name, value))
        self.named[name.lower()] = value

    @property
    def doubled(self) -> bool:
        """Return whether a name stands more than once."""
        return len(self.named) < len(self.pairs)


@dataclass(slots=True)
class Request:
    """A request's head, read."""

    method: str
    target: bytes
    headers: Fields

    def first(self, name: bytes) -> str:
        """Return the value of the header *name* (lower case), or nothing."""
        return self.headers.first(name)


@dataclass(slots=True)
class Response:
    """A response's head, read."""

    status: int
    reason: bytes
    headers: Fields
    size: int = 0
    """Bytes of the head itself."""


def travelling(headers: Headers, dropped: frozenset[bytes] = DROPPED) -> Headers:
    """Return the headers that may travel: all but those *dropped* (names in lower case)."""
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def check(headers: Fields) -> None:
    """Raise `BadMessage` or `BadIdentifier` for headers that a request must not have, or not so.

    That is one that never travels, a second one of a kind that stands once, one that imitates, an unknown
    ``Onedoor-`` or any ``X-GovStack-`` header, and a server or represented party that is not an identifier.
    """
    named = headers.named
    if not STAYING.isdisjoint(named):
        raise BadMessage("a header that does not travel between gateways")
    if headers.doubled:
        for name in SINGLE.intersection(named):
            if len(headers.every(name)) > 1:
                raise BadMessage(f"the header {name.decode()} stands twice")
    for name, sizes in _SHAPES.items():
        if name in named:
            read_identifier(headers.first(name).strip(), *sizes)
    for name in named.keys() - SINGLE:
        if b"_" in name and name.replace(b"_", b"-").startswith(GUARDED):
            raise BadMessage("a header imitates one of the exchange")
        if name.startswith(UNKNOWN):
            raise BadMessage("a header beginning with Onedoor- or X-GovStack- is not for systems to set")


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
    return Request(match[1].decode(), match[2], Fields(_FIELD.findall(match[3])))


def read_response(head: bytes) -> Response:
    """Return the parts of a response's head; raise `BadMessage`."""
    match = _response(head)
    return Response(int(match[1]), match[2], Fields(_FIELD.findall(match[3])), len(head))


def request_id(head: bytes, read: Callable[[bytes], Request | Response] = read_request) -> str:
    """Return the id between gateways of the message with *head*, or nothing when that is not well formed."""
    with suppress(BadMessage):
        return read(head).headers.first(b"x-road-request-id")
    return ""


def check_response(head: bytes) -> None:
    """Raise `BadMessage` when *head* is not that of a response."""
    _response(head)


def printable(reason: bytes) -> bytes:
    """Return what of a reason phrase can travel."""
    return bytes(sign for sign in reason[:60] if 0x20 <= sign < 0x7F)  # noqa: PLR2004 - printable ASCII


def _response(head: bytes) -> "re.Match[bytes]":
    match = _RESPONSE.fullmatch(head)
    if match is None:
        raise BadMessage("the head of a response is not well formed")
    return match


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b:%b\r\n" % (name, value.strip()) for name, value in headers])
