"""Master keys, which wrap the keys of persons: AES-256-GCM with a key in a file, or inside a PKCS#11 token."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onedoor.kernel.durable import sync_folder, write_durably
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.ids import uuid7
from onedoor.kernel.settings import FILE, current
from onedoor.store import keystore

KEY_BYTES = 32
NONCE_BYTES = 12


class BadKeyFile(OnedoorError):
    """The key file {path} must hold exactly {size} bytes. Please restore it from the copy of the key store."""


class MasterKeyMissing(OnedoorError):
    """The master key {name} is not in its place ({place}), so the data it protects cannot be read. Please restore it from the copy of the key store, or connect its token."""  # noqa: E501 - one sentence after the other


class BadWrapping(OnedoorError):
    """A key in the key store does not open: it was changed. Please restore the key store from its copy."""


class MasterKey(Protocol):
    """What wraps the keys of persons; *bound* is what the wrapped key belongs to, and it opens with that alone."""

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Return *secret* wrapped: a nonce (12 bytes), then its ciphertext with the tag."""

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Return the secret in *wrapped*; raise `BadWrapping`."""


class Place(Protocol):
    """Where master keys lie, each under its name."""

    def make(self, name: str) -> None:
        """Make a master key; it is durable when this returns."""

    def load(self, name: str) -> MasterKey:
        """Return the master key *name*; raise `MasterKeyMissing`."""

    def names(self) -> set[str]:
        """Return the names of the master keys of this system that lie here."""

    def destroy(self, name: str) -> None:
        """Destroy the master key *name* for good, if it is here."""


class FileKey:
    """A master key whose bytes this process holds."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Return *secret* wrapped."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, bound)

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Return the secret in *wrapped*; raise `BadWrapping`."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
        except InvalidTag as error:
            raise BadWrapping from error


class Files:
    """Master keys in files of the key store's folder, each named after its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, name: str) -> None:
        """Write a new key to its file."""
        write_durably(self._folder / name, os.urandom(KEY_BYTES))

    def load(self, name: str) -> MasterKey:
        """Read the key from its file."""
        try:
            secret = (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise MasterKeyMissing(name=name, place=self._folder / name) from error
        if len(secret) != KEY_BYTES:
            raise BadKeyFile(path=self._folder / name, size=KEY_BYTES)
        return FileKey(secret)

    def names(self) -> set[str]:
        """Return the names of the files."""
        return {path.name for path in self._folder.glob(f"{keystore.FIRST_MASTER}*")}

    def destroy(self, name: str) -> None:
        """Remove the file."""
        (self._folder / name).unlink(missing_ok=True)
        sync_folder(self._folder)


def place(name: str) -> Place:
    """Return the place *name*: `file` or `pkcs11`."""
    if name == FILE:
        return Files(keystore.folder())
    from onedoor.store.tokens import Token  # loaded where there is one: it takes a fifth of a second and 10 MB

    return Token()


def in_use() -> str:
    """Return the name of the master key that wraps new keys; in a write, the first one is made."""
    store = keystore.connected()
    row = store.execute("SELECT name FROM master_key WHERE retired_at IS NULL ORDER BY rowid DESC LIMIT 1").fetchone()
    return str(row[0]) if row else begin(keystore.FIRST_MASTER if current().master_key == FILE else "")


def begin(name: str = "") -> str:
    """Make a master key where the settings say and have new keys wrapped by it; return its name. It is in a write."""
    name = name or f"{keystore.FIRST_MASTER}-{uuid7().hex}"
    where = current().master_key
    place(where).make(name)
    keystore.register_master(keystore.connected(), name, where)
    return name


def named(name: str) -> MasterKey:
    """Return the master key *name*; raise `MasterKeyMissing`, also when it is retired."""
    return _kept(current().state, os.getpid(), name)


@lru_cache(maxsize=2)
def _kept(_state: Path, _process: int, name: str) -> MasterKey:
    """Keep two: while one takes the place of the other, both open what they wrapped."""
    asked = keystore.connected().execute("SELECT place FROM master_key WHERE name = ? AND retired_at IS NULL", [name])
    row = asked.fetchone()
    if row is None:
        raise MasterKeyMissing(name=name, place=keystore.folder())
    return place(row[0]).load(name)
