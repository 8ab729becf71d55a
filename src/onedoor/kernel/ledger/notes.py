"""Signed notes, checkpoints and cosignatures as C2SP writes them (signed-note, tlog-checkpoint, tlog-cosignature).

Keys are Ed25519: one kind signs a note as it stands, the other cosigns a checkpoint together with the time.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onedoor.kernel.ledger.hashing import HASH_SIZE, LedgerError

ED25519, COSIGNATURE = b"\x01", b"\x04"
"""How a key signs: the note's text itself, or a checkpoint with the moment at which it was seen."""
KEY_ID = 4
TIME = 8
LATEST = 2**63 - 1
SIGNATURE = "\N{EM DASH} "
CHECKPOINT_LINES = 3
LONGEST, MOST_SIGNATURES = 2**16, 100
"""Characters and signatures of a note that is read."""
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
DIGITS = 20


@dataclass(frozen=True)
class Verifier:
    """A name and the public key that signs notes, or cosigns checkpoints, under it."""

    name: str
    key: Ed25519PublicKey
    kind: bytes = ED25519

    def __post_init__(self) -> None:
        if not self.name.isprintable() or not self.name or "+" in self.name or any(map(str.isspace, self.name)):
            raise LedgerError("“{name}” cannot sign notes: a name has no space and no +", name=self.name[:80])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the verifier written as ``name+key id+key``; raise `LedgerError`."""
        name, *rest = text.split("+", 2)
        try:
            key_id, key = rest
            raw = b64decode(key, validate=True)
            if raw[:1] not in (ED25519, COSIGNATURE):
                raise LedgerError("the key of {name} is no Ed25519 key", name=name[:80])
            verifier = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]), raw[:1])
        except ValueError as error:
            raise LedgerError("“{text}” is no verifier key", text=text[:80]) from error
        if verifier.key_id.hex() != key_id:
            raise LedgerError("the key id of {name} does not fit its key", name=name)
        return verifier

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(self.kind + self.key.public_bytes_raw()).decode()}"

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell this key from others of the same name."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.key.public_bytes_raw()).digest()[:KEY_ID]

    def check(self, signature: bytes, body: str) -> int:
        """Raise `LedgerError` unless *signature* is this key's under *body*; return its time, 0 if it tells none."""
        moment = 0
        if self.kind == COSIGNATURE:
            moment, signature = int.from_bytes(signature[:TIME]), signature[TIME:]
            if moment > LATEST:
                raise LedgerError("the time of the cosignature of {name} is out of range", name=self.name)
            body = cosigned(body, moment)
        try:
            self.key.verify(signature, body.encode())
        except (InvalidSignature, UnicodeEncodeError):
            raise LedgerError("the signature of {name} is false", name=self.name) from None
        return moment


def cosigned(body: str, moment: int) -> str:
    """Return what a witness signs for the checkpoint *body* seen at *moment* (Unix seconds)."""
    return f"cosignature/v1\ntime {moment}\n{body}"


