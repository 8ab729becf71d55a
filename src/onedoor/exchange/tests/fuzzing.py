"""Every parser of what others send, under a fuzzer that follows coverage: it may refuse, but not break and not hang.

``python -m onedoor.exchange.tests.fuzzing SECONDS CORPUS [TARGET]``: the first byte of an input says for which parser
it is. An input that breaks one is left in CORPUS, and the exit code is that of libFuzzer.
"""

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import atheris

with atheris.instrument_imports(include=["onedoor", "json", "yaml", "urllib", "zipfile"]):
    import asyncio

    from onedoor.exchange import configuration, identifiers, openapi
    from onedoor.exchange.configuration import ConfigurationRefused
    from onedoor.exchange.evidence import directory
    from onedoor.exchange.evidence.anchors import Anchor
    from onedoor.exchange.gateway import batches, messages, nodes, segments, soap, systems, wire
    from onedoor.exchange.gateway.circuits import Circuit
    from onedoor.exchange.gateway.faults import Fault
    from onedoor.exchange.openapi import DescriptionRefused
    from onedoor.exchange.permissions import Permission
    from onedoor.signing.asice import integrity
    from onedoor.signing.asice.findings import Broken

VECTORS = Path(__file__).parents[4] / "tests" / "vectors" / "xroad"
SLOW = 10
"""Seconds after which an input counts as one that hangs."""


class Transport:
    """What a connection writes to, and whether it has ended."""

    def __init__(self) -> None:
        self.over = False

    def write(self, _: bytes) -> None: ...

    def writelines(self, _: object) -> None: ...

    def close(self) -> None:
        self.over = True

    abort = close

    def is_closing(self) -> bool:
        return self.over

    def get_extra_info(self, _: str) -> None:
        return None


class Handler:
    """Answers each request of a system at once."""

    def handle(self, asked: systems.Asked, connection: systems.Answering) -> None:
        assert asked.target
        connection.answer(200, b"OK", [], asked.body)

    def told(self, fault: Fault, _: object) -> tuple[messages.Headers, bytes]:
        return fault.told()


def requests(data: bytes) -> None:
    connection = systems.SystemConnection(Handler(), set())
    connection.connection_made(cast("asyncio.Transport", Transport()))
    half = len(data) // 2
    connection.data_received(data[:half])
    connection.data_received(data[half:])


def answers(data: bytes) -> None:
    came: list[object] = []
    connection = nodes.NodeConnection(nodes.Node("localhost", 1, "", cast("Any", None)))
    connection._transport = cast("asyncio.Transport", Transport())
    connection.start(nodes.Errand(b"", "GET", False, 0.0, came.append, came.append, Circuit("")))
    connection.data_received(data)
    assert len(came) <= 1


def frames(data: bytes) -> None:
    for _, payload in wire.Frames().feed(data):
        statement, _, found = batches.split(payload)
        batches._read_statement(statement, batches.REQUESTS, "a", "b")
        assert found


def heads(data: bytes) -> None:
    try:
        messages.check(messages.read_request(data).headers)
    except messages.BadMessage:
        messages.read_response(data)


def targets(data: bytes) -> None:
    found = identifiers.read_target(data)
    assert identifiers.read_identifier(identifiers.write_identifier(found.service), 5) == found.service
    assert "/../" not in f"{found.normal}/"


def globs(data: bytes) -> None:
    glob, _, path = data.decode("latin-1").partition("\0")
    Permission("c", "s", ("*",), (f"GET {glob[:200]}",)).covers("GET", path, "")


def descriptions(data: bytes) -> None:
    openapi.read(data).endpoints()
    openapi.anonymous.__wrapped__(data)


def soaps(data: bytes) -> None:
    soap.read(data)


def configurations(data: bytes) -> None:
    configuration.partner(json.loads(data), "VN")


def lists(data: bytes) -> None:
    found = directory._read(data)
    assert found.end.tzinfo


def anchors(data: bytes) -> None:
    Anchor.read(data)


def logs(data: bytes) -> None:
    path = Path(tempfile.gettempdir(), f"fuzzed-{os.getpid()}.log")
    path.write_bytes(segments.SegmentHead(1, 1, bytes(32), bytes(32), 0).pack() + data)
    list(segments.records(path, bytes(32)))


def containers(data: bytes) -> None:
    assert integrity.check(io.BytesIO(data)).verdict


