"""Errors towards information systems: X-Road types, statuses and bodies."""

import json
from uuid import uuid4

CLIENT = "Client"
CLIENT_PROXY = "Server.ClientProxy"
SERVER_PROXY = "Server.ServerProxy"
RETRY_AFTER = 1


class Fault(Exception):
    """An error with its X-Road *type*, such as ``Server.ServerProxy.AccessDenied``; *message* names no person."""

    def __init__(self, type_: str, message: str, *, retry: bool = False) -> None:
        super().__init__(f"{type_}: {message}")
        self.type, self.message, self.retry = type_, message, retry

    @property
    def status(self) -> int:
        """Return 500 for errors of a gateway or provider, 400 for those of the client."""
        return 500 if self.type.lower().startswith("server.") else 400

    @property
    def reason(self) -> bytes:
        """Return the reason phrase of the status."""
        return b"Internal Server Error" if self.type.lower().startswith("server.") else b"Bad Request"

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the error answer."""
        found = [(b"Content-Type", b"application/json;charset=utf-8"), (b"X-Road-Error", self.type.encode())]
        return [*found, (b"Retry-After", b"%d" % RETRY_AFTER)] if self.retry else found

    def body(self) -> bytes:
        """Return the JSON body; *detail* is an id to find this error by."""
        return json.dumps({"type": self.type, "message": self.message, "detail": str(uuid4())}).encode()


def bad_request(message: str) -> Fault:
    """Return the fault of a request that is not as the protocol wants it."""
    return Fault(f"{CLIENT}.BadRequest", message)


def client_side(kind: str, message: str, *, retry: bool = False) -> Fault:
    """Return a fault of the gateway of the one who asks."""
    return Fault(f"{CLIENT_PROXY}.{kind}", message, retry=retry)


def server_side(kind: str, message: str, *, retry: bool = False) -> Fault:
    """Return a fault of the gateway of the one who provides, or of the provider."""
    return Fault(f"{SERVER_PROXY}.{kind}", message, retry=retry)
