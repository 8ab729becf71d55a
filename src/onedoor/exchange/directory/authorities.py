"""The development authority's doors at the directory: time-stamps at ``/tsa`` and OCSP at ``/ocsp``, both by POST."""

from pathlib import Path

from cryptography.x509 import Certificate

from onedoor.signing import development, status
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key
from onedoor.signing.status import Status

CA, TSA, OCSP = "ca", "tsa", "ocsp"
LARGEST = 16 * 1024
STAMP, STATUS = b"application/timestamp-reply", b"application/ocsp-response"


class Authorities:
    """The keys and certificates in the *folder* of the directory, read again when they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def here(self) -> bool:
        """Return whether there are such authorities."""
        return (self._folder / f"{TSA}.pem").exists()

    @property
    def tells_status(self) -> bool:
        """Return whether the certificate is here by whose name certificates are asked about; its key need not be."""
        return (self._folder / CA / "ca.pem").exists()

    def stamp(self, body: bytes) -> bytes:
        """Return the time-stamp that *body* asks for."""
        return development.stamp(body, load_key(self._folder / f"{TSA}.key"), self._certificates(TSA))

    def status(self, body: bytes) -> bytes:
        """Return the status of the certificate that *body* asks about."""
        authority, own = load_certificates(self._folder / CA / "ca.pem")[0], self._certificates(OCSP)[0]
        return development.status(body, self._folder / CA, authority, load_key(self._folder / f"{OCSP}.key"), own)

    def told(self, certificate: Certificate, issuer: Certificate) -> Status | None:
        """Return what is known here of *certificate*; nothing where its *issuer* is another authority."""
        if not (self.here and self.tells_status):
            return None
        return status.read(self.status(status.request(certificate, issuer)), certificate, issuer)

    def _certificates(self, name: str) -> tuple[Certificate, ...]:
        return load_certificates(self._folder / f"{name}.pem")
