"""Evidence handed out: ``GET /asic`` gives a system the containers of its own messages, found in the log by their id.

The parameters, statuses and texts are X-Road's. The log is read in a thread, for one request at a time: where its index
points, and what is behind the index.
"""

import asyncio
import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha512
from typing import Any
from urllib.parse import parse_qs

from cryptography.x509 import load_der_x509_certificate

from onedoor.exchange import identifiers
from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway import batches, chain, clients, messages, reading
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.local import Local
from onedoor.exchange.gateway.messages import Headers, Message
from onedoor.exchange.gateway.stamping import leaves
from onedoor.exchange.gateway.systems import Asked
from onedoor.signing.asice import writing
from onedoor.signing.asice.names import MESSAGE, MIMETYPE, SIGNATURES, SIGNED_RESULT
from onedoor.signing.asice.writing import SIGNED, STAMPED, Template

ATTACHMENT = "attachment1"
TEXT = b"text/plain;charset=utf-8"
REQUEST, RESPONSE = "request", "response"
MOST_BYTES = 64 * 2**20
MOST_FOUND = 1000
"""Bytes of messages that are handed out at once, and how many of one id."""
MOST_WAITING = 4
"""Requests that may wait while the log is read for another."""
_REQUESTS = (reading.SENT_REQUESTS, reading.RECEIVED_REQUESTS)
_OWN = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_OK = 200


class Refused(Exception):
    """What cannot be handed out: status, reason phrase and one sentence of plain text; *retry* is in seconds."""

    def __init__(self, status: int, reason: bytes, text: str, *, retry: int = 0) -> None:
        super().__init__(text)
        self.status, self.reason = status, reason
        again = [(b"Retry-After", b"%d" % retry)] if retry else []
        self.headers: Headers = [(b"Content-Type", TEXT), *again]


@dataclass(frozen=True)
class Wanted:
    """What is asked for: messages with an *id* of a subsystem, ``request``, ``response`` or both; one alone or all."""

    id: str
    client: str
    kinds: tuple[str, ...]
    unique: bool
    force: bool

    @classmethod
    def read(cls, query: str) -> "Wanted":
        """Return what *query* asks for; raise `Refused`."""
        given = parse_qs(query, keep_blank_values=True)
        for name in ("queryId", *_OWN):
            if not given.get(name, [""])[0]:
                raise Refused(400, b"Bad Request", f'Parameter "{name}" must be specified.')
        only = [kind for kind, name in ((REQUEST, "requestOnly"), (RESPONSE, "responseOnly")) if name in given]
        if len(only) > 1:
            both = 'Parameters "requestOnly" and "responseOnly" cannot be used at the same time.'
            raise Refused(400, b"Bad Request", both)
        if "unique" in given and not only:
            alone = 'Parameter "unique" not applicable without "requestOnly" or "responseOnly".'
            raise Refused(400, b"Bad Request", alone)
        own = [given[name][0] for name in _OWN]
        if any("/" in part for part in own):
            raise Refused(400, b"Bad Request", "The parameters that name a subsystem have no slash in them.")
        client = "/".join(own)
        kinds = tuple(only) or (REQUEST, RESPONSE)
        return cls(given["queryId"][0], client, kinds, "unique" in given, "force" in given)

    def check(self, configuration: Configuration, local: Local, asked: Asked) -> None:
        """Raise `Refused` unless the subsystem is behind this gateway, and it is the one that *asked*."""
        try:
            clients.identify(configuration, local, self.client, asked)
        except Fault:
            text = "Client TLS certificate does not match registered certificates"
            raise Refused(401, b"Unauthorized", text) from None


@dataclass
class Found:
    """A message in the log, with what signed it and, once there is one, what stamped that."""

    kind: str
    said: str
    value: bytes
    message: Message
    leaves: list[bytes]
    index: int
    stamp: Mapping[str, Any] = field(default_factory=dict)

    def container(self) -> bytes:
        """Return the ASiC-E container."""
        digests = self.message.digests
        entries = {MESSAGE: self.message.head} | ({ATTACHMENT: self.message.body} if self.message.body else {})
        signed = {MESSAGE: digests.head} | ({ATTACHMENT: digests.body} if digests.body else {})
        signatures = self.stamp["signatures"]
        place = [value for _, value, _ in signatures].index(base64.b64encode(self.value).decode())
        document, below = self._document(signatures[place][0]), leaves(digest for _, _, digest in signatures)
        stamped = writing.result_file(STAMPED, chain.result(below))
        return writing.container(
            entries
            | {
                SIGNED_RESULT: writing.result_file(SIGNED, batches.stated(self.said).result),
                f"{SIGNED}-hashchain.xml": writing.chain_file(chain.way(self.leaves, self.index), signed),
                SIGNATURES: document,
                f"{STAMPED}-hashchain.xml": writing.chain_file(
                    chain.way(below, place), {SIGNATURES: sha512(document).digest()}
                ),
            }
            | writing.stamped(stamped, base64.b64decode(self.stamp["token"]))
        )

    def _document(self, mark: str) -> bytes:
        """Return the signature's file, signed under the certificate with the fingerprint *mark*."""
        certificate, response = (base64.b64decode(self.stamp[kind][mark]) for kind in ("certificates", "responses"))
        template = Template(load_der_x509_certificate(certificate))
        return template.document(batches.stated(self.said), self.value, response)


