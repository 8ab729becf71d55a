"""What comes as a file or a document, from members, other instances and whoever hands evidence in."""

import base64
import io
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from onedoor.exchange import configuration, openapi, permissions
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory import federation, registering
from onedoor.exchange.directory.authorities import Authorities
from onedoor.exchange.evidence import anchors as anchoring
from onedoor.exchange.evidence import directory, messages, trust
from onedoor.exchange.evidence.configuration import Authority
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.gateway import monitoring, records, segments, soap
from onedoor.exchange.gateway.messages import Fields, check, read_request, request_head
from onedoor.exchange.gateway.operations import Operations
from onedoor.exchange.gateway.records import Record
from onedoor.exchange.gateway.systems import Asked
from onedoor.exchange.joining import REGISTRATION
from onedoor.exchange.tests.fuzzing.instance import (
    AUTHORITY,
    CLIENT,
    CONFIGURATION,
    CONTENT,
    LOCAL,
    NOW,
    PROVIDER,
    SIGNER,
    TLS,
)
from onedoor.exchange.tests.fuzzing.seeds import ASKED, SEGMENT, STAMPED, VALID, listed
from onedoor.signing import certificates as certified
from onedoor.signing import stamps, status
from onedoor.signing.asice import hashchain, integrity, names, revocation, timestamps, xades
from onedoor.signing.certificates import pem

PARTED = b"\0"
"""Stands between the two documents of an input that has two."""
HEADERS = Fields([(b"Content-Type", b"text/xml")])
MOMENT = int(NOW.timestamp())


def descriptions(data: bytes) -> None:
    openapi.read(data).endpoints()
    openapi.anonymous.__wrapped__(data)


def soaps(data: bytes) -> None:
    """A request over SOAP as a system sends it, up to its answer, or to the question for another gateway."""
    found = soap.answer(CONFIGURATION, LOCAL, Asked(b"POST", b"/", HEADERS, data, "", True))
    if isinstance(found, soap.Errand):
        target = monitoring.target(found)
        assert monitoring.meant("POST", target) == (found.member, found.code)
        check(read_request(request_head(b"POST", target, monitoring.headers(found, "an-id"))).headers)
        monitoring.gateway_for(CONFIGURATION, found)


@cache
def operations() -> Operations:
    """Return records of a few messages, as a gateway keeps them."""
    found = Operations(Path(tempfile.mkdtemp(prefix="fuzzed-")))
    moments, sizes = (1, 2, 3, 4), (5, 6)
    one = Record(
        "Client",
        moments,
        CLIENT,
        f"{PROVIDER}/births",
        "GET",
        "/a",
        "",
        "1",
        "",
        "",
        ("", "", ""),
        sizes,
        "",
        "",
        200,
        "REST",
    )
    found.folder.mkdir()
    (found.folder / f"{records.KIND}{MOMENT}-1.jsonl").write_bytes(records.line(MOMENT, one) * 3)
    found.health.add(one, MOMENT)
    return found


def questions(data: bytes) -> None:
    """A question for operational monitoring as it comes from another gateway, with its answer."""
    for code in (monitoring.DATA, monitoring.HEALTH):
        if code.encode() in data:
            headers, body = monitoring.answer(operations(), code, lambda _: True, data)
            assert headers
            assert body
            return
    soap.read(data)


def configurations(data: bytes) -> None:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):  # whoever reads the file says that it is not well formed
        raise ConfigurationRefused(why="") from None
    configuration.partner(told, "VN")


def registrations(data: bytes) -> None:
    """A registration that both its keys signed: the file that ``member add`` reads, whatever it says."""
    with suppress(registering.BadRegistration):
        registering.read(data)
    try:
        said = {
            **json.loads(data),
            "tls": pem([TLS.certificate]).decode(),
            "signing": pem([SIGNER.certificate]).decode(),
        }
        told = permissions.signed(REGISTRATION, said, SIGNER.key)
        told["possession"] = permissions.signed(REGISTRATION, said, TLS.key)["signature"]
        raw = json.dumps(told).encode()
    except (ValueError, TypeError, RecursionError):
        return
    registering.check(registering.read(raw), CONTENT, NOW, Authorities(Path("nowhere")))


