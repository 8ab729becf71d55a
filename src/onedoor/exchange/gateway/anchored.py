"""A gateway in whose folder an anchor lies takes from X-Road's signed configuration who takes part, where, until when.

What the directory signed for our own gateways then only adds what PR-GCONF has no place for: ports, certificates of
signatures, systems, services, rights. What was verified is kept, for when nobody answers; so are the keys that it
names, so that an instance hands over to its next keys without a new anchor.
"""

import logging
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from onedoor.exchange import configuration, newest
from onedoor.exchange.configuration import Configuration, ConfigurationRefused
from onedoor.exchange.evidence import download, shared
from onedoor.exchange.evidence.anchors import Anchor
from onedoor.exchange.evidence.download import Downloaded
from onedoor.exchange.gateway.local import XROAD_ANCHOR
from onedoor.exchange.parameters import SHARED
from onedoor.kernel.said import said
from onedoor.signing.asice.findings import Broken
from onedoor.signing.certificates import load_certificates, save_certificates

KEPT = "verified"
"""The folder of what was verified last, as ``onedoor exchange verify --conf`` reads it too."""
_logger = logging.getLogger(__name__)


def held(signed: bytes, folder: Path, now: datetime) -> Configuration:
    """Return the configuration *signed*, which verified, as far as X-Road's says the same.

    X-Road's is downloaded by the anchor in *folder* and verified. Raise `ConfigurationRefused`.
    """
    found = _verified((folder / XROAD_ANCHOR).read_bytes(), folder / KEPT, now)
    content = configuration.content(signed)
    try:
        told = shared.told(found.files[SHARED], content)
    except (ValueError, KeyError, TypeError, AttributeError, Broken) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
    ends = min(datetime.fromisoformat(content["expires"]), found.end)
    return configuration.of({**content, **told, "expires": ends.isoformat()}, now)


def _verified(anchor: bytes, folder: Path, now: datetime) -> Downloaded:
    """Return what *anchor* leads to, or what *folder* keeps of it where nobody answers with one that counts."""
    path, newest_end = folder / f"learned-{download.mark(anchor)}.pem", download.newest_at(folder, anchor)
    learned = load_certificates(path) if path.exists() else ()
    try:
        found = download.download(anchor, now, learned=learned)
        try:
            with newest.taken(newest_end, int(found.end.timestamp())) as fit:
                if fit:
                    found.keep(folder, anchor)
                    if found.certificates and found.certificates != learned:
                        save_certificates(path, found.certificates)
                    return found
        except OSError:
            _logger.exception("configuration.not_kept")  # a full disk must not hold up what takes a right away
            return found
        _logger.warning("configuration.refused why=older list_ends=%s", found.end.isoformat())
    except ConfigurationRefused as refused:
        _logger.warning("configuration.refused why=%s", refused.facts.get("why"))
    found = download.download(anchor, now, partial(_kept, folder, anchor), learned)
    newest.check(newest_end, int(found.end.timestamp()))
    return found


def _kept(folder: Path, anchor: bytes, url: str) -> bytes | None:
    """Return what was verified of the instance of *anchor*, under the name of the file at *url*."""
    found = folder / Anchor.read(anchor).instance / Path(urlsplit(url).path).name
    return found.read_bytes() if found.is_file() else None
