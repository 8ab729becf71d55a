"""Configuration anchors (PR-GCONF annex E): where an instance's configuration is fetched, and whose keys sign it."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from onedoor.exchange import parameters
from onedoor.exchange.parameters import ANCHOR
from onedoor.signing.asice import documents
from onedoor.signing.schemes import load_certificate, load_pem

_INSTANCE = re.compile(r"[^\s/\\.][^/\\\x00-\x1f]{0,99}")
"""An instance's identifier: the name of a folder too, and of nothing above it."""


@dataclass(frozen=True)
class Source:
    """A place a configuration is fetched from, and the certificates whose keys may sign it."""

    url: str
    certificates: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class Anchor:
    """Whose configuration it is, and where it comes from."""

    instance: str
    sources: tuple[Source, ...]

    @classmethod
    def read(cls, data: bytes) -> "Anchor":
        """Return the anchor in the file *data*; raise `ValueError` or `Broken`."""
        root = documents.parse_message(data, ANCHOR)
        if root.tag != f"{{{parameters.NAMESPACE}}}configurationAnchor":
            raise ValueError(ANCHOR)
        return cls.of(root)

    @classmethod
    def of(cls, element: etree._Element) -> "Anchor":
        """Return the anchor that *element* is; raise `ValueError`."""
        sources = tuple(
            Source(
                (one.findtext("downloadURL") or "").strip(),
                tuple(certificate(cert.text or "") for cert in one.findall("verificationCert")),
            )
            for one in element.findall("source")
        )
        instance = text(element, "instanceIdentifier")
        if not _INSTANCE.fullmatch(instance):
            raise ValueError(ANCHOR)
        return cls(instance, sources)

    def written(self) -> bytes:
        """Return it as a file."""
        return parameters.anchor(self.instance, {one.url: one.certificates for one in self.sources})

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates of all its sources."""
        return tuple(certificate for one in self.sources for certificate in one.certificates)


def fingerprint(anchor: bytes) -> str:
    """Return the SHA-224 of an anchor's file as X-Road's servers show it, for people to compare."""
    return hashlib.sha224(anchor).digest().hex(":").upper()


def text(parent: etree._Element, name: str) -> str:
    """Return the text of the child *name*, which must be there and say something; raise `ValueError`."""
    found = (parent.findtext(name) or "").strip()
    if not found:
        raise ValueError(name)
    return found


def certificate(written: str) -> x509.Certificate:
    """Return the certificate in base64 of DER, or of PEM as X-Road's central server writes it; raise `ValueError`."""
    try:
        octets = base64.b64decode("".join(written.split()), validate=True)
    except binascii.Error:
        raise ValueError(ANCHOR) from None
    if octets.lstrip().startswith(b"-----BEGIN"):
        octets = load_pem(octets)[0].public_bytes(Encoding.DER)
    return load_certificate(octets)
