"""The nation's configuration as X-Road's clients download it (PR-GCONF): signed lists of files, and their keys.

The internal source is for members, the external one for partners of a federation. Each has keys of its own (RSA, which
X-Road's clients know). A key's certificate tells its life: a new key is listed for a month before it signs, the old
one for a month after, so that whoever looks once a month learns the new one from what the old one signed.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from cryptography.x509.oid import NameOID

from onedoor.exchange import parameters
from onedoor.exchange.parameters import ANCHOR, EXTERNAL, INTERNAL, OWN, PRIVATE, SHARED, VERSIONS
from onedoor.kernel.durable import write_durably
from onedoor.signing.certificates import load_certificates, pem, save_certificates
from onedoor.signing.keys import load_rsa_key, new_rsa_key, save_key

FOLDER = "sources"
LIFE, OVERLAP = timedelta(days=730), timedelta(days=30)
KEPT = 4
"""Publications whose files are still served: who has read a list fetches its files a little later."""
_CONTENT = {INTERNAL: (PRIVATE, SHARED), EXTERNAL: (SHARED, OWN)}
_IDENTIFIERS = {PRIVATE: "PRIVATE-PARAMETERS", SHARED: "SHARED-PARAMETERS", OWN: "ONEDOOR-PARAMETERS"}
_SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
_RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
_BOUNDARY_BYTES, _NAME_BYTES = 15, 8


class Sources:
    """Both sources, whose keys lie in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lists: dict[tuple[str, str], bytes] = {}
        self._files: tuple[dict[str, bytes], ...] = ()

    def renew(self, now: datetime) -> None:
        """Make keys that are missing, and the next ones two months before they are; destroy those that ended.

        A clock that is years ahead for a while destroys none: another one signs by then, and has been listed for long.
        """
        for kind in _CONTENT:
            known = self._certificates(kind, now)
            if not known or known[-1].not_valid_after_utc - now < 2 * OVERLAP:
                self._make(kind, now)
            if not any(_ripe(one, now) for one in known):
                continue
            for path in (self._folder / kind).glob("*.pem"):
                if load_certificates(path)[0].not_valid_after_utc <= now:
                    path.with_suffix(".key").unlink(missing_ok=True)
                    path.unlink()

    def listed(self, now: datetime) -> dict[str, list[str]]:
        """Return by source the certificates (PEM) whose keys may sign it, the oldest first."""
        return {kind: [pem([one]).decode() for one in self._certificates(kind, now)] for kind in _CONTENT}

    def vouch(self, data: Mapping[str, Any], now: datetime, end: datetime) -> str:
        """Return a list of the shared parameters of *data* alone, signed as the external source; nothing without a key.

        Whoever hands these parameters out hands it out beside them, so that nobody has to trust the one who does.
        """
        if not (known := self._certificates(EXTERNAL, now)):
            return ""
        listed = _directory(data["instance"], VERSIONS[-1], {f"/{SHARED}": parameters.shared(data)}, end)
        return _signed(*listed, *self._signing(EXTERNAL, known, now)).decode()

    def publish(self, data: Mapping[str, Any], now: datetime, end: datetime) -> None:
        """Serve *data*, which the directory signed for its own gateways, from now on; in force until *end*."""
        contents = {PRIVATE: parameters.private(data), SHARED: parameters.shared(data), OWN: parameters.own(data)}
        files: dict[str, bytes] = {}
        lists, stamp = {}, f"{now:%Y%m%d%H%M%S%f}000"
        for kind, names in _CONTENT.items():
            known = self._certificates(kind, now)
            key, certificate = self._signing(kind, known, now)
            for version in VERSIONS:
                places = {f"/V{version}/{stamp}/{name}": contents[name] for name in names}
                listed = _directory(data["instance"], version, places, end)
                lists[f"/{kind}conf", str(version)] = _signed(*listed, key, certificate)
                files |= places
            url = f"http://{data['address']}/{kind}conf"
            anchor = parameters.anchor(data["instance"], {url: known}, known[-1].not_valid_before_utc)
            write_durably(self._folder / kind / ANCHOR, anchor, mode=0o644)
        self._files = (*self._files, files)[-KEPT:]
        self._lists = lists

    def answer(self, target: str) -> tuple[bytes, bytes] | None:
        """Return media type and content of what is at *target*, or nothing. Who names no version gets the oldest."""
        path, _, query = target.partition("?")
        version = parse_qs(query).get("version", [str(VERSIONS[0])])[0]
        if found := self._lists.get((path, version)):
            return found.partition(b"\r\n")[0].partition(b": ")[2], found
        files = (one[path] for one in self._files if path in one)
        content = next(files, None)
        kind = b"application/json" if path.endswith(OWN) else b"application/xml"
        return (kind, content) if content else None

    def _certificates(self, kind: str, now: datetime) -> list[Certificate]:
        found = [load_certificates(one)[0] for one in (self._folder / kind).glob("*.pem")]
        in_force = [one for one in found if one.not_valid_before_utc <= now < one.not_valid_after_utc]
        return sorted(in_force, key=lambda one: one.not_valid_before_utc)

    def _signing(self, kind: str, known: list[Certificate], now: datetime) -> tuple[rsa.RSAPrivateKey, Certificate]:
        """Return the newest key that has been listed for long enough, or the only one there is."""
        ripe = [one for one in known if _ripe(one, now)] or known[:1]
        return load_rsa_key(self._folder / kind / f"{_name(ripe[-1])}.key"), ripe[-1]

    def _make(self, kind: str, now: datetime) -> None:
        key = new_rsa_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{kind}SigningKey")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + LIFE)
        certificate = builder.sign(key, hashes.SHA512())
        save_key(self._folder / kind / f"{_name(certificate)}.key", key)
        save_certificates(self._folder / kind / f"{_name(certificate)}.pem", [certificate])


