"""The configuration as the directory serves it, and the copy that a gateway keeps for its next start."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.x509 import Certificate

from onedoor.exchange import configuration, newest
from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway import local
from onedoor.kernel.durable import write_durably

LARGEST_CONFIGURATION = 64 * 2**20
_logger = logging.getLogger(__name__)


async def fetch(url: str) -> bytes:
    """Return what the directory serves at *url* (plain HTTP: what counts is the signature inside)."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=2**16)
    try:
        writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise ValueError("the directory did not answer with a configuration")
        body = await reader.read(LARGEST_CONFIGURATION)
        while chunk := await reader.read(LARGEST_CONFIGURATION - len(body)):
            body += chunk
        return body
    finally:
        writer.close()


def kept(folder: Path, anchors: Iterable[Certificate], now: datetime) -> Configuration:
    """Return what is kept in the gateway's *folder*; raise FileNotFoundError, or `ConfigurationRefused`."""
    found = configuration.read((folder / local.CONFIGURATION).read_bytes(), anchors, moment=now)
    newest.check(folder / local.NEWEST, found.serial)
    return found


def keep(folder: Path, signed: bytes, serial: int) -> bool:
    """Keep *signed* in the gateway's *folder* for its next start, unless a newer one was in force here; say so.

    It lies there before it is known as the newest, so that a crash leaves one that counts.
    """
    path, known = folder / local.CONFIGURATION, folder / local.NEWEST
    try:
        with newest.taken(known, serial) as fit:
            if fit and not (path.exists() and path.read_bytes() == signed):
                write_durably(path, signed, mode=0o644)
    except OSError:
        _logger.exception("configuration.not_kept")  # a full disk must not bring back a right that was taken away
        return True
    if not fit:
        _logger.warning("configuration.refused why=older serial=%s newest=%s", serial, newest.known(known))
    return fit
