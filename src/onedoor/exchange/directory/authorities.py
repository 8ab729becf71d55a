"""The development authority's doors at the directory: time-stamps at ``/tsa`` and OCSP at ``/ocsp``, both by POST."""

from pathlib import Path

from cryptography.x509 import Certificate

from onedoor.signing import development
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

CA, TSA, OCSP = "ca", "tsa", "ocsp"
LARGEST = 16 * 1024
STAMPS, STATUSES = b"/tsa", b"/ocsp"
_KINDS = {STAMPS: b"application/timestamp-reply", STATUSES: b"application/ocsp-response"}


class Authorities:
    """The keys and certificates in the *folder* of the directory, read again when they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, path: bytes, body: bytes) -> tuple[bytes, bytes] | None:
        """Return media type and answer to *body* posted at *path*; nothing when no authority is there."""
        if path not in _KINDS or not (self._folder / f"{TSA}.pem").exists():
            return None
        return _KINDS[path], self._stamp(body) if path == STAMPS else self._status(body)

    def _stamp(self, body: bytes) -> bytes:
        return development.stamp(body, load_key(self._folder / f"{TSA}.key"), self._certificates(TSA))

    def _status(self, body: bytes) -> bytes:
        authority, own = load_certificates(self._folder / CA / "ca.pem")[0], self._certificates(OCSP)[0]
        return development.status(body, self._folder / CA, authority, load_key(self._folder / f"{OCSP}.key"), own)

    def _certificates(self, name: str) -> tuple[Certificate, ...]:
        return load_certificates(self._folder / f"{name}.pem")
