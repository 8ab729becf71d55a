"""The instance that parsers are tried in: keys that are always the same, so that what they signed stays good."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onedoor.exchange import configuration
from onedoor.signing.certificates import pem
from onedoor.signing.tests.containers import SIGNS, Identity, usage

CLIENT, PROVIDER = "VN/GOV/G22/PORTAL", "VN/GOV/G01/POPULATION"
GATEWAY = "VN/GOV/G22/GATEWAY"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SHOWN = "ab" * 32


def identity(number: int, name: str, issuer: Identity | None, *extensions: x509.ExtensionType) -> Identity:
    """Return who has the key *number*; the same each time, but for the signature below the certificate."""
    key = ec.derive_private_key(number, ec.SECP256R1())
    member = [(NameOID.BUSINESS_CATEGORY, "GOV"), (NameOID.SERIAL_NUMBER, "G22"), (NameOID.COMMON_NAME, name)]
    subject = x509.Name([x509.NameAttribute(*one) for one in member])
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject,
        subject,
        key.public_key(),
        number,
        NOW - timedelta(days=9000),
        NOW + timedelta(days=9000),
        [x509.Extension(one.oid, False, one) for one in (x509.BasicConstraints(not extensions, None), *extensions)],
    )
    return Identity(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


AUTHORITY = identity(1001, "Authority", None)
SIGNER = identity(1002, "Signer", AUTHORITY, SIGNS)
TLS = identity(1003, "TLS", AUTHORITY, usage(digital_signature=True))
RESPONDER = identity(1004, "OCSP", AUTHORITY, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]))
STAMPER = identity(1005, "TSA", AUTHORITY, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]))


def _member(system: str, service: str) -> dict[str, Any]:
    services = [{"code": service, "kind": "REST"}]
    subsystem = {"id": system, "name": system, "systems": [SHOWN], "services": services}
    return {"id": system.rpartition("/")[0], "name": "Member", "subsystems": [subsystem]}


CONTENT: dict[str, Any] = {
    "format": configuration.FORMAT,
    "instance": "VN",
    "serial": 1,
    "generated": NOW.isoformat(),
    "expires": (NOW + timedelta(days=9000)).isoformat(),
    "authorities": [pem([AUTHORITY.certificate]).decode()],
    "members": [_member(CLIENT, "events"), _member(PROVIDER, "births")],
    "gateways": [
        {
            "id": GATEWAY,
            "address": "192.0.2.1:5500",
            "tls": "cd" * 32,
            "signing": pem([SIGNER.certificate]).decode(),
            "clients": [CLIENT, PROVIDER],
        }
    ],
    "rights": [],
}
CONFIGURATION = configuration.of(CONTENT, NOW)
LOCAL = cast("Any", SimpleNamespace(id=GATEWAY, connections={CLIENT: "http"}, services={}))
