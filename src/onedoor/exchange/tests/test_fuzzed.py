"""What the fuzzer found in parsers of what others send: each is refused as it is said there, and breaks nothing."""

import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from onedoor.exchange import configuration, permissions
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory import registering
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.evidence import anchors, messages, trust
from onedoor.exchange.evidence.configuration import Authority, Instance, Signature
from onedoor.exchange.evidence.reasons import Reason
from onedoor.exchange.gateway.asic import Refused, Wanted
from onedoor.exchange.joining import REGISTRATION
from onedoor.exchange.tests.fuzzing.instance import AUTHORITY, CLIENT, NOW, SIGNER, STAMPER, TLS
from onedoor.exchange.tests.fuzzing.seeds import of_documents
from onedoor.signing.asice.timestamps import TimeStamp
from onedoor.signing.schemes import load_certificate

DER = SIGNER.certificate.public_bytes(Encoding.DER)
CURVE, SCHEME = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d040302")
STRANGE = {
    "a curve that nobody knows": DER.replace(CURVE, CURVE[:-1] + b"\x17"),
    "a version that is none": DER.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x42", 1),
}
Reads = Callable[[bytes], object]


def pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("der", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("written", [bytes, lambda der: pem(der).encode()], ids=["DER", "PEM"])
def test_an_anchor_with_a_strange_certificate_is_refused(der: bytes, written: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match=r"cannot be read|error parsing"):
        anchors.certificate(base64.b64encode(written(der)).decode())


@pytest.mark.parametrize("der", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("place", ["signing", "authorities"])
def test_a_partner_with_a_strange_certificate_is_refused(der: bytes, place: str) -> None:
    told = json.loads(of_documents()["configurations"][0])
    if place == "signing":
        told["gateways"][0]["signing"] = pem(der)
    else:
        told["authorities"] = [pem(der)]
    with pytest.raises(ConfigurationRefused):
        configuration.partner(told, "VN")


@pytest.mark.parametrize("der", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("place", ["signing", "tls"])
def test_a_registration_with_a_strange_certificate_is_refused(der: bytes, place: str) -> None:
    said = json.loads(of_documents()["registrations"][0])
    said |= {"tls": pem(TLS.der), "signing": pem(SIGNER.der), place: pem(der)}
    told = permissions.signed(REGISTRATION, said, SIGNER.key)
    told["possession"] = permissions.signed(REGISTRATION, said, TLS.key)["signature"]
    with pytest.raises(BadRegistration):
        registering.read(json.dumps(told).encode())


def test_evidence_under_a_certificate_signed_in_a_strange_way_is_not_trusted() -> None:
    signer = load_certificate(DER.replace(SCHEME, SCHEME[:-1] + b"\x7f"))
    authority = Authority(AUTHORITY.certificate, (), {}, "BasicCertificateProfileInfoProvider")
    instance = Instance("VN", (authority,), (STAMPER.certificate,), 3600, Signature("none"))
    message = messages.Message("REST request", "1", CLIENT, "VN/GOV/G01/POPULATION/births")
    found = trust.check(signer, TimeStamp(NOW, STAMPER.certificate), (), message, {"VN": instance})
    assert Reason.UNKNOWN_AUTHORITY in [one.reason for one in found]


@pytest.mark.parametrize("slash", ["/", "%2F"])
def test_evidence_asked_for_by_a_name_with_a_slash_is_refused(slash: str) -> None:
    with pytest.raises(Refused, match="no slash") as refused:
        Wanted.read(f"queryId=1&xRoadInstance=VN&memberClass=GOV{slash}A&memberCode=1&subsystemCode=S")
    assert refused.value.status == 400


@pytest.mark.parametrize("said", ["5-2/10", "0-10/10", "7-9/5"])
def test_a_range_that_is_none_is_no_part_of_a_file(said: str) -> None:
    head = b"206\r\nPartial\r\nX-Road-Client:a/b/c/d\r\nX-Road-Service:a/b/c/d/e\r\nContent-Range:bytes %b\r\n"
    assert messages.read(head % said.encode()).part is None
    assert messages.read(head % b"0-9/10").part
