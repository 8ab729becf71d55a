"""What becomes of the certificates that gateways sign with, asked of OCSP responders.

About those of our own instance the responder of the settings is asked, or without one that which the certificate names;
where it tells nothing, the one that the configuration names for the certificate's issuer: each authority has its own.
"""

from collections.abc import Iterator

from cryptography.x509 import Certificate, load_pem_x509_certificates

from onedoor.exchange.configuration import Configuration
from onedoor.kernel.addresses import Allowed
from onedoor.signing.authorities import Responders
from onedoor.signing.certificates import fingerprint, issued
from onedoor.signing.status import Status


class Statuses:
    """Asks at *url*; a partner's certificates name responders themselves, at addresses that *allowed* lets through."""

    def __init__(self, url: str, allowed: Allowed) -> None:
        self._own, self._strangers = Responders(url), Responders(allowed=allowed)
        self._named = {url: self._own}

    def of(self, certificate: Certificate, configuration: Configuration) -> Status | None:
        """Return what somebody entitled says of *certificate* now; nothing when nobody does."""
        asked = (one.status(certificate, issuer) for issuer, one in self._entitled(certificate, configuration))
        return next((told for told in asked if told), None)

    def _entitled(
        self, certificate: Certificate, configuration: Configuration
    ) -> Iterator[tuple[Certificate, Responders]]:
        for issuer in _issuers(configuration.authorities, certificate):
            yield issuer, self._own
            if url := configuration.responders.get(fingerprint(issuer)):
                yield issuer, self._named.setdefault(url, Responders(url))
        for partner in configuration.partners:
            for issuer in _issuers(partner.authorities, certificate):
                yield issuer, self._strangers


def _issuers(pem: str, certificate: Certificate) -> Iterator[Certificate]:
    known = load_pem_x509_certificates(pem.encode()) if pem else []
    return (one for one in known if issued(one, certificate))
