"""Private keys on elliptic curve P-256: made, kept in files only their owner reads, loaded once.

RSA keys are there for one reader: X-Road's clients, which know no other signature of a configuration.
"""

import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import OnedoorError

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey

RSA_BITS = 3072
_OTHERS = 0o077


class Signer(Protocol):
    """A private key wherever it lies: in a file, or inside a token."""

    def public_key(self) -> PublicKey:
        """Return its public key."""

    def sign(self, data: bytes, signature_algorithm: ec.ECDSA, /) -> bytes:
        """Return the signature of *data*, as DER."""


class KeyExists(OnedoorError):
    """There is already a key at {path}. Move it away first; a lost key cannot be made again."""


class KeyExposed(OnedoorError):
    """Others may read the key at {path} (its mode is {mode}). Run "chmod 600 {path}", or make a new key if they did."""


class KeyUnusable(OnedoorError):
    """The file {path} holds no private key of the kind used here. Put back the right file, or make a new key."""


def new_key() -> PrivateKey:
    """Make a private key on curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def new_rsa_key() -> rsa.RSAPrivateKey:
    """Make an RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def save_key(path: Path, key: PrivateKey | rsa.RSAPrivateKey) -> None:
    """Write *key* to *path* as PKCS #8 with mode 0600, whole or not at all; raise `KeyExists` rather than overwrite."""
    data = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_durably(draft, data)
        os.link(draft, path)
    except FileExistsError:
        raise KeyExists(path=path) from None
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def load_key(path: Path) -> PrivateKey:
    """Return the key at *path*, read once until the file changes; raise `KeyExposed` when others may read it."""
    key = _loaded(path)
    if not isinstance(key, PrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnusable(path=path)
    return key


def load_rsa_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the RSA key at *path*, as `load_key` does."""
    key = _loaded(path)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyUnusable(path=path)
    return key


def _loaded(path: Path) -> PrivateKeyTypes:
    state = path.stat()
    if state.st_mode & _OTHERS:
        raise KeyExposed(path=path, mode=oct(state.st_mode & 0o777))
    return _parse(path, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=256)
def _parse(path: Path, _changed: int, _inode: int) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as broken:
        raise KeyUnusable(path=path) from broken


def _write_durably(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
