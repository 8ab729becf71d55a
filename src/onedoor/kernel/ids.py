"""Ids made in Python: UUIDv7, and case codes that a person can read out."""

import os
import secrets
import time
from datetime import datetime
from uuid import UUID

from onedoor.kernel.errors import BadInput

ALPHABET = "0123456789ABCDEFGHJKMNPQRTUVWXYZ"
"""32 signs without I, L, O and S, which are misheard or misread."""
MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "S": "5"})
BODY = 9
_drawn: list[int] = []
os.register_at_fork(after_in_child=_drawn.clear)


class BadCaseCode(BadInput):
    """“{code}” is not a case code. A code looks like 2611-7K4M-Q8. Please check it letter by letter."""


def uuid7() -> UUID:
    """Return a UUID of version 7 (RFC 9562): Unix milliseconds, 12 bits of the fraction of one, then random bits.

    What happens within a millisecond is in order too: records are shown, and counted, by their ids.
    """
    return UUID(int=_value())


def uuid7_hex() -> str:
    """Return the 32 signs of a UUID of version 7, at a third of the cost of an object."""
    return f"{_value():032x}"


def uuid7_text() -> str:
    """Return a UUID of version 7 as it is written."""
    made = uuid7_hex()
    return f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:]}"


def _value() -> int:
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7000 << 64 | fraction << 64 | 0x8000 << 48
    return value | _random() >> 2


def _random() -> int:
    """Return 64 random bits of the system's, which is asked for many at a time."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            _drawn.extend(memoryview(os.urandom(4096)).cast("Q"))


def first_id(moment: datetime) -> UUID:
    """Return the least UUIDv7 of *moment* (aware)."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def key_of_form(posted: str) -> str:
    """Return the key with which a form was *posted*, so that it does its work once; a new one for what is none."""
    try:
        return str(UUID(posted))
    except ValueError:
        return str(uuid7())


def read_id(text: str) -> str:
    """Return the UUID in its written form from what stands in an address; nothing for what is none."""
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        return ""


def case_code(moment: datetime) -> str:
    """Return a new code ``YYMM-XXXX-XC`` for *moment* (local): five random signs and a check sign C."""
    body = f"{moment:%y%m}" + "".join(secrets.choice(ALPHABET) for _ in range(BODY - 4))
    return _spaced(body + _check_sign(body))


def read_case_code(text: str) -> str:
    """Return the code in its written form from what a person typed; raise `BadCaseCode`.

    Case, spaces, hyphens and the usual misreadings (O for 0, I and L for 1, S for 5) do not matter.
    """
    plain = "".join(c for c in text.upper() if c.isalnum()).translate(MISREAD)
    if len(plain) != BODY + 1 or any(c not in ALPHABET for c in plain) or _check_sign(plain[:-1]) != plain[-1]:
        raise BadCaseCode(code=text[:20])
    return _spaced(plain)


def _spaced(plain: str) -> str:
    return f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"


def _check_sign(body: str) -> str:
    """Return the check sign over GF(32): finds each single wrong sign and each swap of two signs."""
    total = 0
    for sign in body:
        total = _double(total ^ ALPHABET.index(sign))
    return ALPHABET[total]


def _double(value: int) -> int:
    """Multiply by x in GF(32) = GF(2)[x] / (x⁵ + x² + 1), whose x has order 31."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value
