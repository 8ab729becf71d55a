"""Sign the configuration's content with a serial number and an end."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onedoor.exchange import configuration
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

CONTENT, SIGNED = "content.json", "configuration.signed"
LIFE = timedelta(hours=24)
"""How long gateways go on when the directory is away."""


class Publisher:
    """The directory's folder: content, key, the configuration last signed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publish(self) -> bytes:
        """Sign the content anew and return what is served from now on."""
        content = json.loads((self._folder / CONTENT).read_text("utf-8"))
        now = datetime.now(UTC)
        data = {
            "format": configuration.FORMAT,
            "serial": time.time_ns() // 1_000_000,
            "generated": now.isoformat(),
            "expires": (now + LIFE).isoformat(),
            **content,
        }
        certificate = load_certificates(self._folder / "signing.pem")[0]
        signed = configuration.write(data, load_key(self._folder / "signing.key"), certificate)
        draft = self._folder / f".{SIGNED}.draft"
        draft.write_bytes(signed)
        draft.replace(self._folder / SIGNED)
        return signed

    def changed(self) -> int:
        """Return when the content last changed, in nanoseconds."""
        return (self._folder / CONTENT).stat().st_mtime_ns
