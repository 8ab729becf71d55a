"""A few good inputs for each parser, each of which it takes."""

import base64
import hashlib
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from struct import pack

from asn1crypto import tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from onedoor.exchange.gateway import batches, messages, monitoring, segments, soap
from onedoor.exchange.granting import Ask
from onedoor.exchange.joining import FORMAT
from onedoor.exchange.permissions import Permission
from onedoor.exchange.tests.fuzzing.instance import (
    AUTHORITY,
    CLIENT,
    GATEWAY,
    NOW,
    PROVIDER,
    RESPONDER,
    SHOWN,
    SIGNER,
    STAMPER,
    TLS,
)
from onedoor.kernel.ledger import Checkpoint, Tree, leaf_hash
from onedoor.kernel.ledger.witnessing import Addition
from onedoor.kernel.settings import REPOSITORY
from onedoor.signing import development, status
from onedoor.signing.asice import names
from onedoor.signing.asice.algorithms import DIGESTS
from onedoor.signing.certificates import pem

VECTORS = REPOSITORY / "tests" / "vectors" / "xroad"
_CONTAINER = VECTORS / "asice" / "asic-verifier-cli_valid-non-batch-rest.asice"
with zipfile.ZipFile(_CONTAINER) as _archive:
    VALID = {name: _archive.read(name) for name in _archive.namelist()}
"""The entries of a container that holds."""
_CONFIGURATION = VECTORS / "globalconf" / "v5"
STAMPED = b"what was stamped"
_IMPRINT = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(STAMPED).digest()}
ASKED = bytes(tsp.TimeStampReq({"version": "v1", "message_imprint": _IMPRINT, "nonce": 7, "cert_req": True}).dump())
SHA512 = next(uri for uri, name in DIGESTS.items() if name == "sha512")
SEGMENT = segments.SegmentHead(1, 1, bytes(32), bytes(32), 0).pack()
"""The head of a file of the log, whose last bytes the chain of records goes on from."""
RIGHT = Permission(CLIENT, f"{PROVIDER}/births", ("birth", "own-case"), ("POST /lookup", "GET /a/**"), ("law",))
ORIGIN, KEPT, GROWN = "onedoor/VN/GOV/G01/POPULATION", 5, 9
"""A ledger: how many entries a witness knows, and how many there are."""
_PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")
_REQUEST = b"GET /r1/VN/GOV/G01/X/y/a%2Fb;c=d?x=1 HTTP/1.1\r\nHost: g\r\nX-Road-Client: VN/GOV/G22/PORTAL\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_OWN = "xRoadInstance=VN&memberClass=GOV&memberCode=G22&subsystemCode=PORTAL"


def listed(inner: bytes) -> bytes:
    """Return the list *inner* signed as a central server signs it."""
    signature = base64.b64encode(SIGNER.key.sign(inner, ec.ECDSA(hashes.SHA512())))
    named = base64.b64encode(hashlib.sha512(SIGNER.der).digest())
    return b"".join(
        [
            b"Content-Type: multipart/related; boundary=outer\r\n\r\n--outer\r\n",
            b"Content-Type: multipart/mixed; boundary=in\r\n\r\n" + inner + b"\r\n--outer\r\n",
            b"Signature-Algorithm-Id: http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512\r\n",
            b'Verification-certificate-hash: %b; hash-algorithm-id="%b"\r\n\r\n' % (named, SHA512.encode()),
            signature + b"\r\n--outer--\r\n",
        ]
    )


def _list() -> bytes:
    digest = base64.b64encode(bytes(64)).decode()
    return (
        "--in\r\nExpire-date: 2035-01-01T00:00:00Z\r\nVersion: 5\r\n\r\n"
        "--in\r\nContent-type: application/octet-stream\r\n"
        "Content-identifier: SHARED-PARAMETERS; instance='DEV'\r\nContent-location: /V5/1/shared-params.xml\r\n"
        f"Hash-algorithm-id: {SHA512}\r\n\r\n{digest}\r\n--in--\r\n"
    ).encode()


def _identifier(name: str, text: str) -> str:
    parts = "".join(f"<I:{tag}>{part}</I:{tag}>" for tag, part in zip(_PARTS, text.split("/"), strict=False))
    return f"<X:{name}>{parts}</X:{name}>"


def _envelope(service: str, body: str) -> bytes:
    spaces = {"S": soap.SOAP, "X": soap.XROAD, "I": soap.IDENTIFIERS, "M": soap.MONITORED}
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    header = _identifier("client", CLIENT) + service + "<X:id>an id</X:id><X:protocolVersion>4.0</X:protocolVersion>"
    return f"<S:Envelope {declared}><S:Header>{header}</S:Header><S:Body>{body}</S:Body></S:Envelope>".encode()


