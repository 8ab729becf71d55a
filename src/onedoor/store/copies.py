"""Copies of the key store: each is on record in it before it is made, with the moment at which it expires."""

from datetime import datetime, timedelta
from pathlib import Path

from onedoor.store import keystore

LASTS = timedelta(days=30)
"""After which a copy of keys must be gone: until then a destroyed key may still be in it."""
RECORD = "INSERT OR REPLACE INTO copy (id, made_at, expires_at) VALUES (?, ?, ?)"


def record(store: Path, name: str, made_at: datetime) -> datetime:
    """Put on record in *store* (`persons.sqlite`) that its copy *name* is made; return when that expires."""
    expires_at = made_at + LASTS
    with keystore.opened(store) as connection:
        connection.execute(RECORD, [name, made_at.isoformat(), expires_at.isoformat()])
    return expires_at


def last_expiry(now: datetime) -> datetime | None:
    """Return when the last copy of this system's key store expires that has not yet; None when there is none."""
    found = [datetime.fromisoformat(one) for (one,) in keystore.connected().execute("SELECT expires_at FROM copy")]
    return max((one for one in found if one > now), default=None)
