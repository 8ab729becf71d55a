"""Personal data in envelopes: AES-256-GCM under the person's key, bound to the table, column and row they stand in.

An envelope is: one byte version (1), the key's id (16), a nonce (12), then the ciphertext with its tag.
"""

import os
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onedoor.kernel.errors import OnedoorError
from onedoor.store import keys
from onedoor.store.keys import Key, KeyDestroyed
from onedoor.store.masters import NONCE_BYTES

__all__ = [
    "BadEnvelope",
    "KeyDestroyed",
    "Place",
    "key_id",
    "reseal",
    "seal",
    "seal_bytes",
    "seal_under",
    "still_opens",
    "unseal",
    "unseal_bytes",
]

VERSION = 1
HEAD = 1 + keys.ID_BYTES + NONCE_BYTES


class BadEnvelope(OnedoorError):
    """A stored record cannot be opened: it was changed, or moved from where it was written."""


class Place(NamedTuple):
    """Where an envelope stands; it opens nowhere else."""

    table: str
    column: str
    row: str


_encoded = msgspec.json.Encoder().encode
_decoded = msgspec.json.Decoder().decode


def seal(value: object, *, subject: str, place: Place) -> bytes:
    """Return *value* (anything JSON can hold) sealed under the key of *subject* for *place*."""
    return seal_under(keys.key_for(subject), value, place=place)


def seal_under(key: Key, value: object, *, place: Place) -> bytes:
    """Return *value* sealed under *key*, which `keys.keys_for` gave for many subjects at once."""
    return _sealed(key, _encoded(value), place)


def unseal(envelope: bytes, *, place: Place) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the value in *envelope*; raise `KeyDestroyed` or `BadEnvelope`."""
    return _decoded(unseal_bytes(envelope, place=place))


def seal_bytes(data: bytes, *, subject: str, place: Place) -> bytes:
    """Return *data* sealed under the key of *subject* for *place*."""
    return _sealed(keys.key_for(subject), data, place)


def _sealed(key: Key, data: bytes, place: Place) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    head = bytes([VERSION]) + key.id + nonce
    return head + AESGCM(key.secret).encrypt(nonce, data, _bound(head, place))


def unseal_bytes(envelope: bytes, *, place: Place) -> bytes:
    """Return the data in *envelope*; raise `KeyDestroyed` or `BadEnvelope`."""
    head, body = bytes(envelope[:HEAD]), bytes(envelope[HEAD:])
    if len(head) < HEAD or head[0] != VERSION:
        raise BadEnvelope
    key = keys.key_of(key_id(head))
    try:
        return AESGCM(key.secret).decrypt(head[1 + keys.ID_BYTES :], body, _bound(head, place))
    except InvalidTag as error:
        raise BadEnvelope from error


def still_opens(envelope: bytes) -> None:
    """Raise `KeyDestroyed` when the key of *envelope* is no more; it is not opened."""
    keys.there_is(key_id(envelope))


def key_id(envelope: bytes) -> bytes:
    """Return the id of the key that *envelope* is sealed under."""
    return bytes(envelope[1 : 1 + keys.ID_BYTES])


def reseal(envelope: bytes, key: Key, *, place: Place) -> bytes:
    """Return what is in *envelope* sealed under *key*, at the same place."""
    return _sealed(key, unseal_bytes(envelope, place=place), place)


def _bound(head: bytes, place: Place) -> bytes:
    """Return the associated data: the head and the place, each part with its length before it."""
    table, column, row = place[0].encode(), place[1].encode(), place[2].encode()
    sizes = len(table).to_bytes(4), len(column).to_bytes(4), len(row).to_bytes(4)
    return b"".join((head[: 1 + keys.ID_BYTES], sizes[0], table, sizes[1], column, sizes[2], row))