def cosign(body: str, name: str, key: Ed25519PrivateKey, moment: int) -> str:
    """Return the line by which *name* cosigns the checkpoint *body* at *moment* (Unix seconds)."""
    signature = moment.to_bytes(TIME) + key.sign(cosigned(body, moment).encode())
    return _line(Verifier(name, key.public_key(), COSIGNATURE), signature)


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Return *text* (lines, each ended) as a note signed by *name*; a note already signed gets one more signature."""
    body, signatures = split_note(text) if f"\n\n{SIGNATURE}" in text else (text, [])
    if not body.endswith("\n"):
        raise LedgerError("the text of a note must end with a new line")
    line = _line(Verifier(name, key.public_key()), key.sign(body.encode()))
    return join_note(body, [*signatures, line])


def verify_note(note: str, verifiers: Iterable[Verifier]) -> tuple[str, tuple[str, ...]]:
    """Return the text of *note* and the names of the *verifiers* who signed it.

    Raise `LedgerError` when none of them did, or when a signature in the name and key id of one is false;
    signatures of others are passed over.
    """
    body, lines = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: dict[str, None] = {}
    for line in lines:
        name, key_id, signature = _signature(line)
        if verifier := known.get((name, key_id)):
            verifier.check(signature, body)
            signed[name] = None
    if not signed:
        raise LedgerError("nobody known signed this note")
    return body, tuple(signed)


def signed_at(note: str, verifier: Verifier) -> int | None:
    """Return when *verifier* signed *note*: Unix seconds, 0 where its kind tells no time, None where it did not.

    Raise `LedgerError` when a signature in its name is false.
    """
    body, lines = split_note(note)
    moments = [
        verifier.check(signature, body)
        for name, key_id, signature in map(_signature, lines)
        if (name, key_id) == (verifier.name, verifier.key_id)
    ]
    return max(moments, default=None)


def verify_checkpoint(note: str, log: Verifier, witnesses: Iterable[Verifier] = ()) -> "Checkpoint":
    """Return the checkpoint in *note*; raise `LedgerError` unless it is that of *log* and all *witnesses* cosigned."""
    text, _ = verify_note(note, [log])
    found = Checkpoint.parse(text)
    if found.origin != log.name:
        raise LedgerError("this is a checkpoint of {origin}, not of {name}", origin=found.origin[:80], name=log.name)
    for witness in witnesses:
        if signed_at(note, witness) is None:
            raise LedgerError("the witness {name} did not cosign this checkpoint", name=witness.name)
    return found


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
        if not origin:
            raise LedgerError("this is no checkpoint")
        if not text.endswith("\n") or not all(extensions):
            raise LedgerError("a line of the checkpoint is empty or not ended")
        return cls(origin, parse_number(size), parse_hash(root), tuple(extensions))

    def text(self) -> str:
        """Return the lines to be signed."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, b64encode(self.root).decode(), *self.extensions)
        )

    def sign(self, name: str, key: Ed25519PrivateKey) -> str:
        """Return the checkpoint as a note signed by *name*."""
        return sign_note(self.text(), name, key)


def parse_number(text: str) -> int:
    """Return the number that *text* writes in decimal digits without leading zeros; raise `LedgerError`."""
    if not (text.isascii() and text.isdigit()) or len(text) > DIGITS or (text != "0" and text.startswith("0")):
        raise LedgerError("“{text}” is no number", text=text[:DIGITS])
    return int(text)


def parse_hash(text: str) -> bytes:
    """Return the hash that *text* writes in base64; raise `LedgerError`."""
    found = _decoded(text)
    if len(found) != HASH_SIZE:
        raise LedgerError("“{text}” is no hash", text=text[:80])
    return found


def split_note(note: str) -> tuple[str, list[str]]:
    """Return the text of a note and its signature lines; raise `LedgerError` when it is none or too long."""
    body, gap, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or lines.pop() or not lines or any(not line.startswith(SIGNATURE) for line in lines):
        raise LedgerError("this is no signed note")
    if len(note) > LONGEST or len(lines) > MOST_SIGNATURES:
        raise LedgerError(
            "a note has at most {longest} signs and {most_signatures} signatures",
            longest=LONGEST,
            most_signatures=MOST_SIGNATURES,
        )
    if CONTROL.search(note):
        raise LedgerError("a note must not hold control characters")
    return body + "\n", lines


def join_note(body: str, lines: Iterable[str]) -> str:
    """Return the note of *body* with the signature *lines*."""
    return body + "\n" + "".join(f"{line}\n" for line in lines)


def _line(verifier: Verifier, signature: bytes) -> str:
    return f"{SIGNATURE}{verifier.name} {b64encode(verifier.key_id + signature).decode()}"


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Return name, key id and signature of a signature line."""
    name, _, encoded = line.removeprefix(SIGNATURE).partition(" ")
    raw = _decoded(encoded)
    if not name or len(raw) <= KEY_ID:
        raise LedgerError("a signature line is too short")
    return name, raw[:KEY_ID], raw[KEY_ID:]


def _decoded(text: str) -> bytes:
    try:
        found = b64decode(text, validate=True)
    except ValueError as error:
        raise LedgerError("“{text}” is no base64", text=text[:80]) from error
    if b64encode(found).decode() != text:  # the last sign may hold bits that are nobody's
        raise LedgerError("“{text}” is no base64", text=text[:80])
    return found
