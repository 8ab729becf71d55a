"""An X-Road configuration to hold evidence against: PR-GCONF's shared parameters, signed or as they are served.

A folder or a zip holds ``{instance}/shared-params.xml`` for each instance, below ``verificationconf/`` as a security
server serves it, or ``shared-params.xml`` alone. Beside it may lie what a central server serves (``internalconf`` or
``externalconf``, the signed list of digests) and ``configuration-anchor.xml`` (the keys that may sign it). Whoever has
an anchor from elsewhere gives it besides: what lies there may be of anybody.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from cryptography import x509
from lxml import etree

from onedoor.exchange.evidence import directory
from onedoor.exchange.evidence.anchors import Anchor, certificate, fingerprint, text
from onedoor.exchange.evidence.reasons import Reason
from onedoor.exchange.parameters import ANCHOR, FRESHNESS, SHARED
from onedoor.kernel.errors import BadInput
from onedoor.signing.asice import documents
from onedoor.signing.asice.findings import Broken, Finding

_WANTED = (SHARED, ANCHOR, *directory.NAMES)
_LARGEST, _MOST_FILES, _DEEPEST = 64 << 20, 200, 3
"""Bytes of all files together, how many of them, in folders how deep."""
_OWN = ("internalVerificationCert", "externalVerificationCert")


class NotAConfiguration(BadInput):
    """{path} holds no X-Road configuration; look at {why}. Give a folder or zip as /verificationconf serves it."""


class NotAnAnchor(BadInput):
    """{path} is no configuration anchor. Give the anchor (an XML file) that the operator of the instance hands out."""


@dataclass(frozen=True)
class Authority:
    """A certification authority that signs members' certificates; responders by the certificate they answer for."""

    top: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    responders: Mapping[x509.Certificate, tuple[x509.Certificate, ...]]
    profile: str


