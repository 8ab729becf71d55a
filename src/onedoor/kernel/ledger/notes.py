"""Signed notes and checkpoints as C2SP writes them (signed-note, tlog-checkpoint), with Ed25519."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onedoor.kernel.ledger.hashing import HASH_SIZE, LedgerError

ED25519 = b"\x01"
KEY_ID = 4
SIGNATURE = "\N{EM DASH} "
CHECKPOINT_LINES = 3


@dataclass(frozen=True)
class Verifier:
    """A name and the public key that signs notes under it."""

    name: str
    key: Ed25519PublicKey

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(sign.isspace() for sign in self.name):
            raise LedgerError(f"“{self.name}” cannot sign notes: a name has no space and no +")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the verifier written as ``name+key id+key``; raise `LedgerError`."""
        name, *rest = text.split("+", 2)
        try:
            key_id, key = rest
            raw = b64decode(key, validate=True)
            if raw[:1] != ED25519:
                raise LedgerError(f"the key of {name} is no Ed25519 key")
            verifier = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError as error:
            raise LedgerError(f"“{text[:80]}” is no verifier key") from error
        if verifier.key_id.hex() != key_id:
            raise LedgerError(f"the key id of {name} does not fit its key")
        return verifier

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(ED25519 + self.key.public_bytes_raw()).decode()}"

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell this key from others of the same name."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key.public_bytes_raw()).digest()[:KEY_ID]


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Return *text* (lines, each ended) as a note signed by *name*; a note already signed gets one more signature."""
    body, signatures = _split_note(text) if f"\n\n{SIGNATURE}" in text else (text, [])
    if not body.endswith("\n"):
        raise LedgerError("the text of a note must end with a new line")
    verifier = Verifier(name, key.public_key())
    line = SIGNATURE + f"{name} {b64encode(verifier.key_id + key.sign(body.encode())).decode()}"
    return body + "\n" + "".join(one + "\n" for one in [*signatures, line])


def verify_note(note: str, verifiers: Iterable[Verifier]) -> tuple[str, tuple[str, ...]]:
    """Return the text of *note* and the names of the *verifiers* who signed it.

    Raise `LedgerError` when none of them did, or when a signature in the name and key id of one is false;
    signatures of others are passed over.
    """
    body, lines = _split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: list[str] = []
    for line in lines:
        name, key_id, signature = _signature(line)
        verifier = known.get((name, key_id))
        if verifier and name not in signed:
            try:
                verifier.key.verify(signature, body.encode())
            except InvalidSignature:
                raise LedgerError(f"the signature of {name} is false") from None
            signed.append(name)
    if not signed:
        raise LedgerError("nobody known signed this note")
    return body, tuple(signed)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a tree: whose it is, how many leaves it has, its root, and further lines."""

    origin: str
    size: int
    root: bytes
    extensions: Sequence[str] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the checkpoint in the (verified) text of a note; raise `LedgerError`."""
        origin, size, root, *extensions = [*text.split("\n")[:-1], "", "", ""]
        extensions = extensions[:-CHECKPOINT_LINES]
        if not origin or not (size.isascii() and size.isdigit()) or (size != "0" and size.startswith("0")):
            raise LedgerError("this is no checkpoint")
        if not text.endswith("\n") or not all(extensions):
            raise LedgerError("a line of the checkpoint is empty or not ended")
        try:
            decoded = b64decode(root, validate=True)
        except Base64Error as error:
            raise LedgerError("the root of the checkpoint is no base64") from error
        if len(decoded) != HASH_SIZE:
            raise LedgerError("the root of the checkpoint is no hash")
        return cls(origin, int(size), decoded, tuple(extensions))

    def text(self) -> str:
        """Return the lines to be signed."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, b64encode(self.root).decode(), *self.extensions)
        )

    def sign(self, name: str, key: Ed25519PrivateKey) -> str:
        """Return the checkpoint as a note signed by *name*."""
        return sign_note(self.text(), name, key)


def _split_note(note: str) -> tuple[str, list[str]]:
    """Return the text of a note and its signature lines."""
    body, gap, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or lines.pop() or not lines or any(not line.startswith(SIGNATURE) for line in lines):
        raise LedgerError("this is no signed note")
    if any(ord(sign) < ord(" ") and sign != "\n" for sign in body):
        raise LedgerError("a note must not hold control characters")
    return body + "\n", lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Return name, key id and signature of a signature line."""
    name, _, encoded = line.removeprefix(SIGNATURE).partition(" ")
    try:
        raw = b64decode(encoded, validate=True)
    except Base64Error as error:
        raise LedgerError("a signature line is no base64") from error
    if not name or len(raw) <= KEY_ID:
        raise LedgerError("a signature line is too short")
    return name, raw[:KEY_ID], raw[KEY_ID:]
