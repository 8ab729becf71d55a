"""Webhooks: a system is told over HTTPS that a consent record of its own changed, by ids alone, signed with its secret.

The form is that of Standard Webhooks (https://www.standardwebhooks.com): ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature: v1,`` base64 of HMAC-SHA256 over ``id.timestamp.body``.
"""

import base64
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

from onedoor.kernel import clock, fetching
from onedoor.kernel.addresses import NotAllowed, public, resolved
from onedoor.kernel.errors import BadInput, OnedoorError
from onedoor.kernel.said import said
from onedoor.kernel.settings import current as settings
from onedoor.privacy.consents import revisions
from onedoor.privacy.consents.revisions import WEBHOOK, Kept
from onedoor.privacy.consents.snapshots import canonical
from onedoor.privacy.errors import NoSuchObject

MOST = 20
"""Webhooks of one system."""
SECONDS = 10.0
"""The time for one delivery, from the first byte to the end of the answer's head; looking up the host comes before."""
SHORTEST_SECRET = 16
CONTENT_TYPE = "application/json"


class NotDelivered(OnedoorError):
    """A webhook could not be told ({what}). It is tried again later; look whether its address answers."""


def check(webhook: Mapping[str, Any]) -> None:
    """Raise `BadInput` when nothing could be delivered to *webhook*, or should not be."""
    if webhook["contentType"] != CONTENT_TYPE:
        raise BadInput(what=said("contentType is {kind}", kind=CONTENT_TYPE))
    if len(webhook["secretKey"]) < SHORTEST_SECRET:
        raise BadInput(what=said("secretKey has at least {least} signs", least=SHORTEST_SECRET))
    _allowed(webhook["payloadUrl"])


def _allowed(address: str) -> SplitResult:
    """Return the parts of *address*, which the operator must have allowed; raise `BadInput`."""
    try:
        parts = urlsplit(address)
        place = parts.netloc.lower()
        if parts.scheme == "https" and place in settings().webhook_hosts and parts.hostname and not parts.fragment:
            _ = parts.port
            return parts
    except ValueError:
        pass
    raise BadInput(what=said("payloadUrl is an https address whose host the setting ONEDOOR_WEBHOOK_HOSTS names"))


def tell(client: str, event: str, record: Kept) -> None:
    """Queue, in the caller's transaction, that every webhook of *client* is told of *event* about a consent record."""
    from onedoor.privacy.tasks import deliver_webhook

    facts = {"event": event, "record": record.object, "revision": str(record.row.id)}
    for webhook in revisions.listed(WEBHOOK, client, 0, MOST):
        if not webhook.data["disabled"]:
            deliver_webhook.defer(webhook=webhook.object, **facts)


def deliver(webhook: str, event: str, record: str, revision: str) -> None:
    """Tell one webhook; raise `NotDelivered` unless it answers with success. One that is gone is told no more."""
    try:
        found = revisions.one(WEBHOOK, webhook).data
    except NoSuchObject:
        return
    if found["disabled"]:
        return
    body = canonical({"type": event, "data": {"consentRecordId": record, "revisionId": revision}}).encode()
    status = _post(
        _allowed(found["payloadUrl"]), body, headers(f"{webhook}.{revision}.{event}", body, found["secretKey"])
    )
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise NotDelivered(what=said("answer {status}", status=status))


def headers(name: str, body: bytes, secret: str) -> dict[str, str]:
    """Return the headers by which the receiver knows that *body* is ours, now, and not one it has seen."""
    moment = str(int(clock.now().timestamp()))
    mac = hmac.digest(secret.encode(), f"{name}.{moment}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(mac).decode()}"
    told = {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": signature}
    return {**told, "Content-Type": CONTENT_TYPE}


def _post(address: SplitResult, body: bytes, told: Mapping[str, str]) -> int:
    """Send *body* and return the status; a redirection is not followed."""
    host, port = address.hostname or "", address.port or http.client.HTTPS_PORT
    connection = _Pinned(host, port, _reached(host, port))
    deadline = threading.Timer(SECONDS, connection.end)
    deadline.start()
    try:
        path = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
        connection.request("POST", path, body, dict(told))
        status = connection.getresponse().status
        connection.check_time()  # a head that was cut off reads as one that is whole
    except (OSError, http.client.HTTPException) as error:
        cause = TimeoutError() if connection.late else error
        raise NotDelivered(what=fetching.why(cause, said("its answer cannot be read"))) from error
    finally:
        deadline.cancel()
        connection.close()
    return status


def _reached(host: str, port: int) -> str:
    """Return the address of *host* to connect to; raise `NotDelivered` unless all of them are public."""
    try:
        return resolved(host, port, public)
    except NotAllowed as error:
        raise NotDelivered(what=said("its host is not a public address")) from error
    except OSError as error:
        raise NotDelivered(what=said("its host is not known")) from error


class _Pinned(http.client.HTTPSConnection):
    """A connection to the address that was looked at, whatever the name resolves to meanwhile; TLS checks the name."""

    def __init__(self, host: str, port: int, address: str) -> None:
        self._trust = trust()
        super().__init__(host, port, timeout=SECONDS, context=self._trust)
        self._address = address
        self.late = False

    def connect(self) -> None:
        """Connect to the address and speak TLS as with the host."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self.check_time()
        self.sock.do_handshake()

    def end(self) -> None:
        """Have whatever waits on the connection wait no longer, from another thread: the time for all of it is over."""
        self.late = True
        if self.sock:
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def check_time(self) -> None:
        """Raise `TimeoutError` once the time is over."""
        if self.late:
            raise TimeoutError


def trust() -> ssl.SSLContext:
    """Return what a server's certificate is held against: the authorities of this computer."""
    return ssl.create_default_context()
