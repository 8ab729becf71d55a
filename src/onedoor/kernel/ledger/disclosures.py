"""What was entered as claims that can be shown one by one: digests, and the disclosures of some (RFC 9901, 4.2).

What is entered is one line that says what it is, then a digest a line, in order of the digests. Who is shown some of it
gets the same lines, an empty line, and a disclosure a line for each claim that is theirs to see.
"""

import json
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_256
from typing import Any, Self

import msgspec

from onedoor.kernel.ledger.hashing import LedgerError

SALT_BYTES = 18
"""144 random bits, which base64 writes in 24 signs."""
SALT_SIGNS = SALT_BYTES * 4 // 3
DIGEST_SIGNS = 43
"""How many signs base64 needs for the 32 bytes of a digest."""
WIDTH = 16
"""The digests are filled up to a multiple of this many: their number does not tell how many persons there are."""
_encoded = msgspec.json.Encoder().encode
_URL = bytes.maketrans(b"+/", b"-_")


def disclosed(secret: bytes, claims: Sequence[tuple[str, object] | None]) -> list[bytes]:
    """Return the disclosures of *claims* (name, value), each with a salt of its own out of *secret*.

    None stands in the place of a claim of which no more than its digest is kept; its disclosure is empty.
    """
    salts = _base64(shake_256(secret).digest(SALT_BYTES * len(claims)))
    of_each = zip(range(0, len(salts), SALT_SIGNS), claims, strict=True)
    told = [b2a_base64(_encoded((salts[at : at + SALT_SIGNS], *one))) if one else b"\n" for at, one in of_each]
    return b"".join(told).translate(_URL, b"=").splitlines()


def digest(shown: bytes) -> str:
    """Return the digest of a disclosure."""
    return _base64(sha256(shown).digest())


def content(first: str, disclosures: Iterable[bytes], secret: bytes, kept: Iterable[str] = ()) -> bytes:
    """Return what is entered: the line *first*, and the digests of all *disclosures* among some that stand for none.

    *kept* are the digests of claims that are no more.
    """
    hashes = [sha256(one).digest() for one in disclosures if one]
    kept = list(kept)
    none = shake_256(secret + b"none").digest(32 * (-(len(hashes) + len(kept)) % WIDTH))
    hashes += [none[at : at + 32] for at in range(0, len(none), 32)]
    # Filled up to 33 bytes each, base64 writes all of them at once: the last of 44 signs is the filling's.
    signs = _base64(b"\0".join((*hashes, b"")))
    digests = [signs[at : at + DIGEST_SIGNS] for at in range(0, len(signs), DIGEST_SIGNS + 1)]
    return "\n".join((first, *sorted((*digests, *kept)), "")).encode()


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody is shown: the bytes that were entered, and the claims that are disclosed, by name."""

    entered: bytes
    claims: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, details: bytes) -> Self:
        """Return what the file *details* shows; raise `LedgerError` when it discloses what was not entered."""
        entered, gap, shown = details.partition(b"\n\n")
        if not gap:
            return cls(details)
        digests = {line.decode(errors="replace") for line in entered.split(b"\n")[1:]}
        try:
            lines = shown.decode("ascii").splitlines()
            claims = tuple(_claim(line) for line in lines)
        except (TypeError, ValueError, RecursionError) as error:
            raise LedgerError("a claim is not written as this ledger writes them") from error
        if any(digest(line.encode()) not in digests for line in lines):
            raise LedgerError("a claim is shown that was not entered")
        return cls(entered + b"\n", claims)


def shown(entered: bytes, disclosures: Iterable[bytes]) -> bytes:
    """Return the file that shows *disclosures* of what was *entered*; `Shown.parse` reads it."""
    return b"".join((entered, b"\n", *(one + b"\n" for one in disclosures)))


def _claim(line: str) -> tuple[str, Any]:
    _salt, name, value = json.loads(urlsafe_b64decode(line + "=" * (-len(line) % 4)))
    return str(name), value


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_URL, b"=").decode()
