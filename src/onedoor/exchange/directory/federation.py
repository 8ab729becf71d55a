"""Partners of a federation: whose external anchors lie in the directory's folder, and what they publish.

The directory downloads and verifies, and tells its own gateways of each partner within the configuration it signs: a
gateway needs neither another key nor a reader of XML. A partner that does not answer counts until what it signed ends,
though the directory starts anew meanwhile: what it answered last lies here.
"""

import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from onedoor.exchange import configuration, newest
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.evidence import download, shared
from onedoor.exchange.evidence.anchors import Anchor
from onedoor.exchange.evidence.download import Ask, Downloaded, asked
from onedoor.exchange.parameters import OWN, SHARED
from onedoor.kernel.durable import write_durably
from onedoor.kernel.said import said
from onedoor.signing.asice.findings import Broken
from onedoor.signing.certificates import load_certificates, pem, save_certificates

MOST, LARGEST, LARGEST_ANCHOR = 4, 6 << 20, 1 << 20
"""Partners, and bytes of what one says: all of them fit into what a gateway takes of a configuration."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """What a partner said: its *anchor*, what was *found* by it, and which TLS certificates its gateways show."""

    anchor: bytes
    found: Downloaded
    shown: frozenset[str]


Known = Mapping[Path, Heard]
"""What was heard last of each partner, by where its anchor lies."""


class Partners:
    """The partners whose anchors (``*.xml``) lie in *folder*; beside each, what it said and certificates learned."""

    def __init__(self, folder: Path, own: str, ask: Ask = asked) -> None:
        self._folder, self._own, self._ask = folder, own, ask
        self._known: dict[Path, Heard] = {}
        self._silent: set[Path] = set()

    @property
    def silent(self) -> int:
        """Return how many of them did not answer, or not with what can be used, at the last look."""
        return len(self._silent)

    def look(self, now: datetime) -> bool:
        """Download what each partner publishes; return whether anything but the ends of what is known changed."""
        before = {path: one for path, one in self._known.items() if _stays(path, one.anchor)}
        known: dict[Path, Heard] = {}
        silent: set[Path] = set()
        for number, path in enumerate(self._anchors()):
            try:
                if number >= MOST:
                    raise ConfigurationRefused(why=said("there are {most} partners already", most=MOST))
                known[path] = self._looked(path, now, before | known)
            except Exception as refused:  # noqa: BLE001 - what a partner sends must not hold up the others
                silent.add(path)
                if path not in self._silent:
                    why = refused.facts.get("why") if isinstance(refused, ConfigurationRefused) else refused
                    _logger.warning("federation.partner_refused anchor=%s why=%s", path.name, why)
                if number < MOST and path in before:
                    known[path] = before[path]
        changed = _contents(known) != _contents(self._known)
        self._known, self._silent = known, silent
        return changed

    def restore(self, now: datetime) -> None:
        """Know again what each partner answered last, before this process began, where that is in force still."""
        for path in self._anchors()[:MOST]:
            with suppress(Exception):  # it is asked soon, and its fault told then
                anchor = _anchor(path)
                kept = json.loads(_beside(path, anchor, "kept").read_text("utf-8"))
                answers = {url: answer.encode("latin-1") for url, answer in kept.items()}
                heard = self._heard(path, anchor, now, answers.get)
                _check(heard, path, self._known, now)
                self._known[path] = heard

    def left(self, now: datetime) -> float:
        """Return for how many seconds from *now* on all partners in force stay so, if nothing new is heard of them."""
        ends = (one.found.end for one in self._known.values() if now < one.found.end)
        return min(((end - now).total_seconds() for end in ends), default=math.inf)

    def told(self, now: datetime) -> list[dict[str, Any]]:
        """Return the partners in force *now*, as our own gateways read them."""
        return [_told(one.found) for one in self._known.values() if now < one.found.end]

    def anchors(self) -> Iterator[dict[str, Any]]:
        """Yield the partners' anchors with what was learned since, as the private parameters hold them."""
        for heard in self._known.values():
            learned = heard.found.certificates
            sources = {
                one.url: [pem([cert]).decode() for cert in dict.fromkeys((*one.certificates, *learned))]
                for one in Anchor.read(heard.anchor).sources
            }
            yield {"instance": heard.found.instance, "sources": sources}

    def _anchors(self) -> list[Path]:
        return sorted(self._folder.glob("*.xml"))

    def _looked(self, path: Path, now: datetime, known: Known) -> Heard:
        """Return what the anchor at *path* leads to, once our own gateways can read it; keep it, and learn its keys.

        So a partner hands over to its next keys without a new anchor, as it does to X-Road's clients. None that ends
        earlier than one before counts: it was signed earlier.
        """
        anchor, answers = _anchor(path), dict[str, bytes]()

        def ask(url: str) -> bytes | None:
            if (answer := self._ask(url)) is not None:
                answers[url] = answer
            return answer

        heard = self._heard(path, anchor, now, ask)
        _check(heard, path, known, now)
        with newest.counted(_beside(path, anchor, "json"), int(heard.found.end.timestamp())):
            kept = {url: answer.decode("latin-1") for url, answer in answers.items()}
            write_durably(_beside(path, anchor, "kept"), json.dumps(kept).encode())
            if heard.found.certificates and heard.found.certificates != _learned(path, anchor):
                save_certificates(_beside(path, anchor, "pem"), heard.found.certificates)
        return heard

    def _heard(self, path: Path, anchor: bytes, now: datetime, ask: Ask) -> Heard:
        """Return what *anchor* leads to; raise `ConfigurationRefused` for what our own gateways cannot read."""
        found = download.download(anchor, now, ask, _learned(path, anchor))
        if sum(len(one) for one in found.files.values()) > LARGEST:
            raise ConfigurationRefused(why=said("it is too large"))
        gateways = configuration.partner(_told(found), self._own).gateways.values()
        return Heard(anchor, found, frozenset(shown for shown, _ in configuration.by_tls(gateways) if shown))