def lists(data: bytes) -> None:
    """A list that is signed, by a key that is known."""
    found = directory.verify(listed(data), [SIGNER.certificate])
    assert found.end.tzinfo
    found.holds("DEV", data)


def forged(data: bytes) -> None:
    """A list as a whole, whoever made it."""
    directory.verify(data, [SIGNER.certificate])


def parameters(data: bytes) -> None:
    """The shared parameters of another instance, and what it adds of its own."""
    first, _, own = data.partition(PARTED)
    files = {federation.SHARED: first} | ({federation.OWN: own} if own else {})
    assert federation._told(cast("Any", SimpleNamespace(files=files, end=NOW, listed=b"")))["instance"]


def anchors(data: bytes) -> None:
    anchoring.Anchor.read(data)


def certificates(data: bytes) -> None:
    """A certificate of somebody else, and all that is asked of one."""
    found = anchoring.certificate(base64.b64encode(data).decode())
    for ask in (certified.common_name, certified.identifier, certified.status_address, certified.commits):
        ask(found)
    certified.used_for(found, certified.STAMPS)
    certified.issued(AUTHORITY.certificate, found)
    for reader in PROFILES.values():
        reader(found.subject, "VN")
    authority = Authority(AUTHORITY.certificate, (), {}, "BasicCertificateProfileInfoProvider")
    stamp = timestamps.TimeStamp(NOW, found)
    told = SimpleNamespace(name="VN", authorities=(authority,), time_stampers=(found,), freshness=1, faults=())
    message = messages.Message("REST request", "1", CLIENT, f"{PROVIDER}/births")
    list(trust.check(found, stamp, (), message, {"VN": cast("Any", told)}))
    list(trust._in_force((found,), NOW))


def logs(data: bytes) -> None:
    path = Path(tempfile.gettempdir(), f"fuzzed-{os.getpid()}.log")
    path.write_bytes(SEGMENT + data)
    list(segments.records(path, bytes(32)))


def containers(data: bytes) -> None:
    assert integrity.check(io.BytesIO(data)).verdict


class Entries(dict[str, bytes]):
    """The entries of a container, without its ZIP file."""

    def __init__(self, entries: Mapping[str, bytes]) -> None:
        super().__init__(entries)
        self.names = list(entries)

    def read(self, name: str) -> bytes:
        return self[name]

    def digest(self, name: str, algorithm: str) -> bytes:
        return integrity.digest(algorithm, self[name])


GOOD = cast("Any", Entries(VALID))


def signatures(data: bytes) -> None:
    found = xades.read(data)
    list(found.findings(GOOD))


def chains(data: bytes) -> None:
    """A hash chain and its result."""
    result, _, chain = data.partition(PARTED)
    entries = Entries({**VALID, names.STAMPED_RESULT: result, "ts-hashchain.xml": chain})
    assert hashchain.follow(cast("Any", entries), names.STAMPED_RESULT).files


def manifests(data: bytes) -> None:
    list(integrity._manifest(cast("Any", Entries({**VALID, names.ASIC_MANIFEST: data}))))


def tokens(data: bytes) -> None:
    """A time-stamp, as an authority answers and as it stands in evidence."""
    with suppress(stamps.NoTimeStamp):
        stamps.taken(data, ASKED, STAMPED)
        return
    stamps.read(data, STAMPED)
    timestamps.check(data, STAMPED, ())


def statuses(data: bytes) -> None:
    """An OCSP response, as a responder answers and as it stands in evidence."""
    if told := status.read(data, SIGNER.certificate, AUTHORITY.certificate):
        told.covers(NOW)
    found = revocation.read(data)
    found.speaks_of(SIGNER.certificate, AUTHORITY.certificate)
    authority = Authority(AUTHORITY.certificate, (), {}, "")
    list(trust._status([found], authority, (SIGNER.certificate, AUTHORITY.certificate), NOW, 1))


def logged(data: bytes) -> None:
    """The head of a message in evidence, also of one that brought a part of a file."""
    found = messages.read(data)
    assert found.sender
    assert found.part is None or 0 <= found.part.start < found.part.end <= found.part.total
