"""Errors towards information systems: X-Road types, statuses and bodies, in the form and spelling they want."""

import json
import re
from collections.abc import Iterable, Iterator
from uuid import uuid4
from xml.sax.saxutils import escape

from onedoor.exchange.gateway.messages import Headers

CLIENT = "Client"
CLIENT_PROXY = "Server.ClientProxy"
SERVER_PROXY = "Server.ServerProxy"
LONGEST_RETRY = 3600
JSON = "application/json"
_XML = {"text/xml": "text/xml", "application/xml": "application/xml", "text/*": "text/xml"}
TYPE = re.compile(r"[A-Za-z0-9._]{1,200}")
"""What a type of an error looks like."""
_DETAIL = re.compile(r"[A-Za-z0-9-]{1,64}")
_SIDES = frozenset(("Client", "Server", "ClientProxy", "ServerProxy"))
_RENAMED = {"OutdatedGlobalConf": "global_conf_outdated", "SslAuthenticationFailed": "ssl_authentication_failed"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INSIDE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


UNTAKEN, UNKNOWN = "untaken", "unknown"
"""What is known of a message that failed on its way: nobody took it, or nobody knows whether somebody did."""


class Fault(Exception):
    """An error with its X-Road *type*, such as ``Server.ServerProxy.AccessDenied``; *message* names no person.

    *retry* is the number of seconds after which the same may succeed (`True` is one), or nothing. *detail* is an id to
    find this error by; without one, each telling gets its own. *fate* is what is known of the message.
    """

    fate = ""

    def __init__(self, type_: str, message: str, *, retry: int = False, detail: str = "") -> None:
        super().__init__(f"{type_}: {message}")
        self.type, self.message, self.retry, self.detail = type_, message, retry, detail

    @property
    def status(self) -> int:
        """Return 500 for errors of a gateway or provider, 400 for those of the client."""
        return 500 if self.type.lower().startswith("server.") else 400

    @property
    def reason(self) -> bytes:
        """Return the reason phrase of the status."""
        return b"Internal Server Error" if self.type.lower().startswith("server.") else b"Bad Request"

    def told(self, accept: Iterable[bytes] = (), *, newer: bool = False) -> tuple[Headers, bytes]:
        """Return headers and body of the answer to who sent *accept*; *newer* spells the type as version 7.8 does."""
        kind = form(accept)
        type_ = spelt(self.type) if newer else self.type
        body = {"type": type_, "message": self.message, "detail": self.detail or str(uuid4())}
        headers = [(b"Content-Type", f"{kind};charset=utf-8".encode()), (b"X-Road-Error", type_.encode())]
        if self.retry:
            headers.append((b"Retry-After", b"%d" % self.retry))
        return headers, (json.dumps(body) if kind == JSON else _xml(body)).encode()


def form(accept: Iterable[bytes]) -> str:
    """Return the media type of an error for who sent the headers *accept*: the XML that one names, else JSON."""
    return next((_XML[kind] for kind in kinds(accept) if kind in _XML), JSON)


def kinds(accept: Iterable[bytes]) -> Iterator[str]:
    """Yield the media types that the headers *accept* name, in their order; weights count for nothing, as in X-Road."""
    for value in accept:
        yield from (one.partition(";")[0].strip().lower() for one in value.decode("latin-1").split(","))


def spelt(type_: str) -> str:
    """Return *type_* as X-Road 7.8 spells it: ``server.serverproxy.access_denied``."""
    return ".".join(
        one.lower() if one in _SIDES else _RENAMED.get(one) or _INSIDE.sub("_", one).lower() for one in type_.split(".")
    )


def told_by(type_: str, body: bytes, *, after: str) -> Fault | None:
    """Return the fault of *type_* that another gateway told in *body*; nothing when it did not tell one.

    *after* is what it said of when to try again, in seconds, or nothing. Signs that no text may hold are left out, and
    an id that is none.
    """
    retry = min(int(after[:9]), LONGEST_RETRY) if after.isascii() and after.isdecimal() else bool(after)
    try:
        data = json.loads(body)
        message, detail = _NOT_XML.sub("", str(data["message"])), str(data["detail"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    detail = detail if _DETAIL.fullmatch(detail) else ""
    return Fault(type_, message, retry=retry, detail=detail) if TYPE.fullmatch(type_) else None


def bad_request(message: str) -> Fault:
    """Return the fault of a request that is not as the protocol wants it."""
    return Fault(f"{CLIENT}.BadRequest", message)


def client_side(kind: str, message: str, *, retry: int = False) -> Fault:
    """Return a fault of the gateway of the one who asks."""
    return Fault(f"{CLIENT_PROXY}.{kind}", message, retry=retry)


def server_side(kind: str, message: str, *, retry: int = False) -> Fault:
    """Return a fault of the gateway of the one who provides, or of the provider."""
    return Fault(f"{SERVER_PROXY}.{kind}", message, retry=retry)


def _xml(body: dict[str, str]) -> str:
    inside = "".join(f"<{name}>{in_xml(value)}</{name}>" for name, value in body.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<error>{inside}</error>\n'


def in_xml(text: str) -> str:
    """Return *text*, which another gateway may have written, as it stands in an element of XML."""
    return escape(_NOT_XML.sub("", text))
