"""The authorities that are asked over HTTP: for time-stamps (RFC 3161) and for the status of certificates (OCSP)."""

import threading
import time
from datetime import UTC, datetime

from cryptography import x509

from onedoor.kernel import fetching
from onedoor.kernel.addresses import Allowed
from onedoor.kernel.fetching import OK, Server
from onedoor.kernel.said import said
from onedoor.signing import stamps, status
from onedoor.signing.certificates import fingerprint, status_address
from onedoor.signing.stamps import NoTimeStamp
from onedoor.signing.status import Status

PATIENCE = 5.0
KNOWN_FOR, SILENT_FOR = 300.0, 30.0
"""Seconds for which a status is not asked again at most, and for which a silent responder is left alone."""
LARGEST = 64 * 1024
MOST_KNOWN = 256
_ROOM, _STEP = 2048, 512


class TimeStampAuthority:
    """The time-stamp authority at *url*; one thread after the other."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self.url = url
        self.room = _ROOM
        self._server = Server(url, patience)
        self._lock = threading.Lock()

    def stamp(self, stamped: bytes) -> bytes:
        """Return its token over *stamped*; raise `NoTimeStamp`."""
        asked = stamps.request(stamped)
        try:
            with self._lock:
                code, body = self._server.ask("POST", "", LARGEST, asked, kind="application/timestamp-query")
        except OSError as error:
            raise NoTimeStamp(who=self.url, why=fetching.why(error, said("its answer cannot be read"))) from error
        if code != OK:
            raise NoTimeStamp(who=self.url, why=said("it answered {status}", status=code))
        token = stamps.taken(body, asked, stamped)
        self.room = max(self.room, -(-len(token) // _STEP) * _STEP)
        return token


def _lasting(told: Status | None) -> float:
    """Return for how many seconds what was *told* counts: no longer than until the responder tells something newer."""
    if told is None:
        return SILENT_FOR
    left = (told.until - datetime.now(UTC)).total_seconds()
    return min(KNOWN_FOR, left) if told.until > told.since else KNOWN_FOR  # else it does not say when that is


class Responders:
    """OCSP responders: the one at *url*, or without it where each certificate says; what they told is kept a while.

    *allowed* says to which addresses one may connect because a certificate says so.
    """

    def __init__(self, url: str = "", patience: float = PATIENCE, allowed: Allowed | None = None) -> None:
        self._url, self._patience, self._allowed = url, patience, None if url else allowed
        self._servers: dict[str, Server] = {}
        self._silent: dict[str, float] = {}
        self._known: dict[tuple[str, str], tuple[float, Status | None]] = {}
        self._lock = threading.Lock()

    def status(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Status | None:
        """Return the present status of *certificate*, or that it was revoked once; nothing when nobody tells it."""
        key = fingerprint(certificate), fingerprint(issuer)
        with self._lock:
            until, told = self._known.get(key, (0.0, None))
            if time.monotonic() < until:
                return told
            told = self._ask(certificate, issuer)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = (time.monotonic() + _lasting(told), told)
            return told

    def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Status | None:
        try:  # a certificate of others may name any address, and hold anything
            if not (url := self._url or status_address(certificate)) or time.monotonic() < self._silent.get(url, 0.0):
                return None
            server = self._servers.setdefault(url, Server(url, self._patience, self._allowed))
            asked = status.request(certificate, issuer)
            code, body = server.ask("POST", "", LARGEST, asked, kind="application/ocsp-request")
        except TimeoutError:  # each certificate that is asked about would wait as long
            self._silent[url] = time.monotonic() + SILENT_FOR
            return None
        except (OSError, ValueError, x509.DuplicateExtension):
            return None
        told = status.read(body, certificate, issuer) if code == OK else None
        return told if told and (told.revoked or told.covers(datetime.now(UTC))) else None