class Evidence:
    """Who hands evidence out, to each client at its *rate* of messages a second, or to any that asks at 0."""

    def __init__(self, core: Core, rate: int = 0) -> None:
        self._core, self._rate = core, rate
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def answer(self, asked: Asked) -> tuple[int, bytes, Headers, bytes]:
        """Return status, reason, headers and body of the answer to *asked*."""
        try:
            wanted = Wanted.read(asked.target.partition(b"?")[2].decode("latin-1"))
            configuration = self._core.current()
            if configuration is None:
                raise Refused(500, b"Internal Server Error", "The global configuration has expired or is missing")
            wanted.check(configuration, self._core.local, asked)
            self._slowly(wanted.client)
            found = await self._found(wanted)
        except Refused as refused:
            return refused.status, refused.reason, refused.headers, str(refused).encode()
        return (_OK, b"OK", *found)

    def _slowly(self, client: str) -> None:
        """Turn away a client that comes too often; its messages and its evidence have one rate."""
        if self._rate and (seconds := self._core.buckets.wait(client, self._rate)):
            text = f"Client '{identifiers.named(client)}' asks more often than it may"
            raise Refused(429, b"Too Many Requests", text, retry=seconds)

    async def _found(self, wanted: Wanted) -> tuple[Headers, bytes]:
        if self._waiting >= MOST_WAITING:
            raise Refused(500, b"Internal Server Error", "Others are being answered, please try again", retry=1)
        self._waiting += 1
        try:
            async with self._turn:
                found = await asyncio.to_thread(find, self._core, wanted)
                if wanted.force and any(not one.stamp for one in found) and self._core.stamping:
                    if not await self._core.stamping.stamp():
                        raise Refused(500, b"Internal Server Error", "Could not create missing timestamp!")
                    found = await asyncio.to_thread(find, self._core, wanted)
                    if left := [(0, one.said, one.value) for one in found if not one.stamp]:  # another worker logged it
                        await self._core.stamping.stamp_others(left)
                        found = await asyncio.to_thread(find, self._core, wanted)
                if not found:
                    raise Refused(404, b"Not Found", "No signed documents found")
                if any(not one.stamp for one in found):
                    raise Refused(500, b"Internal Server Error", "Message signature has not been timestamped yet!")
                return await asyncio.to_thread(_written, wanted, found)
        finally:
            self._waiting -= 1


def find(core: Core, wanted: Wanted) -> list[Found]:
    """Return the messages in the log that are *wanted*, oldest first; raise `Refused` when they are too much."""
    found: list[Found] = []
    mark = wanted.id.encode()
    for record in core.indices.records(wanted.id):
        payload = record.payload or b""
        if record.kind == reading.STAMPED:
            _note_stamp(payload, found)
        elif record.kind != reading.REFUSED and mark in payload:
            known = {one.value for one in found}  # a batch that came again, or to the gateway that sent it
            for one in _wanted(record.kind, payload, wanted):
                if one.value not in known:
                    _add(found, one, wanted)
            size = sum(one.message.size for one in found)
            if len(found) > MOST_FOUND or (size > MOST_BYTES and len(found) > 1):
                raise Refused(500, b"Internal Server Error", "Too many messages have this id; ask for one: unique")
    for one in found:
        for record in core.indices.stamps(one.value) if not one.stamp else ():
            _note_stamp(record.payload or b"", [one])
    return found


def _add(found: list[Found], one: Found, wanted: Wanted) -> None:
    """Add *one*; a message that closes a stream takes the place of the one that opened it and says less.

    A second one that closes it takes nothing's place: whoever signed it cannot hide the first.
    """
    message = one.message
    opening = (at for at, other in enumerate(found) if other.message.head == message.head and not other.message.passed)
    opened = list(opening) if message.passed else []
    if opened:
        found[opened[0]] = one
    elif not (wanted.unique and found):
        found.append(one)


def _wanted(kind: int, payload: bytes, wanted: Wanted) -> Iterator[Found]:
    name = REQUEST if kind in _REQUESTS else RESPONSE
    if name not in wanted.kinds:
        return
    statement, value, all_ = batches.split(payload)
    for index, message in enumerate(all_):
        if _named(name, message.head, wanted):
            yield Found(name, statement.decode(), value, message, [one.digests.leaf for one in all_], index)


def _named(kind: str, head: bytes, wanted: Wanted) -> bool:
    """Return whether a message has the id that is wanted and was sent by who wants it, or to them.

    It is read as those read it who acted on it: whom a request is for stands in its target and nowhere else.
    """
    try:
        if kind == REQUEST:
            request = messages.read_request(head)
            headers, provider = request.headers, identifiers.read_target(request.target).provider
        else:
            headers = messages.read_response(head).headers
            provider = _subsystem(headers.first(b"x-road-service").rpartition("/")[0])
    except (messages.BadMessage, identifiers.BadIdentifier):
        return False
    parties = _subsystem(headers.first(b"x-road-client")), provider
    return headers.first(b"x-road-id") == wanted.id and wanted.client in parties


def _subsystem(said: str) -> str:
    try:
        return identifiers.read_identifier(said, identifiers.SUBSYSTEM)
    except identifiers.BadIdentifier:
        return ""


def _note_stamp(payload: bytes, found: list[Found]) -> None:
    stamp: dict[str, Any] = {}
    for one in found:
        if not one.stamp and base64.b64encode(one.value) in payload:
            stamp = stamp or json.loads(payload)
            one.stamp = stamp


def _written(wanted: Wanted, found: list[Found]) -> tuple[Headers, bytes]:
    name = _PLAIN.sub("_", wanted.id)
    if wanted.unique:
        return _file(MIMETYPE, f"{name}-{found[0].kind}.asice"), found[0].container()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, one in enumerate(found, 1):
            archive.writestr(zipfile.ZipInfo(f"{name}-{one.kind}-{number}.asice"), one.container())
    return _file("application/zip", f"{name}.zip"), file.getvalue()


def _file(kind: str, name: str) -> Headers:
    return [(b"Content-Type", kind.encode()), (b"Content-Disposition", f'attachment; filename="{name}"'.encode())]