def _check(heard: Heard, path: Path, known: Known, now: datetime) -> None:
    """Raise `ConfigurationRefused` when what was *heard* takes the place of another partner, or of a gateway of it."""
    for other in (one for at, one in known.items() if at != path and now < one.found.end):
        if heard.found.instance == other.found.instance:
            raise ConfigurationRefused(why=said("another anchor leads to the same instance"))
        if heard.shown & other.shown:
            raise ConfigurationRefused(why=said("it names a TLS certificate that a gateway of another partner shows"))


def _beside(path: Path, anchor: bytes, kind: str) -> Path:
    """Return where something of a *kind* lies that was learned by *anchor*, which is at *path*."""
    return path.with_name(f"{path.stem}.{download.mark(anchor)}.{kind}")


def _learned(path: Path, anchor: bytes) -> tuple[Certificate, ...]:
    learned = _beside(path, anchor, "pem")
    return load_certificates(learned) if learned.exists() else ()


def _stays(path: Path, anchor: bytes) -> bool:
    with suppress(OSError, ConfigurationRefused):
        return _anchor(path) == anchor
    return False


def _anchor(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_ANCHOR:
        raise ConfigurationRefused(why=said("its anchor is not well formed"))
    return path.read_bytes()


def _contents(known: Known) -> dict[Path, tuple[bytes, dict[str, bytes]]]:
    return {path: (one.anchor, one.found.content) for path, one in known.items()}


def _told(found: Downloaded) -> dict[str, Any]:
    """Return a partner as the configuration of our own gateways tells of it; raise `ConfigurationRefused`.

    Members, addresses, certificates of TLS and authorities are those of the shared parameters; what PR-GCONF has no
    place for comes from the partner's file of its own, where it has one. The list that its source signed goes along
    for whoever checks evidence and believes that source alone.
    """
    try:
        own: dict[str, Any] = json.loads(found.files[OWN]) if OWN in found.files else {}
        kept = shared.told(found.files[SHARED], own)
        kept |= {"expires": found.end.isoformat(), "shared": found.files[SHARED].decode()}
        kept["listed"] = found.listed.decode("ascii")
        return configuration.foreign(kept)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Broken) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
