"""Whether certificates that others sign with are revoked: asked of OCSP responders, beside the path of messages.

Who was told to be revoked stays so until a responder says otherwise; a responder that is silent changes nothing.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate, load_pem_x509_certificates

from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway.core import Core
from onedoor.signing.certificates import fingerprint, issued

if TYPE_CHECKING:
    from onedoor.signing.authorities import Responders

EVERY = 60.0
"""Seconds between two looks."""
_logger = logging.getLogger(__name__)


class Standing:
    """Looks at the certificates of all who signed something that came here; *ocsp* is asked about those of our own."""

    def __init__(self, core: Core, ocsp: str) -> None:
        self._core, self._ocsp = core, ocsp
        self._asked: tuple[Responders, Responders] | None = None

    async def run(self) -> None:
        """Look again and again."""
        while True:
            try:
                await self.look()
            except Exception:
                _logger.exception("standing")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Ask what became of each certificate."""
        configuration, signers = self._core.current(), dict(self._core.signers)
        if configuration is None or not signers:
            return
        told = await asyncio.to_thread(self._told, signers.values(), configuration)
        new = {mark for mark, revoked in told.items() if revoked} - self._core.revoked
        for mark in new:
            _logger.error("standing.revoked certificate=%s", mark)
        self._core.revoked = frozenset(self._core.revoked - told.keys() | {mark for mark in told if told[mark]})

    def _told(self, certificates: Iterable[Certificate], configuration: Configuration) -> dict[str, bool]:
        """Return of each of *certificates* of which somebody entitled says anything whether it is revoked."""
        from onedoor.signing.authorities import Responders

        self._asked = self._asked or (Responders(self._ocsp), Responders(allowed=self._core.allows))
        own, named = self._asked
        authorities = [(own, configuration.authorities), *((named, one.authorities) for one in configuration.partners)]
        issuers = [(who, one) for who, pem in authorities if pem for one in load_pem_x509_certificates(pem.encode())]
        found = {}
        for certificate in certificates:
            asked = (who.status(certificate, one) for who, one in issuers if issued(one, certificate))
            if status := next(asked, None):
                found[fingerprint(certificate)] = status.revoked is not None
        return found
