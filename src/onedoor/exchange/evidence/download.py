"""An X-Road configuration as its clients download it (PR-GCONF 2.6): by its anchor, verified to the last byte.

What is kept in a folder is what ``onedoor exchange verify --conf`` reads: the anchor, the signed list, the files.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from onedoor.exchange import newest
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.evidence import directory
from onedoor.exchange.evidence.anchors import Anchor, Source, certificate, text
from onedoor.exchange.evidence.directory import Directory
from onedoor.exchange.parameters import ANCHOR, EXTERNAL, INTERNAL, OWN, PRIVATE, SHARED, VERSIONS
from onedoor.kernel.durable import replace_folder, write_durably
from onedoor.kernel.fetching import OK, Server
from onedoor.kernel.said import said
from onedoor.signing.asice import documents
from onedoor.signing.asice.findings import Broken

PATIENCE = 10.0
"""Seconds for each answer."""
LARGEST, MOST_FILES = 16 << 20, 50
FURTHEST = timedelta(days=10)
"""How far ahead a list may end. X-Road's sources sign for ten minutes unless their operator says otherwise, ours for a
day. What a source signed while its clock was far ahead would let nothing count that it signs when the clock is right.
"""
_MISSING = 404
_DIGITS = 16
_NAMES = {"PRIVATE-PARAMETERS": PRIVATE, "SHARED-PARAMETERS": SHARED, "ONEDOOR-PARAMETERS": OWN}
Ask = Callable[[str], bytes | None]
"""Returns what is at an address, or nothing where the server has nothing there; raises `OSError`."""


@dataclass(frozen=True)
class Downloaded:
    """A verified configuration: its *files* by name, the signed list among them.

    *certificates* are those whose keys sign its source from now on, as it says itself.
    """

    instance: str
    version: str
    end: datetime
    files: dict[str, bytes]
    certificates: tuple[x509.Certificate, ...]

    @property
    def content(self) -> dict[str, bytes]:
        """Return its files without the list, which is signed anew again and again."""
        return {name: data for name, data in self.files.items() if name not in directory.NAMES}

    @property
    def listed(self) -> bytes:
        """Return the list as its source signed it."""
        return next(data for name, data in self.files.items() if name in directory.NAMES)

    def partners(self) -> list[bytes]:
        """Return the anchors of the partners that its private parameters name; raise `ConfigurationRefused`."""
        if PRIVATE not in self.files:
            return []
        try:
            root = documents.parse_message(self.files[PRIVATE], PRIVATE)
            return [Anchor.of(one).written() for one in root.findall("configurationAnchor")]
        except (ValueError, Broken) as broken:
            raise ConfigurationRefused(why=said("it is not well formed")) from broken

    def keep_newer(self, folder: Path, anchor: bytes) -> None:
        """Write it as `keep` does, unless a newer one by the same *anchor* was: raise `ConfigurationRefused`."""
        with newest.counted(newest_at(folder, anchor), int(self.end.timestamp())):
            self.keep(folder, anchor)

    def keep(self, folder: Path, anchor: bytes) -> None:
        """Write it with its *anchor* below *folder*, as evidence is checked against it: all of it or nothing.

        A list of another kind goes, what else lies there stays. The draft has a name that no instance has, and that
        nobody reads.
        """
        draft, place = folder / f".{self.instance}", folder / self.instance
        shutil.rmtree(draft, ignore_errors=True)
        if place.exists():
            shutil.copytree(place, draft, symlinks=True)
        for name, data in {ANCHOR: anchor, **self.files}.items():
            write_durably(draft / name, data, mode=0o644)
        for name in set(directory.NAMES) - self.files.keys():
            (draft / name).unlink(missing_ok=True)
        replace_folder(draft, place)


def mark(anchor: bytes) -> str:
    """Return what the names of files have that belong to *anchor*."""
    return hashlib.sha256(anchor).hexdigest()[:_DIGITS]


def newest_at(folder: Path, anchor: bytes) -> Path:
    """Return where *folder* keeps the end of the newest list by *anchor*.

    A list ends later the later it was signed, and PR-GCONF gives it no other order.
    """
    return folder / f"newest-{mark(anchor)}.json"


def asked(url: str) -> bytes | None:
    """Return what a server on the network has at *url*, as `Ask` says."""
    server = Server(url, PATIENCE)
    try:
        status, body = server.ask("GET", "", LARGEST)
    finally:
        server.close()
    if status not in (OK, _MISSING):
        raise ConfigurationRefused(why=said("{url} answered {status}", url=url, status=status))
    return body if status == OK else None


def download(anchor: bytes, now: datetime, ask: Ask = asked, learned: Sequence[x509.Certificate] = ()) -> Downloaded:
    """Return the configuration that *anchor* leads to, in force *now*; raise `ConfigurationRefused`.

    Beside the anchor's certificates those *learned* from an earlier download count. Sources are tried in the anchor's
    order; the last one's fault is told when none serves.
    """
    try:
        told = Anchor.read(anchor)
    except (ValueError, Broken) as broken:
        raise ConfigurationRefused(why=said("its anchor is not well formed")) from broken
    fault = ConfigurationRefused(why=said("its anchor names no source"))
    for source in told.sources:
        try:
            return _from(told.instance, Source(source.url, (*source.certificates, *learned)), now, ask)
        except ConfigurationRefused as refused:
            fault = refused
        except OSError as error:
            fault = ConfigurationRefused(why=said("{url} does not answer", url=source.url))
            fault.__cause__ = error
    raise fault


def _from(instance: str, source: Source, now: datetime, ask: Ask) -> Downloaded:
    signed = _list(source.url, ask)
    listed = verified(signed, source, instance, now)
    files = {}
    for one in listed.files:
        if (name := _NAMES.get(one.kind)) is None:
            continue
        data = ask(_address(source.url, one.location))
        if data is None or not one.holds(data):
            raise ConfigurationRefused(why=said("{file} is not what was signed", file=name))
        files[name] = data
    if SHARED not in files:
        raise ConfigurationRefused(why=said("{file} is not what was signed", file=SHARED))
    kind = INTERNAL if PRIVATE in files else EXTERNAL
    told = [_told(files[name], name, kind) for name in (SHARED, PRIVATE) if name in files]
    if other := next((one for one, _ in told if one != instance), ""):
        raise ConfigurationRefused(why=said("it is of {other}, not of {instance}", other=other, instance=instance))
    return Downloaded(instance, listed.version, listed.end, {f"{kind}conf": signed, **files}, told[0][1])


def verified(signed: bytes, source: Source, instance: str, now: datetime) -> Directory:
    """Return the list *signed* by *source* of *instance*, in force *now*; raise `ConfigurationRefused`."""
    try:
        listed = directory.verify(signed, source.certificates)
    except directory.NotAnchored as unknown:
        raise ConfigurationRefused(why=said("an unknown key signed it")) from unknown
    except directory.BadSignature as bad:
        raise ConfigurationRefused(why=said("its signature does not match")) from bad
    except (directory.BadDirectory, Broken) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
    if now >= listed.end:
        raise ConfigurationRefused(why=said("it has expired"))
    if listed.end - now > FURTHEST:
        why = said(
            "it ends on {end}, more than {days} days from now: check the clock of who signed it, and the one here",
            end=f"{listed.end:%Y-%m-%d}",
            days=FURTHEST.days,
        )
        raise ConfigurationRefused(why=why)
    if foreign := next((one.instance for one in listed.files if one.instance != instance), ""):
        raise ConfigurationRefused(why=said("it is of {other}, not of {instance}", other=foreign, instance=instance))
    if len(listed.files) > MOST_FILES or len({one.kind for one in listed.files}) != len(listed.files):
        raise ConfigurationRefused(why=said("it is not well formed"))
    return listed


def _list(url: str, ask: Ask) -> bytes:
    """Return the signed list at *url* in the newest version that is served and read here."""
    for version in sorted(VERSIONS, reverse=True):
        if (found := ask(f"{url}?version={version}")) is not None:
            return found
    raise ConfigurationRefused(why=said("{url} serves no version that is read here", url=url))


def _told(data: bytes, name: str, kind: str) -> tuple[str, tuple[x509.Certificate, ...]]:
    """Return whose the file *name* says it is, and the certificates that it names for the source of a *kind*."""
    try:
        root = documents.parse_message(data, name)
        named = root.iterfind(f"source/{kind}VerificationCert")
        return text(root, "instanceIdentifier"), tuple(certificate(one.text or "") for one in named)
    except (ValueError, Broken) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken


def _address(url: str, location: str) -> str:
    """Return the address of a file: always on the server that the list came from."""
    if not location.startswith("/") or location.startswith("//"):
        raise ConfigurationRefused(why=said("it is not well formed"))
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{location}"
