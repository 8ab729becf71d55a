"""Partners of a federation: whose external anchors lie in the directory's folder, and what they publish.

The directory downloads and verifies, and tells its own gateways of each partner within the configuration it signs: a
gateway needs neither another key nor a reader of XML. A partner that does not answer counts until what it signed ends.
"""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from onedoor.exchange import configuration
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.evidence import download
from onedoor.exchange.evidence.anchors import Anchor
from onedoor.exchange.evidence.download import Ask, Downloaded, asked
from onedoor.exchange.parameters import OWN, SHARED
from onedoor.kernel.said import said
from onedoor.signing.certificates import pem

FOLDER = "partners"
MOST = 20
LARGEST_ANCHOR = 1 << 20
_logger = logging.getLogger(__name__)


class Partners:
    """The partners whose anchors (``*.xml``) lie in *folder*."""

    def __init__(self, folder: Path, own: str, ask: Ask = asked) -> None:
        self._folder, self._own, self._ask = folder, own, ask
        self._known: dict[Path, tuple[bytes, Downloaded]] = {}
        self._silent: set[Path] = set()

    @property
    def silent(self) -> int:
        """Return how many of them did not answer, or not with what can be used, at the last look."""
        return len(self._silent)

    def look(self, now: datetime) -> bool:
        """Download what each partner publishes; return whether anything but the ends of what is known changed."""
        before = {path: found.content for path, (_, found) in self._known.items()}
        paths = sorted(self._folder.glob("*.xml"))[:MOST]
        self._known = {path: one for path, one in self._known.items() if path in paths}
        self._silent &= set(paths)
        for path in paths:
            try:
                self._look(path, now)
                self._silent.discard(path)
            except (OSError, ConfigurationRefused) as refused:
                if path not in self._silent:
                    why = refused.facts.get("why") if isinstance(refused, ConfigurationRefused) else refused
                    _logger.warning("federation.partner_refused anchor=%s why=%s", path.name, why)
                self._silent.add(path)
        return before != {path: found.content for path, (_, found) in self._known.items()}

    def told(self, now: datetime) -> list[dict[str, Any]]:
        """Return the partners in force *now*, as our own gateways read them."""
        return [_told(found) for _, found in self._known.values() if now < found.end]

    def anchors(self) -> Iterator[dict[str, Any]]:
        """Yield the partners' anchors, as the private parameters hold them."""
        for data, _ in self._known.values():
            anchor = Anchor.read(data)
            for one in anchor.sources:
                certificates = [pem([certificate]).decode() for certificate in one.certificates]
                yield {"instance": anchor.instance, "url": one.url, "certificates": certificates}

    def _look(self, path: Path, now: datetime) -> None:
        if path.stat().st_size > LARGEST_ANCHOR:
            raise ConfigurationRefused(why=said("its anchor is not well formed"))
        anchor = path.read_bytes()
        if path in self._known and self._known[path][0] != anchor:
            del self._known[path]
        found = download.download(anchor, now, self._ask)
        if any(found.instance == other.instance for one, (_, other) in self._known.items() if one != path):
            raise ConfigurationRefused(why=said("another anchor leads to the same instance"))
        configuration.partner(_told(found), self._own)
        self._known[path] = anchor, found


def _told(found: Downloaded) -> dict[str, Any]:
    """Return a partner as the configuration of our own gateways tells of it; raise `ConfigurationRefused`."""
    try:
        own: dict[str, Any] = json.loads(found.files[OWN]) if OWN in found.files else {}
        if own.setdefault("instance", found.instance) != found.instance:
            raise ConfigurationRefused(why=said("it speaks of members that are not its own"))
        kept: dict[str, Any] = {
            name: own[name] for name in ("instance", "authorities", "members", "gateways") if name in own
        }
        return {**kept, "expires": found.end.isoformat(), "shared": found.files[SHARED].decode()}
    except (ValueError, AttributeError) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