PARSERS: dict[str, tuple[Callable[[bytes], None], tuple[type[Exception], ...]]] = {
    "requests": (requests, ()),
    "answers": (answers, ()),
    "frames": (frames, (batches.BadBatch,)),
    "heads": (heads, (messages.BadMessage, identifiers.BadIdentifier)),
    "targets": (targets, (identifiers.BadIdentifier,)),
    "globs": (globs, ()),
    "descriptions": (descriptions, (DescriptionRefused,)),
    "soaps": (soaps, (Fault,)),
    "configurations": (configurations, (ConfigurationRefused, ValueError, RecursionError)),
    "lists": (lists, (directory.BadDirectory, Broken, ValueError, KeyError, IndexError)),
    "anchors": (anchors, (ValueError, Broken)),
    "logs": (logs, (segments.BrokenSegment,)),
    "containers": (containers, ()),
}
"""What each parser may raise: whoever calls it takes just these for a refusal."""


_GOOD = b"GET /r1/VN/GOV/G01/X/y/a%2Fb;c=d?x=1 HTTP/1.1\r\nHost: g\r\nX-Road-Client: VN/GOV/G22/PORTAL\r\n"
_DESCRIPTION = b"openapi: 3.0.0\nservers: [url: 'https://a.example/b']\npaths:\n  /a/{id}: {get: {}}\n"
_CONTAINER = VECTORS / "asice" / "asic-verifier-cli_valid-non-batch-rest.asice"
_LIST = next((VECTORS / "globalconf").rglob("internalconf"))


def seeds() -> dict[str, list[bytes]]:
    """Return a few good inputs for each parser."""
    head = messages.request_head(b"GET", b"/r1/a/b/c/d/e", [(b"X-Road-Client", b"a/b/c/d")])
    record = segments.seal(segments.key_of(bytes(32), bytes(32)), 0, bytes(32), 1, 1, b"payload")
    message = len(head).to_bytes(4, "big") + (2).to_bytes(4, "big") + head + b"{}"
    said = b"\n".join([b"onedoor-batch-2", b"requests", b"a", b"b", b"1", b"1", b"0" * 128])
    batch = len(said).to_bytes(2, "big") + (4).to_bytes(2, "big") + said + b"sign" + (1).to_bytes(4, "big") + message
    partner = {"instance": "TL", "expires": "2026-01-01T00:00:00+00:00", "shared": "", "gateways": [], "members": []}
    cert = "<verificationCert>AAAA</verificationCert>"
    source = f"<instanceIdentifier>EE</instanceIdentifier><source><downloadURL>http://a</downloadURL>{cert}</source>"
    namespace = 'xmlns="http://x-road.eu/xsd/xroad.xsd"'
    envelope = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><x/></s:Header><s:Body/></s:Envelope>'
    return {
        "requests": [_GOOD + b"\r\n", _GOOD + b"Content-Length: 2\r\n\r\nok" + _GOOD + b"\r\n",
                     _GOOD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        "answers": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 204 No\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        "frames": [batches.frame(1, batch)],
        "heads": [head, messages.response_head(200, b"OK", [(b"X-Road-Id", b"1")])],
        "targets": [_GOOD.split(b" ")[1], b"/r1/a/b/c/d/e/%2e%2e/f"],
        "globs": [b"/a/**b*c**\0/a/xbyc", rb"/\*/*" + b"\0/*/a"],
        "descriptions": [_DESCRIPTION, b'{"openapi": "3.1.0", "paths": {"/a": {}}, "servers": [{"url": "/"}]}'],
        "soaps": [envelope.encode()],
        "configurations": [json.dumps(partner).encode()],
        "lists": [_LIST.read_bytes()],
        "anchors": [f"<configurationAnchor {namespace}>{source}</configurationAnchor>".encode()],
        "logs": [b"".join(record), b"".join(record) + bytes(100)],
        "containers": [_CONTAINER.read_bytes()],
    }  # fmt: skip


def one(data: bytes) -> None:
    """Give *data* to the parser that its first byte names."""
    if not data:
        return
    parse, refusals = list(PARSERS.values())[data[0] % len(PARSERS)]
    try:
        parse(data[1:])
    except refusals:
        return


def only(name: str) -> Callable[[bytes], None]:
    """Return what gives its data to one parser alone."""
    number = list(PARSERS).index(name)
    return lambda data: one(bytes([number]) + data[1:])


def main(seconds: str, corpus: str, name: str = "") -> None:
    """Fuzz for so many seconds."""
    assert PARSERS.keys() == seeds().keys()
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for parser, examples in seeds().items():
        for number, example in enumerate(examples):
            if name in ("", parser):
                data = bytes([list(PARSERS).index(parser)]) + example
                (folder / f"seed-{parser}-{number}").write_bytes(data)
                one(data)
    options = [f"-max_total_time={seconds}", f"-timeout={SLOW}", "-rss_limit_mb=2048", "-len_control=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/broken-", corpus], only(name) if name else one)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
