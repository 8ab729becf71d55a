"""Whether certificates that others sign with are revoked: asked of OCSP responders, beside the path of messages.

Who was told to be revoked stays so until a responder says otherwise; a responder that is silent changes nothing, nor
does a restart: those certificates are kept in a file, for as long as they would be in force.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate, load_pem_x509_certificates

from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway.core import Core
from onedoor.kernel.durable import write_durably
from onedoor.signing.certificates import fingerprint, pem

if TYPE_CHECKING:
    from onedoor.exchange.gateway.statuses import Statuses

EVERY = 60.0
"""Seconds between two looks."""
REVOKED = "revoked.pem"
"""In a gateway's folder: the certificates that all its workers know as revoked."""
_logger = logging.getLogger(__name__)


class Standing:
    """Looks at the certificates of all who signed something that came here; *ocsp* is asked about those of our own."""

    def __init__(self, core: Core, ocsp: str) -> None:
        self._core, self._ocsp, self._path = core, ocsp, core.local.folder / REVOKED
        self._asked: Statuses | None = None
        core.revoked = frozenset(self._kept())

    async def run(self) -> None:
        """Look again and again."""
        while True:
            try:
                await self.look()
            except Exception:
                _logger.exception("standing")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Ask what became of each certificate, also of those that another worker was told to be revoked."""
        kept = self._kept()
        self._core.signers |= kept
        signers, configuration = dict(self._core.signers), self._core.current()
        if configuration is None or not signers:
            return
        told = await asyncio.to_thread(self._told, signers.values(), configuration)
        new = {mark for mark, revoked in told.items() if revoked} - self._core.revoked
        for mark in new:
            _logger.error("standing.revoked certificate=%s", mark)
        known = (self._core.revoked | kept.keys()) - told.keys()
        self._core.revoked = frozenset(known | {mark for mark in told if told[mark]})
        found = {mark: one for mark, one in signers.items() if mark in self._core.revoked}
        if found.keys() != kept.keys():
            await asyncio.to_thread(self._keep, found)

    def _kept(self) -> dict[str, Certificate]:
        """Return the certificates in the file that would be in force, by their fingerprints."""
        try:
            raw = self._path.read_bytes()
            found = load_pem_x509_certificates(raw) if raw else []
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            _logger.exception("standing.unreadable path=%s", self._path)
            return {}
        now = datetime.now(UTC)
        return {fingerprint(one): one for one in found if now < one.not_valid_after_utc}

    def _keep(self, revoked: Mapping[str, Certificate]) -> None:
        write_durably(self._path, pem(revoked.values()))

    def _told(self, certificates: Iterable[Certificate], configuration: Configuration) -> dict[str, bool]:
        """Return of each of *certificates* of which somebody entitled says anything whether it is revoked."""
        from onedoor.exchange.gateway.statuses import Statuses

        self._asked = self._asked or Statuses(self._ocsp, self._core.allows)
        found = ((one, self._asked.of(one, configuration)) for one in certificates)
        return {fingerprint(one): status.revoked is not None for one, status in found if status}
