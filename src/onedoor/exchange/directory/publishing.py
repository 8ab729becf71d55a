"""Sign the configuration's content with a serial number and an end: for our own gateways, and for X-Road's clients."""

import json
import logging
import math
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onedoor.exchange import configuration
from onedoor.exchange.directory import journal
from onedoor.exchange.directory.journal import Change
from onedoor.exchange.directory.sources import FOLDER, Sources
from onedoor.exchange.parameters import EXTERNAL_LIST
from onedoor.kernel.durable import write_whole
from onedoor.kernel.errors import OnedoorError
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key

if TYPE_CHECKING:
    from onedoor.exchange.directory.federation import Partners

PARTNERS = "partners"
CONTENT, SIGNED = "content.json", "configuration.signed"
LIFE = timedelta(hours=24)
"""How long gateways go on when the directory is away."""
_logger = logging.getLogger(__name__)


class Publisher:
    """The directory's folder: content, keys, the configuration last signed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sources = Sources(folder / FOLDER)
        self.partners: Partners | None = None

    def publish(self) -> bytes:
        """Sign the content anew for our own gateways and return what is served from now on.

        Raise `ConfigurationRefused` where no gateway could read it: what was signed last stays.
        """
        now = datetime.now(UTC)
        partners = self._federated(now)
        data = {
            "format": configuration.FORMAT,
            "serial": max(time.time_ns() // 1_000_000, self._last() + 1),
            "generated": now.isoformat(),
            "expires": (now + LIFE).isoformat(),
            "sources": self.sources.listed(now),
            "partners": partners.told(now) if partners else [],
            **self._content(),
        }
        data[EXTERNAL_LIST] = self._vouched(data, now)
        certificate = load_certificates(self._folder / "signing.pem")[0]
        signed = configuration.write(data, load_key(self._folder / "signing.key"), certificate)
        configuration.read(signed, (certificate,), moment=now)
        write_whole(self._folder / SIGNED, signed)  # a command may publish beside the directory
        return signed

    def _last(self) -> int:
        """Return the serial that was signed last: the next is greater though the clock was put back."""
        try:
            return int(configuration.content((self._folder / SIGNED).read_bytes())["serial"])
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            return 0

    def _vouched(self, data: dict[str, Any], now: datetime) -> str:
        """Return the signed list of what X-Road's readers find in *data*; without it ours is signed all the same."""
        try:
            return self.sources.vouch(data, now, now + LIFE) if "address" in data else ""
        except (OSError, ValueError, LookupError, OnedoorError):
            _logger.exception("directory.vouched")
            return ""

    def publish_sources(self) -> None:
        """Sign the content anew for X-Road's clients; content that an earlier version provisioned says too little."""
        now, content = datetime.now(UTC), self._content()
        if "address" in content:
            self.sources.renew(now)
            anchors = list(self.partners.anchors()) if self.partners else []
            more = {"sources": self.sources.listed(now), "anchors": anchors}
            self.sources.publish(content | more, now, now + LIFE)

    def follow_partners(self) -> bool:
        """Look at what the partners of a federation publish; return whether it changed."""
        partners = self._federated(now := datetime.now(UTC))
        return partners.look(now) if partners else False

    def _federated(self, now: datetime) -> "Partners | None":
        """Return the partners of a federation, where there are any."""
        folder = self._folder / PARTNERS
        if self.partners is None and any(folder.glob("*.xml")):
            from onedoor.exchange.directory.federation import Partners  # a reader of XML, where there is a partner

            self.partners = Partners(folder, self._content()["instance"])
            self.partners.restore(now)
        return self.partners

    def changed(self) -> list[tuple[str, int, int]]:
        """Return name, moment and size of each file that the content is in: others when it changed."""
        found = [one for one in (self._folder / CONTENT, self._folder / journal.JOURNAL) if one.exists()]
        return [(one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in found]

    def left(self) -> float:
        """Return for how many seconds each partner stays in force, if nothing new is heard of it."""
        return self.partners.left(datetime.now(UTC)) if self.partners else math.inf

    def _content(self) -> dict[str, Any]:
        return content(self._folder, datetime.now(UTC))


def content(folder: Path, now: datetime, *more: Change) -> dict[str, Any]:
    """Return what the directory in *folder* has to say: of the nation's files, and whom its operator added.

    It is as it would be once *more* was entered in its journal.
    """
    found: dict[str, Any] = json.loads((folder / CONTENT).read_text("utf-8"))
    done = [*journal.acts(folder), *more]
    return journal.applied(found, done, now) if done else found
