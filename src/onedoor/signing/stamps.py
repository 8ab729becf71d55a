"""Time-stamps over bytes (RFC 3161): asked for, taken, and read so strictly that no byte of one can change unseen."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from asn1crypto import algos, core, tsp  # type: ignore[import-untyped]
from asn1crypto import cms as asn1
from cryptography import x509

from onedoor.kernel.errors import Unavailable
from onedoor.kernel.said import said
from onedoor.signing import cms
from onedoor.signing.asice import timestamps
from onedoor.signing.asice.findings import Broken
from onedoor.signing.certificates import STAMPS, common_name, used_for
from onedoor.signing.cms import der

_NONCE_BYTES = 8


class NoTimeStamp(Unavailable):
    """The time-stamp authority gave no time-stamp: {why}. Nothing is lost; it is asked again."""


class Response(core.Sequence):  # type: ignore[misc]
    """What an authority answers: without a time-stamp where it refuses, which asn1crypto's own class does not know."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", asn1.ContentInfo, {"optional": True})]  # noqa: RUF012


@dataclass(frozen=True)
class Stamp:
    """A time-stamp that holds: its moment, its authority's certificate, and the others it carries."""

    moment: datetime
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]

    @property
    def authority(self) -> str:
        """Return the name of who gave it."""
        return common_name(self.certificate)


def request(stamped: bytes) -> bytes:
    """Return the request (DER) for a time-stamp over the SHA-256 of *stamped*, with the authority's certificate."""
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(stamped).digest()}
    nonce = int.from_bytes(secrets.token_bytes(_NONCE_BYTES), "big")
    made = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True})
    return bytes(made.dump())


def taken(response: bytes, asked: bytes, stamped: bytes) -> bytes:
    """Return the token in *response* to the request *asked* over *stamped*; raise `NoTimeStamp` when it is none."""
    try:
        answer = Response.load(response, strict=True)
        status = answer["status"]["status"].native
        if status not in ("granted", "granted_with_mods"):
            raise NoTimeStamp(who="", why=status)
        token = bytes(answer["time_stamp_token"].dump())
        nonce = _info(token)["nonce"].native
        if nonce != tsp.TimeStampReq.load(asked)["nonce"].native or read(token, stamped) is None:
            raise NoTimeStamp(who="", why=said("its answer is to another question"))
    except NoTimeStamp:
        raise
    except Exception as broken:  # whatever an answer holds that cannot be read, it is no time-stamp
        raise NoTimeStamp(who="", why=said("its answer cannot be read")) from broken
    return token


def read(token: bytes, stamped: bytes, authorities: Sequence[x509.Certificate] = ()) -> Stamp | None:
    """Return what *token* says of the bytes *stamped*; nothing when it does not hold or could be written otherwise.

    Its certificate is in the token or among *authorities*; whether that one is trusted is the caller's question.
    """
    try:
        found = timestamps.check(token, stamped, authorities)
        certificate = found.certificate
        if certificate is None or not used_for(certificate, STAMPS) or not _spelled(token, certificate):
            return None
        carried = asn1.ContentInfo.load(token)["content"]["certificates"]
        ders = {bytes(choice.chosen.dump()) for choice in carried or ()} - {der(certificate)}
        others = tuple(x509.load_der_x509_certificate(one) for one in sorted(ders))
    except (Broken, ValueError, TypeError, KeyError):
        return None
    return Stamp(found.moment, certificate, others)


def _info(token: bytes) -> tsp.TSTInfo:
    return asn1.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed


def _spelled(token: bytes, certificate: x509.Certificate) -> bool:
    """Return whether *token*, written again from its parts, is the same: so no byte of it can be another.

    An RSA signature alone has two names for its algorithm, which mean the same.
    """
    content = asn1.ContentInfo.load(token, strict=True)["content"]
    (signer,) = content["signer_infos"]
    signed = signer["signed_attrs"].dump()
    hashed, scheme = signer["digest_algorithm"], signer["signature_algorithm"]
    name = hashed["algorithm"].native
    if scheme.dump() not in _schemes(name) or hashed.dump() not in _plain(algos.DigestAlgorithmId, name):
        return False
    by_key = signer["sid"].name == "subject_key_identifier"
    key_id = signer["sid"].chosen.native if by_key else b""
    ders = [bytes(choice.chosen.dump()) for choice in content["certificates"] or ()]
    value = signer["signature"].native
    who = cms.signer_info(certificate, key_id, (hashed.dump(), scheme.dump()), signed, value)
    info = content["encap_content_info"]["content"].contents
    return len(set(ders)) == len(ders) and token == cms.token(info, ders, hashed.dump(), who)


@cache
def _schemes(name: str) -> tuple[bytes, ...]:
    ecdsa, rsa = f"{name}_ecdsa", f"{name}_rsa"
    kind = algos.SignedDigestAlgorithmId
    return (*_plain(kind, ecdsa)[:1], *_plain(kind, rsa)[1:], *_plain(kind, "rsassa_pkcs1v15")[1:])


def _plain(kind: type[core.ObjectIdentifier], name: str) -> tuple[bytes, bytes]:
    """Return how an algorithm is named: without parameters, and with NULL for them."""
    oid = bytes(kind(name).dump())
    return b"\x30%c" % len(oid) + oid, b"\x30%c" % (len(oid) + 2) + oid + b"\x05\0"
