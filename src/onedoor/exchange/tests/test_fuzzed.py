"""What the fuzzer found in parsers of what others send: each is refused as it is said there, and breaks nothing."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import ocsp as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from onedoor.exchange import configuration, granting, permissions
from onedoor.exchange.configuration import ConfigurationRefused
from onedoor.exchange.directory import registering
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.evidence import anchors, messages, trust
from onedoor.exchange.evidence.configuration import Authority, Instance, Signature
from onedoor.exchange.evidence.reasons import Reason
from onedoor.exchange.gateway.asic import Refused, Wanted
from onedoor.exchange.granting import BadAsk
from onedoor.exchange.joining import REGISTRATION
from onedoor.exchange.tests.fuzzing.asked import provider
from onedoor.exchange.tests.fuzzing.instance import AUTHORITY, CLIENT, NOW, RESPONDER, SIGNER, STAMPER, TLS
from onedoor.exchange.tests.fuzzing.seeds import ASKED, STAMPED, of_asked, of_documents
from onedoor.signing import development, stamps, status
from onedoor.signing.asice.timestamps import TimeStamp
from onedoor.signing.schemes import load_certificate
from onedoor.signing.stamps import NoTimeStamp

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


def twice(request: bytes) -> bytes:
    """Return an OCSP *request* with its question twice."""
    told = asn1.OCSPRequest.load(request)
    told["tbs_request"]["request_list"].append(told["tbs_request"]["request_list"][0])
    return bytes(told.dump(force=True))


SHA256 = bytes.fromhex("608648016503040201")
_ONE = status.request(SIGNER.certificate, AUTHORITY.certificate)
INQUIRIES = {
    "no request": b"",
    "a request that names the authority by a hash nobody knows": _ONE.replace(b"\x0e\x03\x02\x1a", b"\x0e\x03\x0a\x1a"),
    "a request about two certificates": twice(_ONE),
}


@pytest.mark.parametrize("asked", INQUIRIES.values(), ids=INQUIRIES)
def test_a_strange_question_for_a_status_is_answered_as_malformed(asked: bytes, tmp_path: Path) -> None:
    whose = (AUTHORITY.certificate, RESPONDER.key, RESPONDER.certificate)
    told = ocsp.load_der_ocsp_response(development.status(asked, tmp_path, *whose, NOW))
    assert told.response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_a_question_for_the_status_of_a_negative_number_is_not_answered(tmp_path: Path) -> None:
    whose = (AUTHORITY.certificate, RESPONDER.key, RESPONDER.certificate)
    asked = _ONE.replace(bytes.fromhex("020203ea"), bytes.fromhex("0202b1ea"))
    told = ocsp.load_der_ocsp_response(development.status(asked, tmp_path, *whose, NOW))
    assert told.response_status == ocsp.OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.parametrize("asked", [b"", ASKED.replace(SHA256, SHA256[:-1] + b"\x02")], ids=["none", "of another hash"])
def test_a_strange_request_for_a_time_stamp_is_rejected_and_its_asker_reads_that(asked: bytes) -> None:
    answered = development.stamp(asked, STAMPER.key, [STAMPER.certificate], NOW)
    with pytest.raises(NoTimeStamp, match="no time-stamp: rejection"):
        stamps.taken(answered, ASKED, STAMPED)


def test_an_ask_of_so_much_that_it_takes_minutes_to_hold_against_the_rights_is_refused() -> None:
    asked = json.loads(of_asked()["asks"][0])
    asked |= {"endpoints": ["GET /a/x"] * granting.MOST, "purposes": ["birth"]}
    assert len(granting.Ask.read(asked).permission.endpoints) == granting.MOST
    asked["purposes"] *= 2
    with pytest.raises(ValueError, match="too much"):
        granting.Ask.read(asked)
    asked |= {"endpoints": ["GET /a/x"] * 200, "purposes": ["birth"] * 200}
    told = json.dumps(permissions.signed(granting.ASK, asked, SIGNER.key)).encode()
    with pytest.raises(BadAsk, match="not well formed"):
        provider().read(told)
