"""X-Road identifiers and r1 targets: each part percent-encoded on its own, traversal refused."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

SAFE = "'()+,-.=?"
"""Signs an identifier may hold besides letters and digits (PR-REST 1.0.4, 4.8)."""
_PART = re.compile(r"[A-Za-z0-9'()+,\-.=?]{1,255}")
_TARGET = re.compile(rb"[!-~]{1,8192}")
_DEEPEST = 4
MEMBER, SUBSYSTEM, SERVER, SERVICE = 3, 4, 4, 5
META = frozenset(("listMethods", "allowedMethods", "getOpenAPI", "getWsdl"))
"""Codes of metaservices: reserved, always allowed, never listed."""


class BadIdentifier(ValueError):
    """An identifier or a target that is not well formed; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An r1 request target: *service* is its identifier, *path* and *query* travel as they were written."""

    service: str
    path: str
    query: str

    @property
    def provider(self) -> str:
        """Return the subsystem that provides the service."""
        return self.service.rpartition("/")[0]

    @property
    def code(self) -> str:
        """Return the service code."""
        return self.service.rpartition("/")[2]


def read_identifier(text: str, *sizes: int) -> str:
    """Return the decoded identifier in *text* with one of *sizes* parts; raise `BadIdentifier`."""
    parts = [_decoded(part) for part in text.split("/")]
    if len(parts) not in sizes or not all(_PART.fullmatch(part) for part in parts):
        raise BadIdentifier(f"'{text[:80]}' is not an identifier")
    return "/".join(parts)


def write_identifier(identifier: str) -> str:
    """Return *identifier* with each part percent-encoded, as it stands in URLs and headers."""
    return "/".join(quote(part, safe=SAFE) for part in identifier.split("/"))


def read_target(raw: bytes) -> Target:
    """Return the parsed ``/r1/…`` target; raise `BadIdentifier` when malformed or when its path climbs."""
    if not _TARGET.fullmatch(raw):
        raise BadIdentifier("the request target holds what a URL cannot carry, or is too long")
    path, _, query = raw.decode("ascii").partition("?")
    pieces = path.split("/")
    if len(pieces) < SERVICE + 2 or pieces[:2] != ["", "r1"] or "#" in path:
        raise BadIdentifier("the request path is not /r1/{instance}/{class}/{member}/{subsystem}/{service}")
    service = read_identifier("/".join(pieces[2 : 2 + SERVICE]), SERVICE)
    rest = pieces[2 + SERVICE :]
    for piece in rest[:-1] if rest and not rest[-1] else rest:
        _check_piece(piece)
    return Target(service, "".join(f"/{piece}" for piece in rest), query)


def _check_piece(piece: str) -> None:
    """Refuse a path piece that means another place once somebody decodes it, however often."""
    plain = piece
    for _ in range(_DEEPEST):
        if plain in ("", ".", "..") or any(sign in plain for sign in "/\\\0") or _controls(plain):
            raise BadIdentifier("the path is not in its normal form")
        decoded = unquote_to_bytes(plain).decode("latin-1")
        if decoded == plain:
            return
        plain = decoded
    raise BadIdentifier("the path is encoded too often")


def _controls(text: str) -> bool:
    return any(ord(sign) < ord(" ") or sign in "\x7f;" for sign in text)


def _decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise BadIdentifier(f"'{part[:80]}' is not UTF-8") from None
