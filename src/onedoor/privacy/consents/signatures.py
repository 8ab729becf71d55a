"""Signatures of consent records: what is signed, and whether the key that is named has signed it.

A signature binds one revision of a record. Whose the key is, the system that brings it vouches for, as for who agrees.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.privacy.consents.snapshots import digest, payload

Check = Callable[[Any, bytes, bytes], None]


def _ed25519(key: object, signature: bytes, signed: bytes) -> None:
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidSignature
    key.verify(signature, signed)


def _ecdsa(key: object, signature: bytes, signed: bytes) -> None:
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise InvalidSignature
    key.verify(signature, signed, ECDSA(SHA256()))


METHODS: Mapping[str, Check] = {"Ed25519": _ed25519, "ECDSA-P256-SHA256": _ecdsa}
"""The values of ``verificationMethod``; key (SubjectPublicKeyInfo) and signature are base64 of what openssl makes."""
GIVEN = ("verificationMethod", "verificationArtifact", "verificationSignedBy", "verificationSignedAs")


def prepared(given: Mapping[str, Any], text: str, reference: str, moment: str) -> dict[str, Any]:
    """Return a signature over the snapshot *text* with its payload, ready to be signed.

    *reference* is the id of the revision; without one the draft of a record is signed, which has none yet.
    """
    if given.get("verificationJwsHeader"):
        raise BadInput(what=said("a signature as JWS is not taken; use verificationMethod"))
    data = {
        **{name: given.get(name, "") for name in GIVEN},
        "verificationJwsHeader": "",
        "verificationPayload": text,
        "verificationPayloadHash": digest(text),
        "timestamp": moment,
        "signedWithoutObjectReference": not reference,
        "objectType": "revision",
        "objectReference": reference,
        "signature": "",
    }
    return {**data, "payload": payload(data)}


def signed(data: Mapping[str, Any], signature: str) -> dict[str, Any]:
    """Return the prepared *data* with *signature*, once it verifies; raise `BadInput`."""
    check = METHODS.get(data["verificationMethod"])
    if check is None:
        raise BadInput(what=said("verificationMethod is one of {names}", names=", ".join(METHODS)))
    try:
        key = load_der_public_key(base64.b64decode(data["verificationSignedBy"], validate=True))
        check(key, base64.b64decode(signature, validate=True), data["payload"].encode())
    except (ValueError, binascii.Error, UnsupportedAlgorithm, InvalidSignature) as error:
        what = said(
            "the signature does not verify: it is over the payload, with the key in verificationSignedBy (base64)"
        )
        raise BadInput(what=what) from error
    return {**data, "signature": signature}
