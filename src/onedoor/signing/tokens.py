"""Private keys on curve P-256 inside a PKCS#11 token: it signs with them and gives none of them out."""

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from onedoor.kernel import pkcs11
from onedoor.kernel.durable import write_durably
from onedoor.kernel.errors import Unavailable
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import current
from onedoor.signing.keys import PublicKey

COORDINATE = 32


class KeyNotInToken(Unavailable):
    """The key that {path} names is not in the PKCS#11 token “{token}”. Connect the token that holds it."""


class TokenKey:
    """A key in the token of the settings, by its id there."""

    def __init__(self, path: Path, key_id: bytes) -> None:
        self._path, self._id = path, key_id

    def public_key(self) -> PublicKey:
        """Return its public key; raise `KeyNotInToken`."""
        with pkcs11.session() as session:
            found: Any = next(iter(session.get_objects(_query(ObjectClass.PUBLIC_KEY, self._id))), None)
            written = encode_ec_public_key(found) if found else b""
        public = load_der_public_key(written) if written else None
        if not isinstance(public, PublicKey):
            raise KeyNotInToken(path=self._path, token=current().pkcs11_token)
        return public

    def sign(self, data: bytes, scheme: ec.ECDSA, /) -> bytes:
        """Return the signature of *data* by *scheme*, as DER; the token signs a digest that is made here."""
        algorithm = scheme.algorithm
        if not isinstance(algorithm, hashes.HashAlgorithm):
            raise TypeError("a scheme that takes a digest")
        hashed = hashes.Hash(algorithm)
        hashed.update(data)
        digest = hashed.finalize()[:COORDINATE]  # of a longer digest the leftmost bits count (FIPS 186-5, 6.4.1)
        with pkcs11.session() as session:
            found: Any = next(iter(session.get_objects(_query(ObjectClass.PRIVATE_KEY, self._id))), None)
            if found is None:
                raise KeyNotInToken(path=self._path, token=current().pkcs11_token)
            raw = bytes(found.sign(digest, mechanism=Mechanism.ECDSA))
        first, second = raw[:COORDINATE], raw[COORDINATE:]
        return encode_dss_signature(int.from_bytes(first), int.from_bytes(second))

    def destroy(self) -> None:
        """Have the token destroy the key."""
        with pkcs11.session() as session:
            for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                for one in list(session.get_objects(_query(kind, self._id))):
                    one.destroy()


def make(label: str) -> bytes:
    """Have the token make a key that nobody can take out of it, and return its id there."""
    key_id = uuid7().bytes
    kept = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    with pkcs11.session() as session:
        parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
        parameters.generate_keypair(id=key_id, label=label, store=True, private_template=kept)
    return key_id


def save(path: Path, key_id: bytes) -> None:
    """Write to *path* which key of the token is meant; it is no secret."""
    write_durably(path, f"{key_id.hex()}\n".encode(), mode=0o644)


def load(path: Path) -> TokenKey:
    """Return the key that *path* names."""
    return TokenKey(path, bytes.fromhex(path.read_text().strip()))


def _query(kind: ObjectClass, key_id: bytes) -> dict[Attribute, object]:
    return {Attribute.CLASS: kind, Attribute.ID: key_id}
