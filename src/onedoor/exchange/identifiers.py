"""X-Road identifiers and r1 targets: each part percent-encoded on its own, traversal refused."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from unicodedata import normalize
from urllib.parse import quote, unquote_to_bytes

from onedoor.kernel.settings import LAST_PORT

SAFE = "'()+,-.=?"
"""Signs an identifier may hold besides letters and digits (PR-REST 1.0.4, 4.8)."""
_PART = re.compile(r"[A-Za-z0-9'()+,\-.=?]{1,255}")
_PLAIN = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9\-._~!$&'()*+,=:@]+")
"""A piece of a path that says the same however often it is decoded."""
_PARAMETERS = re.compile(r";[^/]*")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TARGET = re.compile(rb"[!-~]{1,8192}")
_DEEPEST = 4
_ADDRESS = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[([0-9a-f:.]{2,45})\]):([1-9][0-9]{0,4})")
ENDPOINT = re.compile(r"(?:\*|[A-Z]{3,8}) /[^\s]*")
"""A method or ``*``, and the glob of a path."""
MEMBER, SUBSYSTEM, SERVER, SERVICE = 3, 4, 4, 5
MONITORING = frozenset(("getSecurityServerOperationalData", "getSecurityServerHealthData"))
"""Codes of the services of a gateway's member itself (PR-OPMON)."""
META = frozenset(("listMethods", "allowedMethods", "getOpenAPI", "getWsdl"))
"""Codes of metaservices: reserved, always allowed, never listed."""
RESERVED = META | MONITORING
"""Codes that no service of a system may have: gateways answer them themselves."""
KINDS = {MEMBER: "MEMBER", SUBSYSTEM: "SUBSYSTEM", SERVICE: "SERVICE"}


class BadIdentifier(ValueError):
    """An identifier or a target that is not well formed; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An r1 request target: *service* is its identifier, *path* and *query* travel as they were written.

    *normal* is what the path says, decoded; rights are matched on every path in `said`.
    """

    service: str
    path: str
    query: str
    normal: str

    @property
    def provider(self) -> str:
        """Return the subsystem that provides the service."""
        return self.service.rpartition("/")[0]

    @property
    def said(self) -> tuple[str, ...]:
        """Return what the path may say to the system behind: the same, and the same without parameters (``;a=b``)."""
        return (self.normal, _PARAMETERS.sub("", self.normal)) if ";" in self.normal else (self.normal,)

    @property
    def code(self) -> str:
        """Return the service code."""
        return self.service.rpartition("/")[2]


@lru_cache(maxsize=4096)
def read_identifier(text: str, *sizes: int) -> str:
    """Return the decoded identifier in *text* with one of *sizes* parts; raise `BadIdentifier`."""
    parts = [_decoded(part) for part in text.split("/")]
    if len(parts) not in sizes or not all(_PART.fullmatch(part) for part in parts):
        raise BadIdentifier(f"'{text[:80]}' is not an identifier")
    return "/".join(parts)


def named(identifier: str) -> str:
    """Return *identifier* with its kind before it, as it stands in messages: ``SUBSYSTEM:VN/GOV/G15/CIVIL-STATUS``."""
    return f"{KINDS[identifier.count('/') + 1]}:{identifier}"


@lru_cache(maxsize=4096)
def write_identifier(identifier: str) -> str:
    """Return *identifier* with each part percent-encoded, as it stands in URLs and headers."""
    return "/".join(quote(part, safe=SAFE) for part in identifier.split("/"))


def is_address(text: str) -> bool:
    """Return whether *text* is host and port in their one form: ``gateway.example:5500``, ``[2001:db8::9]:5500``."""
    found = _ADDRESS.fullmatch(text)
    try:
        plain = found is not None and (found[1] is None or str(IPv6Address(found[1])) == found[1])
    except ValueError:
        return False
    return found is not None and plain and int(found[2]) <= LAST_PORT


def read_target(raw: bytes) -> Target:
    """Return the parsed ``/r1/…`` target; raise `BadIdentifier` when malformed or when its path climbs."""
    if not _TARGET.fullmatch(raw):
        raise BadIdentifier("the request target holds what a URL cannot carry, or is too long")
    path, _, query = raw.decode("ascii").partition("?")
    service, rest, normal = _read_path(path)
    return Target(service, rest, query, normal)


@lru_cache(maxsize=512)
def _read_path(path: str) -> tuple[str, str, str]:
    """Return of a target's path the service, what stands behind it, and what that says."""
    pieces = path.split("/")
    if len(pieces) < SERVICE + 2 or pieces[:2] != ["", "r1"] or "#" in path:
        raise BadIdentifier("the request path is not /r1/{instance}/{class}/{member}/{subsystem}/{service}")
    service = read_identifier("/".join(pieces[2 : 2 + SERVICE]), SERVICE)
    rest = pieces[2 + SERVICE :]
    said = [
        piece if _PLAIN.fullmatch(piece) else _said(piece) for piece in (rest if not rest or rest[-1] else rest[:-1])
    ]
    normal = "".join([f"/{piece}" for piece in said]) + ("/" if len(said) < len(rest) else "")
    return service, "".join([f"/{piece}" for piece in rest]), normal


def _said(piece: str) -> str:
    """Return what a path piece says; refuse one that means another place once somebody decodes it, however often."""
    if _BROKEN.search(piece):
        raise BadIdentifier("the path holds a percent sign that encodes nothing")
    said = plain = piece
    for depth in range(_DEEPEST):
        if _elsewhere(plain) or (not plain.isascii() and _elsewhere(normalize("NFKC", plain))):
            raise BadIdentifier("the path is not in its normal form")
        try:
            decoded = unquote_to_bytes(plain).decode()
        except UnicodeDecodeError:
            raise BadIdentifier("the path is not UTF-8") from None
        said = said if depth else decoded
        if decoded == plain:
            return said
        plain = decoded
    raise BadIdentifier("the path is encoded too often")


def _elsewhere(plain: str) -> bool:
    """Return whether somebody may take *plain* for more than one piece, for none, or for a step up."""
    return plain.partition(";")[0] in ("", ".", "..") or any(sign < " " or sign in "/\\\x7f" for sign in plain)


def _decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise BadIdentifier(f"'{part[:80]}' is not UTF-8") from None
