"""What is asked of a provider, of a witness and of the authorities at a directory, for each parser of it."""

import json
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httptools
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509 import ocsp as responses

from onedoor.exchange import configuration, granting, permissions
from onedoor.exchange.granting import Provider
from onedoor.exchange.tests.fuzzing.instance import (
    AUTHORITY,
    CONTENT,
    NOW,
    RESPONDER,
    SIGNER,
    STAMPER,
)
from onedoor.exchange.tests.fuzzing.seeds import KEPT, ORIGIN, RIGHT, grown
from onedoor.exchange.witness.cosigning import OK, Witness
from onedoor.exchange.witness.main import PHRASES, _Head
from onedoor.kernel.ledger import Verifier
from onedoor.kernel.ledger.notes import Checkpoint, join_note, sign_note, verify_note
from onedoor.signing import development, stamps

LOG, COSIGNER = (Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in (1, 2))
LINES = 40
"""Of a file of asks, more need not be tried at once."""


@cache
def provider() -> Provider:
    """Return who is asked: all that it reads of its folder is known already."""
    found = Provider.__new__(Provider)
    found.folder = Path("gateway")
    found._configuration = configuration.of(CONTENT | {"rights": [RIGHT.right()]}, NOW)
    found._local = cast("Any", SimpleNamespace(services={RIGHT.service: None}))
    return found


def asks(data: bytes) -> None:
    """A file with an ask: as anybody sends it, and as the client's gateway does that signs what it says."""
    permissions.read_lines(b"\n".join(data.split(b"\n")[:LINES]), granting.ASK, [SIGNER.certificate], granting.Ask.read)
    with suppress(granting.BadAsk):
        provider().read(data)
    try:
        raw = json.dumps(permissions.signed(granting.ASK, json.loads(data), SIGNER.key)).encode()
    except (ValueError, TypeError, RecursionError):
        raise granting.BadAsk(why="") from None
    ask = provider().read(raw)
    assert granting.Ask.read(ask.data()) == ask
    provider()._check_service(ask.permission.service)
    provider()._check_ceiling(ask.permission)
    granting._check_basis(provider()._configuration.rights, ask)


class Record:
    """Knows one checkpoint, and keeps no other."""

    def last(self, *_: object) -> Checkpoint:
        return Checkpoint(ORIGIN, KEPT, grown(KEPT).root())

    def keep(self, *_: object) -> None: ...


WITNESS = Witness("witness.example", COSIGNER, [Verifier(ORIGIN, LOG.public_key())], cast("Any", Record()))


def checkpoints(data: bytes) -> None:
    """A request to a witness: its head, its body as anybody sends it, and as a ledger does that signs what it says."""
    with suppress(ValueError, httptools.HttpParserError):
        assert _Head(data).method
    text = data.decode()
    assert WITNESS.add(text).status in PHRASES
    head, _, note = text.partition("\n\n")
    answered = WITNESS.add(f"{head}\n\n{sign_note(note, ORIGIN, LOG)}")
    if answered.status == OK:
        assert verify_note(join_note(note, [answered.body.removesuffix("\n")]), [WITNESS.verifier])


def stampings(data: bytes) -> None:
    """A request to the authority for time-stamps."""
    answered = development.stamp(data, STAMPER.key, [STAMPER.certificate], NOW)
    told = stamps.Response.load(answered, strict=True)["status"]["status"].native
    if told != "granted":
        raise Refused(told)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzzed-"))


def inquiries(data: bytes) -> None:
    """A request to the OCSP responder."""
    whose = (AUTHORITY.certificate, RESPONDER.key, RESPONDER.certificate)
    told = responses.load_der_ocsp_response(development.status(data, _folder(), *whose, NOW))
    if told.response_status != responses.OCSPResponseStatus.SUCCESSFUL:
        raise Refused(told.response_status)


class Refused(Exception):
    """An authority said no, in the words of its protocol."""