def _monitoring() -> list[bytes]:
    def owner(name: str, prefix: str, member: str, code: str = "") -> str:
        parts = [("xRoadInstance", "VN"), ("memberClass", "GOV"), ("memberCode", member), ("serviceCode", code)]
        inside = "".join(f"<I:{tag}>{text}</I:{tag}>" for tag, text in parts if text)
        return f"<{prefix}:{name}>{inside}</{prefix}:{name}>"

    client, now = owner("client", "M", "G01"), int(NOW.timestamp())
    times = f"<M:recordsFrom>{now - 9}</M:recordsFrom><M:recordsTo>{now + 9}</M:recordsTo>"
    fields = "<M:outputSpec><M:outputField>messageId</M:outputField></M:outputSpec>"
    asked = [
        (monitoring.DATA, f"<M:searchCriteria>{times}{client}</M:searchCriteria>"),
        (monitoring.DATA, f"<M:searchCriteria>{times}</M:searchCriteria>{fields}"),
        (monitoring.HEALTH, ""),
        (monitoring.HEALTH, f"<M:filterCriteria>{client}</M:filterCriteria>"),
    ]
    return [_envelope(owner("service", "X", "G22", code), f"<M:{code}>{inside}</M:{code}>") for code, inside in asked]


def _batch() -> bytes:
    head = messages.request_head(b"GET", b"/r1/a/b/c/d/e", [(b"X-Road-Client", b"a/b/c/d")])
    said = b"\n".join([b"onedoor-batch-2", b"requests", b"a", b"b", b"1", b"1", b"0" * 128])
    message = pack("!II", len(head), 2) + head + b"{}"
    return pack("!HH", len(said), 4) + said + b"sign" + pack("!I", 1) + message


def _bodies() -> list[bytes]:
    """Frames about the bodies that are under way (`links`)."""
    keys = [bytes.fromhex(f"019{number}0000000070008000000000000000") for number in range(3)]
    pieces = batches.frame(batches.BODY, keys[0] + b"piece") + batches.frame(batches.BODY, keys[1] + b"0123456789")
    credit = batches.frame(batches.CREDIT, keys[2] + pack("!I", 9))
    resets = batches.frame(batches.RESET, keys[0] + b"\1") + batches.frame(batches.RESET, keys[2] + b"\0")
    return [pieces + credit, credit + resets, batches.frame(batches.REQUESTS, b"x") + pieces]


def _registration() -> dict[str, object]:
    services = [{"code": "births", "kind": "REST"}]
    system = {"id": CLIENT, "name": "Portal", "systems": [SHOWN], "services": services}
    return {
        "format": FORMAT,
        "gateway": GATEWAY,
        "address": "192.0.2.1:5500",
        "member": {"id": GATEWAY.rpartition("/")[0], "name": "Ministry"},
        "subsystems": [system],
        "moment": NOW.isoformat(),
    }


def _partner() -> dict[str, object]:
    signing = pem([SIGNER.certificate]).decode()
    gateway = {
        "id": "TL/GOV/A/G",
        "address": "a.example:1",
        "tls": SHOWN,
        "signing": signing,
        "clients": ["TL/GOV/A/S"],
    }
    services = [{"code": "s", "kind": "REST"}]
    subsystem = {"id": "TL/GOV/A/S", "name": "S", "systems": [], "services": services}
    member = {"id": "TL/GOV/A", "name": "A", "subsystems": [subsystem]}
    there = {"instance": "TL", "expires": "2026-01-01T00:00:00+00:00", "shared": "", "authorities": [signing]}
    return there | {"gateways": [gateway], "members": [member]}


def _anchor() -> bytes:
    certificate = f"<verificationCert>{base64.b64encode(SIGNER.der).decode()}</verificationCert>"
    source = (
        f"<instanceIdentifier>EE</instanceIdentifier><source><downloadURL>http://a</downloadURL>{certificate}</source>"
    )
    return f'<c:configurationAnchor xmlns:c="http://x-road.eu/xsd/xroad.xsd">{source}</c:configurationAnchor>'.encode()


def _status() -> bytes:
    asked = status.request(SIGNER.certificate, AUTHORITY.certificate)
    with tempfile.TemporaryDirectory() as folder:
        return development.status(asked, Path(folder), AUTHORITY.certificate, RESPONDER.key, RESPONDER.certificate, NOW)


def _tokens() -> list[bytes]:
    answered = development.stamp(ASKED, STAMPER.key, [STAMPER.certificate], NOW)
    return [answered, tsp.TimeStampResp.load(answered)["time_stamp_token"].dump()]


def grown(size: int) -> Tree:
    """Return the ledger when it has *size* entries."""
    found = Tree()
    found.extend(leaf_hash(str(number).encode()) for number in range(size))
    return found