def _ripe(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc + OVERLAP <= now


def _name(certificate: Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()[: 2 * _NAME_BYTES]


def _directory(instance: str, version: int, places: Mapping[str, bytes], end: datetime) -> tuple[str, bytes]:
    """Return boundary and body of the list of *places* (path → content) that is signed."""
    boundary = secrets.token_hex(_BOUNDARY_BYTES)
    parts = [f"Expire-date: {end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\r\nVersion: {version}\r\n"]
    parts += [_entry(instance, path, content) for path, content in places.items()]
    return boundary, "".join([*(f"--{boundary}\r\n{part}\r\n" for part in parts), f"--{boundary}--\r\n"]).encode()


def _entry(instance: str, path: str, content: bytes) -> str:
    return (
        "Content-type: application/octet-stream\r\nContent-transfer-encoding: base64\r\n"
        f"Content-identifier: {_IDENTIFIERS[path.rpartition('/')[2]]}; instance='{instance}'\r\n"
        f"Content-location: {path}\r\nHash-algorithm-id: {_SHA512}\r\n\r\n{_text(hashlib.sha512(content).digest())}"
    )


def _signed(inner: str, body: bytes, key: rsa.RSAPrivateKey, certificate: Certificate) -> bytes:
    """Return the whole answer: *body*, whose boundary is *inner*, signed without the line break that follows it."""
    outer = secrets.token_hex(_BOUNDARY_BYTES)
    mark = _text(hashlib.sha512(certificate.public_bytes(Encoding.DER)).digest())
    signature = _text(key.sign(body, padding.PKCS1v15(), hashes.SHA512()))
    head = (
        f"Content-Type: multipart/related; charset=UTF-8; boundary={outer}\r\n\r\n--{outer}\r\n"
        f"Content-Type: multipart/mixed; charset=UTF-8; boundary={inner}\r\n\r\n"
    )
    tail = (
        f"\r\n--{outer}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f"Signature-Algorithm-Id: {_RSA_SHA512}\r\n"
        f'Verification-certificate-hash: {mark}; hash-algorithm-id="{_SHA512}"\r\n\r\n{signature}\r\n--{outer}--\r\n'
    )
    return head.encode() + body + tail.encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