@dataclass(frozen=True)
class Signature:
    """How a configuration is signed, *faults* why it is not to be believed, *end* when its force ends.

    *kind* is ``anchored`` (by a key that the anchor with the fingerprint *anchor* names), ``own`` (by a key that it
    names itself) or ``none``.
    """

    kind: str
    end: datetime | None = None
    anchor: str = ""
    faults: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Instance:
    """What one instance's configuration approves, and how it is signed."""

    name: str
    authorities: tuple[Authority, ...]
    time_stampers: tuple[x509.Certificate, ...]
    freshness: int
    signature: Signature

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return why it is not to be believed."""
        return tuple(Finding(one, {"instance": self.name}) for one in self.signature.faults)


def load(path: Path, anchors: Sequence[Path] = ()) -> dict[str, Instance]:
    """Return the instances of the configuration in the folder or zip *path*, by name.

    Raise `NotAConfiguration` or `NotAnAnchor`.

    With *anchors* given an instance counts only when a key that one of its anchors among them names signed it.
    """
    known: dict[str, list[bytes]] = {}
    for instance, anchor in map(_given, anchors):
        known.setdefault(instance, []).append(anchor)
    files = _zipped(path) if path.is_file() else dict(_in_folder(path))
    places = [PurePosixPath(name) for name in files if PurePosixPath(name).name == SHARED]
    if not places:
        raise NotAConfiguration(path=path, why=SHARED)
    try:
        found = [_instance(files, place, known) for place in places]
    except Exception as broken:  # hostile parameters may break their reader in any way; each way means: none
        raise NotAConfiguration(path=path, why=SHARED) from broken
    if len({one.name for one in found}) != len(found):
        raise NotAConfiguration(path=path, why=SHARED)
    return {one.name: one for one in found}


def _given(path: Path) -> tuple[str, bytes]:
    """Return whose anchor *path* is, and the file; raise `NotAnAnchor`."""
    if path.stat().st_size > _LARGEST:
        raise NotAnAnchor(path=path)
    data = path.read_bytes()
    try:
        return Anchor.read(data).instance, data
    except Exception as broken:  # a hostile anchor may break its reader in any way; each way means: none
        raise NotAnAnchor(path=path) from broken


def _in_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.is_dir():
        raise FileNotFoundError(2, "No such file or folder", str(path))
    found = [one for depth in range(_DEEPEST) for one in path.glob("[!.]*/" * depth + "*") if one.name in _WANTED]
    if len(found) > _MOST_FILES or sum(one.stat().st_size for one in found) > _LARGEST:
        raise NotAConfiguration(path=path, why=found[-1].name)
    for one in found:
        yield one.relative_to(path).as_posix(), one.read_bytes()


def _zipped(path: Path) -> dict[str, bytes]:
    found, left = {}, _LARGEST
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [one for one in archive.infolist() if PurePosixPath(one.filename).name in _WANTED]
            if len(infos) > _MOST_FILES:
                raise NotAConfiguration(path=path, why=infos[-1].filename)
            for info in infos:
                with archive.open(info) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0 or info.filename in found:
                    raise NotAConfiguration(path=path, why=info.filename)
                found[info.filename] = data
    except NotAConfiguration:
        raise
    except Exception as broken:  # a hostile file may break its reader in any way; each way means: no configuration
        raise NotAConfiguration(path=path, why="zip") from broken
    return found


def _instance(files: Mapping[str, bytes], place: PurePosixPath, known: Mapping[str, Sequence[bytes]]) -> Instance:
    data = files[str(place)]
    root = documents.parse_message(data, SHARED)
    name = text(root, "instanceIdentifier")
    freshness = root.findtext("globalSettings/ocspFreshnessSeconds")
    laid = [{**files, str(place.parent / ANCHOR): one} for one in known.get(name, ())] if known else [files]
    signatures = [_signature(one, place.parent, root, data, name) for one in laid]
    signatures = signatures or [Signature("none", faults=(Reason.ANCHOR_MISSING,))]
    return Instance(
        name=name,
        authorities=tuple(_authorities(root)),
        time_stampers=tuple(certificate(text(one, "cert")) for one in root.findall("approvedTSA")),
        freshness=int(freshness) if freshness else FRESHNESS,
        signature=min(signatures, key=lambda one: bool(one.faults)),
    )


def _authorities(root: etree._Element) -> Iterator[Authority]:
    for one in root.findall("approvedCA"):
        if one.findtext("authenticationOnly", "false").strip() in ("true", "1"):
            continue
        levels = [*one.findall("topCA"), *one.findall("intermediateCA")]
        certificates = [certificate(text(level, "cert")) for level in levels]
        responders = {
            one: tuple(certificate(cert.text or "") for cert in level.findall("ocsp/cert"))
            for one, level in zip(certificates, levels, strict=True)
        }
        profile = text(one, "certificateProfileInfo").rpartition(".")[2]
        yield Authority(certificates[0], tuple(certificates[1:]), responders, profile)


def _signature(
    files: Mapping[str, bytes], folder: PurePosixPath, root: etree._Element, data: bytes, name: str
) -> Signature:
    """Return how the shared parameters *data* of the instance *name* are signed."""
    signed = [files[path] for one in directory.NAMES if (path := str(folder / one)) in files]
    anchor = files.get(str(folder / ANCHOR)) or files.get(ANCHOR)
    if not signed:
        # Who lays an anchor there wants it to hold: leaving the signed list out is no way round it.
        return Signature("none", faults=(Reason.CONFIGURATION_ANCHOR,) if anchor else ())
    certificates = _anchored(anchor, name) if anchor else _named(root)
    try:
        lists = [directory.verify(one, certificates) for one in signed]
    except directory.NotAnchored:
        return Signature("none", faults=(Reason.CONFIGURATION_ANCHOR if anchor else Reason.CONFIGURATION_SIGNATURE,))
    except (directory.BadDirectory, Broken):
        return Signature("none", faults=(Reason.CONFIGURATION_SIGNATURE,))
    if not all(one.holds(name, data) for one in lists):
        return Signature("none", faults=(Reason.CONFIGURATION_CHANGED,))
    end = min(one.end for one in lists)
    return Signature("anchored", end, fingerprint(anchor)) if anchor else Signature("own", end)


def _anchored(data: bytes, name: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates that an anchor of the instance *name* lets sign."""
    anchor = Anchor.read(data)
    return anchor.certificates if anchor.instance == name else ()


def _named(root: etree._Element) -> tuple[x509.Certificate, ...]:
    """Return the certificates that a configuration itself lets sign."""
    return tuple(certificate(one.text or "") for kind in _OWN for one in root.iter(kind))