def _addition() -> bytes:
    """Return what asks a witness to cosign, but for the signature of the ledger."""
    tree = grown(GROWN)
    checkpoint = Checkpoint(ORIGIN, GROWN, tree.root()).text()
    return Addition(KEPT, tuple(tree.consistency(KEPT, GROWN)), checkpoint).text().encode()


def of_asked() -> dict[str, list[bytes]]:
    """Return what a provider, a witness and the authorities at a directory are asked."""
    ask = Ask(replace(RIGHT, endpoints=("POST /lookup",)), "law", "to know", NOW)
    return {
        "asks": [json.dumps(ask.data()).encode()],
        "checkpoints": [_addition(), b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 9\r\n\r\n"],
        "stampings": [ASKED],
        "inquiries": [status.request(SIGNER.certificate, AUTHORITY.certificate)],
    }


def of_links() -> dict[str, list[bytes]]:
    """Return what comes over connections."""
    head = messages.request_head(b"GET", b"/r1/a/b/c/d/e", [(b"X-Road-Client", b"a/b/c/d")])
    status_ = _status()
    evidence = f"/asic?{_OWN}&queryId=1"
    return {
        "requests": [_REQUEST + b"\r\n", _REQUEST + b"Content-Length: 2\r\n\r\nok" + _REQUEST + b"\r\n",
                     _REQUEST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        "answers": [_OK + b"Content-Length: 2\r\n\r\nok", b"HTTP/1.1 204 No\r\n\r\n",
                    _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        "frames": [batches.frame(1, _batch())],
        "streams": _bodies(),
        "heads": [head, messages.response_head(200, b"OK", [(b"X-Road-Id", b"1")]), head + b"Onedoor-Stream:12\r\n",
                  messages.response_head(206, b"OK", [(b"Onedoor-Stream", b"-"), (b"Content-Range", b"bytes 0-1/2")])],
        "targets": [b"/r1/VN/GOV/G01/X/y/a;c=d?x=%41", b"/r1/a/b/c/d/e%20f/g/"],
        "globs": [b"/a/**b*c**\0/a/xbyc", rb"/\*/*" + b"\0/*/a"],
        "doors": [evidence.encode(), f"{evidence}&requestOnly&unique&force".encode(),
                  b"/govstack/listClients?instanceId=VN", f"/r1/{PROVIDER}/getOpenAPI?serviceCode=births".encode()],
        "fetched": [_OK + b"Content-Length: %d\r\n\r\n" % len(status_) + status_,
                    b"HTTP/1.0 200 OK\r\n\r\n" + _tokens()[0]],
    }  # fmt: skip


def of_documents() -> dict[str, list[bytes]]:
    """Return what comes as files and documents."""
    record = b"".join(segments.seal(segments.key_of(bytes(32), bytes(32)), 0, SEGMENT[-32:], 1, 1, b"payload"))
    shared = (_CONFIGURATION / "shared-params.xml").read_bytes()
    service = _identifier("service", f"{PROVIDER}/listMethods")
    heads = [b"X-Road-Client:VN/GOV/G22/PORTAL", b"X-Road-Service:VN/GOV/G01/P/s", b"Content-Range:bytes 0-9/20"]
    digest = b"Repr-Digest:sha-256=:%b:" % base64.b64encode(bytes(32))
    return {
        "descriptions": [b"openapi: 3.0.0\nservers: [url: 'https://a.example/b']\npaths:\n  /a/{id}: {get: {}}\n",
                         b'{"openapi": "3.1.0", "paths": {"/a": {}}, "servers": [{"url": "/"}]}'],
        "soaps": [_envelope(service, "<X:listMethods/>"), *_monitoring()],
        "questions": _monitoring(),
        "configurations": [json.dumps(_partner()).encode()],
        "registrations": [json.dumps(_registration()).encode()],
        "lists": [_list()],
        "forged": [listed(_list()), (_CONFIGURATION / "internalconf").read_bytes()],
        "parameters": [shared, b"\0".join([shared, b'{"instance": "DEV"}'])],
        "anchors": [_anchor()],
        "certificates": [one.certificate.public_bytes(Encoding.DER) for one in (SIGNER, TLS, STAMPER, AUTHORITY)],
        "logs": [record, record + bytes(100)],
        "containers": [_CONTAINER.read_bytes()],
        "signatures": [VALID[names.SIGNATURES]],
        "chains": [VALID[names.STAMPED_RESULT] + b"\0" + VALID["ts-hashchain.xml"]],
        "manifests": [VALID[names.ASIC_MANIFEST]],
        "tokens": _tokens(),
        "statuses": [_status()],
        "logged": [VALID[names.MESSAGE], b"\r\n".join([b"206", b"Partial", *heads, digest, b""])],
    }  # fmt: skip
