"""Whom a message is from: heads, configurations, and what of a container's evidence is trusted under one."""

import contextlib
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from babel.messages.pofile import read_po
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from onedoor.exchange.evidence import configuration, messages, report, trust
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.evidence.reasons import Reason, Remark
from onedoor.signing.asice.findings import Broken
from onedoor.signing.tests.containers import (
    ANSWERS,
    NOW,
    REQUEST,
    SHA512,
    SIGNS,
    STAMPS,
    Identity,
    Lab,
    b64,
    container,
    issue,
    lab,
    usage,
    zipped,
)

XROAD = Path(__file__).parents[4] / "tests" / "vectors" / "xroad"
V5 = XROAD / "globalconf" / "v5"
FI = "FiVRKCertificateProfileInfoProvider"
RESPONSE = b"200\r\nOK\r\nX-Road-Client:DEV/GOV/9/X\r\nX-Road-Service:DEV/GOV/1/DESK/echo\r\nX-Road-Id:43\r\n"


def parameters(
    there: Lab | None = None, *, profile: str = FI, instance: str = "DEV", only: str = "false", **more
) -> str:
    """Return shared parameters that approve the authorities of *there*."""
    there = there or lab()
    between = "".join(
        f"<intermediateCA><cert>{b64(one.der)}</cert></intermediateCA>" for one in more.get("between", ())
    )
    return (
        '<c:conf xmlns:c="http://x-road.eu/xsd/xroad.xsd">'
        f"<instanceIdentifier>{instance}</instanceIdentifier><source><address>cs</address>"
        f"<internalVerificationCert>{b64(keeper().der)}</internalVerificationCert></source>"
        f"<approvedCA><name>CA</name><authenticationOnly>{only}</authenticationOnly><topCA><cert>{b64(there.ca.der)}</cert>"
        f"<ocsp><url>http://x</url><cert>{b64(there.responder.der)}</cert></ocsp></topCA>{between}"
        f"<certificateProfileInfo>ee.ria.xroad.common.certificateprofile.impl.{profile}</certificateProfileInfo>"
        f"</approvedCA><approvedTSA><name>TSA</name><url>http://x</url><cert>{b64(there.stamper.der)}</cert></approvedTSA>"
        "<globalSettings><ocspFreshnessSeconds>3600</ocspFreshnessSeconds></globalSettings></c:conf>"
    )


def keeper(kept: list[Identity] = []) -> Identity:  # noqa: B006
    if not kept:
        kept.append(issue({NameOID.COMMON_NAME: "internalSigningKey"}))
    return kept[0]


def signed(shared: str, key: Identity | None = None, end: str = "2035-01-01T00:00:00Z", of: str = "DEV") -> bytes:
    """Return the list that a central server signs, over *shared*."""
    key = key or keeper()
    digest = b64(hashlib.sha512(shared.encode()).digest())
    inner = (
        f"--in\r\nExpire-date: {end}\r\nVersion: 5\r\n\r\n--in\r\nContent-type: application/octet-stream\r\n"
        f"Content-identifier: SHARED-PARAMETERS; instance='{of}'\r\nContent-location: /V5/1/shared-params.xml\r\n"
        f"Hash-algorithm-id: {SHA512}\r\n\r\n{digest}\r\n--in--\r\n"
    )
    signature = b64(key.key.sign(inner.encode(), ec.ECDSA(hashes.SHA512())))
    named = b64(hashlib.sha512(key.der).digest())
    return (
        "Content-Type: multipart/related; boundary=out\r\n\r\n--out\r\n"
        "Content-Type: multipart/mixed; boundary=in\r\n\r\n"
        f"{inner}\r\n--out\r\nSignature-Algorithm-Id: http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512\r\n"
        f'Verification-certificate-hash: {named}; hash-algorithm-id="{SHA512}"\r\n\r\n{signature}\r\n--out--\r\n'
    ).encode()


def anchor(key: Identity) -> bytes:
    return (
        '<c:configurationAnchor xmlns:c="http://x-road.eu/xsd/xroad.xsd"><instanceIdentifier>DEV</instanceIdentifier>'
        f"<source><verificationCert>{b64(key.der)}</verificationCert></source></c:configurationAnchor>"
    ).encode()


def verified(folder: Path, shared: str | None = None, others: dict[str, bytes] | None = None, **plan) -> report.Report:
    """Return the report on a container made as *plan* says, under a configuration with *shared* and *others*."""
    conf = folder / "conf"
    (conf / "DEV").mkdir(parents=True, exist_ok=True)
    (conf / "DEV" / "shared-params.xml").write_text(shared or parameters())
    for name, data in (others or {}).items():
        (conf / name).write_bytes(data)
    file = folder / "one.asice"
    file.write_bytes(zipped(container(**plan)))
    return report.verify(file, configuration.load(conf))


def reasons(found: report.Report) -> list[Reason]:
    assert found.trust is not None
    return [one.reason for one in found.trust]


def with_lab(**changes) -> Lab:
    return replace(lab(), **changes)


def signer(ca: Identity | None = None, **changes) -> Identity:
    subject = {NameOID.SERIAL_NUMBER: "DEV/ss1/GOV", NameOID.COMMON_NAME: changes.pop("code", "1")}
    return issue(subject, ca or lab().ca, **({"extensions": [SIGNS]} | changes))


# Heads


@pytest.mark.parametrize(
    ("head", "kind", "sender", "service"),
    [
        (REQUEST, "REST request", "DEV/GOV/1", "DEV/GOV/2/PEOPLE/persons"),
        (RESPONSE, "REST response", "DEV/GOV/1", "DEV/GOV/1/DESK/echo"),
        (
            b"PUT\r\n/r1/D/G/1/S/s\r\nX-Road-Client:D/G/2\r\nx-road-client:D/G/%C3%A9/S\r\n",
            "REST request",
            "D/G/é",
            "D/G/1/S/s",
        ),
    ],
)
def test_the_head_of_a_rest_message_names_its_sender(head, kind, sender, service):
    read = messages.read(head)
    assert (read.kind, read.sender, read.service) == (kind, sender, service)


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("bytes 2-9/10", (2, 10, 10)),
        ("bytes 9-9/10", (9, 10, 10)),
        *((said, None) for said in ("bytes 5-4/10", "bytes 2-10/10", "bytes 2-9/*", "bytes=2-9/10", "items 2-9/10")),
    ],
)
def test_a_response_is_of_a_part_where_it_says_so_of_one_that_there_can_be(said, part):
    for status in (b"206", b"200"):
        found = messages.read(RESPONSE.replace(b"200", status, 1) + f"Content-Range:{said}\r\n".encode()).part
        assert (found and (found.start, found.end, found.total)) == (part if status == b"206" else None)


def test_the_head_of_a_soap_message_names_its_sender():
    with zipfile.ZipFile(XROAD / "asice" / "asic-verifier-cli_valid-batch-ts.asice") as archive:
        soap = archive.read("message.xml")
    assert messages.read(soap).sender == "DEV/COM/4321"
    answer = soap.replace(b"prod:getRandom", b"prod:getRandomResponse")
    assert (messages.read(answer).kind, messages.read(answer).sender) == ("SOAP response", "DEV/COM/1234")


def test_a_soap_message_of_many_megabytes_is_read_and_one_of_too_many_tags_is_not():
    head = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="http://x-road.eu/xsd/xroad.xsd" '
        b'xmlns:i="http://x-road.eu/xsd/identifiers"><s:Header>'
        b"<x:service><i:xRoadInstance>D</i:xRoadInstance><i:memberClass>G</i:memberClass><i:memberCode>1</i:memberCode>"
        b"<i:serviceCode>service</i:serviceCode></x:service>"
        b"<x:client><i:xRoadInstance>D</i:xRoadInstance><i:memberClass>G</i:memberClass><i:memberCode>1</i:memberCode>"
        b"</x:client><x:id>1</x:id></s:Header><s:Body><a>"
    )
    tail = b"</a></s:Body></s:Envelope>"
    assert messages.read(head + b"x" * (15 << 20) + tail).service == "D/G/1/service"
    with pytest.raises(Broken):
        messages.read(head + b"<b/>" * 1_000_000 + tail)
    with pytest.raises(Broken):
        messages.read((head + tail).replace(b"Envelope", b"Other"))


@pytest.mark.parametrize(
    "head",
    [
        *(
            b"",
            b"GET",
            b"GET\r\n/\r\n",
            b"GET\r\n/r2/a/b/c/d/e\r\nX-Road-Client:a/b/c",
            b"HELLO\r\n/r1/a/b/c/d/e\r\nX-Road-Client:a/b/c",
            b"\xff\r\n\r\n\r\n",
            b"<a/>",
        ),
        *(b"GET\r\n/r1/a/b/c/d/e\r\nX-Road-Client:a/b\r\n", b"GET\r\n/r1/a/b/c/d/e\r\nX-Road-Client:a/b/%2F\r\n"),
        *(b"GET\r\n/r1/a/b/c/d/e\r\nX-Road-Client:a/b/%1b[2J\r\n", b"200\r\nOK\r\nX-Road-Client:a/b/c\r\n"),
    ],
)
def test_a_message_without_two_sides_is_refused(head):
    with pytest.raises(Broken):
        messages.read(head)


@pytest.mark.parametrize("line", [b"X: " + bytes(1 << 20), b"X: 1\r\n" * 2_000], ids=["long", "many"])
def test_a_head_of_so_many_bytes_and_lines_is_read_and_no_more(line):
    assert messages.read(REQUEST + line[: len(line) // 2] + b"\r\n").kind == "REST request"
    with pytest.raises(Broken):
        messages.read(REQUEST + line)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_head_is_read_or_refused(head):
    with contextlib.suppress(Broken):
        assert messages.read(head).sender


# Trust


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"classic": True, "chain": True, "stamp_chain": False},
        {"message": RESPONSE},
        {"answered": NOW + timedelta(minutes=4)},
        {"until": NOW},
    ],
    ids=str,
)
def test_good_evidence_is_trusted(tmp_path, plan):
    found = verified(tmp_path, **plan)
    assert (found.integrity.verdict, found.trust_verdict, found.good) == ("valid", "valid", True)
    assert [one.reason for one in found.remarks] == [Remark.UNSIGNED]


def test_the_configuration_may_be_signed_with_a_key_that_its_anchor_names(tmp_path):
    shared = parameters()
    others = {"DEV/internalconf": signed(shared)}
    assert [one.reason for one in verified(tmp_path, shared, others).remarks] == [Remark.NO_ANCHOR]
    found = verified(tmp_path, shared, others | {"configuration-anchor.xml": anchor(keeper())})
    assert (found.trust_verdict, [one.reason for one in found.remarks]) == ("valid", [Remark.ANCHOR])
    fingerprint = hashlib.sha224(anchor(keeper())).digest().hex(":").upper()
    assert found.as_json(tmp_path)["trust"]["configuration"]["anchor_sha224"] == fingerprint
    (tmp_path / "conf" / "configuration-anchor.xml").unlink()
    late = others | {"DEV/internalconf": signed(shared, end="2026-01-01T00:00:00Z")}
    assert [one.reason for one in verified(tmp_path, shared, late).remarks] == [Remark.NO_ANCHOR, Remark.EXPIRED]


def test_a_configuration_of_another_hand_is_not_trusted(tmp_path):
    shared, stranger = parameters(), issue({NameOID.COMMON_NAME: "stranger"})
    (one, two, three) = (
        verified(tmp_path / "1", shared, {"DEV/externalconf": signed(shared, stranger)}),
        verified(
            tmp_path / "2", shared, {"DEV/externalconf": signed(shared), "configuration-anchor.xml": anchor(stranger)}
        ),
        verified(tmp_path / "3", shared.replace("<address>cs<", "<address>cs2<"), {"DEV/externalconf": signed(shared)}),
    )
    assert Reason.CONFIGURATION_SIGNATURE in reasons(one)
    assert Reason.CONFIGURATION_ANCHOR in reasons(two)
    assert Reason.CONFIGURATION_CHANGED in reasons(three)
    assert not {one.reason for found in (one, two, three) for one in found.remarks}, "nobody is said to have signed it"


def test_an_anchor_is_not_got_round_by_leaving_the_signed_list_out(tmp_path):
    found = verified(tmp_path, others={"configuration-anchor.xml": anchor(keeper())})
    assert reasons(found) == [Reason.CONFIGURATION_ANCHOR, Reason.UNKNOWN_TIME_STAMPER]


def under(**how):
    """Return an intermediate authority, and those of it who sign and answer."""
    between = issue({NameOID.COMMON_NAME: "between"}, lab().ca, **how)
    responder = issue({NameOID.COMMON_NAME: "o"}, between, extensions=[ANSWERS])
    return between, with_lab(ca=between, signer=signer(between), responder=responder)


def test_an_intermediate_authority_counts_when_the_configuration_names_it(tmp_path):
    between, its = under()
    found = verified(tmp_path, parameters(between=[between]), lab=its)
    assert reasons(found) == [Reason.NO_OCSP]  # the intermediate's own certificate needs a statement as well
    assert reasons(verified(tmp_path, parameters(), lab=its)) == [Reason.UNKNOWN_AUTHORITY]


def test_an_intermediate_authority_is_in_force_when_a_time_stamp_proves_it(tmp_path):
    between, its = under(end=NOW - timedelta(seconds=1))
    found = verified(tmp_path, parameters(between=[between]), lab=its)
    assert reasons(found) == [Reason.NOT_IN_FORCE, Reason.NO_OCSP]


@pytest.mark.parametrize(
    ("plan", "shared", "expected"),
    [
        (dict, lambda: parameters(instance="OTHER"), [Reason.NO_INSTANCE]),
        (dict, lambda: parameters(only="true"), [Reason.UNKNOWN_AUTHORITY]),
        (dict, lambda: parameters(profile="Strange"), [Reason.UNKNOWN_PROFILE]),
        (lambda: {"lab": with_lab(signer=signer(code="2"))}, parameters, [Reason.OTHER_MEMBER]),
        (lambda: {"message": REQUEST.replace(b"DEV/GOV/1", b"DEV/GOV/7")}, parameters, [Reason.OTHER_MEMBER]),
        (lambda: {"lab": with_lab(signer=signer(extensions=[ANSWERS]))}, parameters, [Reason.NOT_FOR_SIGNING]),
        (
            lambda: {"lab": with_lab(signer=signer(extensions=[usage(digital_signature=True)]))},
            parameters,
            [Reason.NOT_FOR_SIGNING],
        ),
        (lambda: {"lab": with_lab(signer=signer(end=NOW - timedelta(days=1)))}, parameters, [Reason.NOT_IN_FORCE]),
        (lambda: {"lab": with_lab(signer=signer(start=NOW + timedelta(days=1)))}, parameters, [Reason.NOT_IN_FORCE]),
        (lambda: {"status": "revoked"}, parameters, [Reason.OCSP_NOT_GOOD]),
        (lambda: {"status": "unknown"}, parameters, [Reason.OCSP_NOT_GOOD]),
        (lambda: {"answered": NOW - timedelta(hours=1, seconds=1)}, parameters, [Reason.OCSP_OLD]),
        (lambda: {"stamped": NOW + timedelta(hours=2)}, parameters, [Reason.OCSP_OLD]),
        (lambda: {"until": NOW - timedelta(seconds=1)}, parameters, [Reason.OCSP_OLD]),
        (lambda: {"answered": NOW + timedelta(minutes=6)}, parameters, [Reason.OCSP_LATE]),
        (
            lambda: {"lab": with_lab(responder=issue({NameOID.COMMON_NAME: "x"}, lab().ca))},
            parameters,
            [Reason.OCSP_SIGNER],
        ),
        (
            lambda: {"lab": with_lab(responder=issue({NameOID.COMMON_NAME: "x"}, extensions=[ANSWERS]))},
            parameters,
            [Reason.OCSP_SIGNER],
        ),
        (
            lambda: {"lab": with_lab(stamper=issue({NameOID.COMMON_NAME: "Test TSA"}, lab().ca))},
            parameters,
            [Reason.UNKNOWN_TIME_STAMPER],
        ),
    ],
    ids=[
        *(
            "instance",
            "authentication only",
            "profile",
            "certificate of another",
            "message of another",
            "no usage",
            "usage",
        ),
        *("ended", "not begun", "revoked", "unknown", "old answer", "late stamp", "ended answer", "late answer"),
        *("no delegate", "stranger's answer", "stamper"),
    ],
)
def test_evidence_is_not_trusted_when_one_part_does_not_hold(tmp_path, plan, shared, expected):
    found = verified(tmp_path, shared(), **plan())
    assert found.integrity.verdict == "valid"
    assert reasons(found) == expected
    assert not found.good


def test_a_statement_may_be_as_old_as_a_configuration_says(tmp_path):
    shared = parameters().replace(">3600<", f">{10**30}<")
    assert reasons(verified(tmp_path, shared, answered=datetime(1990, 1, 1, tzinfo=UTC))) == []


def test_a_signer_of_an_authority_of_the_same_name_is_a_stranger(tmp_path):
    ca = issue({NameOID.COMMON_NAME: "Test CA"})
    found = verified(tmp_path, lab=with_lab(signer=signer(ca)))
    assert reasons(found) == [Reason.UNKNOWN_AUTHORITY]


def test_evidence_without_a_statement_on_the_certificate_is_not_trusted(tmp_path):
    found = verified(tmp_path, answers=False)
    assert (found.integrity.verdict, reasons(found)) == ("valid", [Reason.NO_OCSP])


def test_a_time_stamp_is_of_its_authoritys_time(tmp_path):
    ended = issue({NameOID.COMMON_NAME: "TSA"}, lab().ca, extensions=[STAMPS], end=NOW - timedelta(days=1))
    its = with_lab(stamper=ended)
    assert reasons(verified(tmp_path, parameters(its), lab=its)) == [Reason.NOT_IN_FORCE]


def test_a_configuration_that_is_not_believed_approves_no_time_stamper(tmp_path):
    other = with_lab(stamper=issue({NameOID.COMMON_NAME: "TSA"}, lab().ca, extensions=[STAMPS]))
    (tmp_path / "conf" / "FED").mkdir(parents=True)
    (tmp_path / "conf" / "FED" / "shared-params.xml").write_text(parameters(instance="FED"))
    found = verified(tmp_path, parameters(other))
    assert reasons(found) == []
    told = [(one.reason, one.facts["instance"]) for one in found.remarks]
    assert told == [(Remark.UNSIGNED, "DEV"), (Remark.UNSIGNED, "FED")], "whoever counts is named"
    (tmp_path / "conf" / "FED" / "internalconf").write_bytes(signed("another"))
    both = [Reason.CONFIGURATION_CHANGED, Reason.UNKNOWN_TIME_STAMPER]
    assert reasons(verified(tmp_path, parameters(other))) == both


def test_a_responder_that_did_not_send_its_certificate_is_known_from_the_configuration(tmp_path):
    assert reasons(verified(tmp_path, carry_responder=False)) == []
    assert reasons(verified(tmp_path, lab=with_lab(responder=lab().ca))) == [], "the authority itself"
    imposter = issue({NameOID.COMMON_NAME: "Test OCSP"}, extensions=[ANSWERS])
    assert reasons(verified(tmp_path, carry_responder=False, lab=with_lab(responder=imposter))) == [Reason.OCSP_SIGNER]


def test_a_responder_signs_by_the_name_that_it_gives(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    one, other = (issue({NameOID.COMMON_NAME: name}, lab().ca, extensions=[ANSWERS], key=key) for name in "ab")
    for named, expected in ((one, []), (other, [Reason.OCSP_SIGNER])):
        shared = parameters(with_lab(responder=named))
        assert reasons(verified(tmp_path, shared, carry_responder=False, lab=with_lab(responder=one))) == expected


def test_a_responder_whose_certificate_had_ended_is_not_believed(tmp_path):
    ended = issue({NameOID.COMMON_NAME: "o"}, lab().ca, extensions=[ANSWERS], end=datetime(2001, 1, 1, tzinfo=UTC))
    assert reasons(verified(tmp_path, lab=with_lab(responder=ended))) == [Reason.OCSP_SIGNER]


def test_each_certificate_of_an_authority_is_tried_once_on_the_way_to_its_top(monkeypatch):
    tried, authority = [], SimpleNamespace(top="top", intermediates=tuple(map(str, range(30))))
    monkeypatch.setattr(trust, "issued", lambda above, _: tried.append(above) or above != "top")
    assert list(trust._paths("signer", authority)) == []
    assert len(tried) < 100


def test_what_does_not_hold_by_itself_is_never_trusted(tmp_path):
    found = verified(tmp_path, signs_message=False)
    assert (found.integrity.verdict, reasons(found)) == ("invalid", [Reason.NO_INTEGRITY])


def test_x_roads_containers_are_of_strangers_to_the_configuration():
    found = report.verify(XROAD / "asice" / "asic-verifier-cli_valid-batch-ts.asice", configuration.load(V5))
    assert reasons(found) == [Reason.UNKNOWN_TIME_STAMPER, Reason.UNKNOWN_AUTHORITY]


@pytest.mark.parametrize("name", ["valid-batch-ts", "valid-non-batch-rest"])
def test_x_roads_containers_are_trusted_under_the_authorities_of_their_own(tmp_path, name):
    file = XROAD / "asice" / f"asic-verifier-cli_{name}.asice"
    stamper = report.verify(file).integrity.time_stamp.certificate
    ca = x509.load_pem_x509_certificate((XROAD / "test-ca.pem").read_bytes())
    there = SimpleNamespace(
        ca=SimpleNamespace(der=ca.public_bytes(Encoding.DER)),
        stamper=SimpleNamespace(der=stamper.public_bytes(Encoding.DER)),
        responder=lab().responder,
    )
    (tmp_path / "shared-params.xml").write_text(parameters(there))
    assert report.verify(file, configuration.load(tmp_path)).trust_verdict == "valid"
    (tmp_path / "shared-params.xml").write_text(parameters(there, profile="EjbcaCertificateProfileInfoProvider"))
    assert reasons(report.verify(file, configuration.load(tmp_path))) == [Reason.OTHER_MEMBER]


def test_each_profile_names_the_member_where_x_road_writes_it():
    subjects = {
        "EjbcaCertificateProfileInfoProvider": {
            NameOID.COUNTRY_NAME: "DE",
            NameOID.ORGANIZATION_NAME: "GOV",
            NameOID.COMMON_NAME: "1",
        },
        "BasicCertificateProfileInfoProvider": {NameOID.BUSINESS_CATEGORY: "GOV", NameOID.SERIAL_NUMBER: "1"},
        FI: {NameOID.SERIAL_NUMBER: "DE/ss/GOV", NameOID.COMMON_NAME: "1"},
        "IsCertificateProfileInfoProvider": {
            NameOID.ORGANIZATION_NAME: "DE",
            NameOID.ORGANIZATIONAL_UNIT_NAME: "GOV",
            NameOID.COMMON_NAME: "1",
        },
    }
    assert set(subjects) == set(PROFILES)
    for name, subject in subjects.items():
        assert PROFILES[name](issue(subject).certificate.subject, "DE") == "DE/GOV/1"
        assert PROFILES[name](issue({NameOID.LOCALITY_NAME: "x"}).certificate.subject, "DE") == ""


def test_what_is_told_holds_no_query_and_no_path_of_the_request(tmp_path):
    told = json.dumps(verified(tmp_path).as_json(Path("one.asice")))
    assert "secret" not in told
    assert "/7" not in told
    assert json.loads(told)["message"] == {
        "kind": "REST request",
        "id": "42",
        "sender": "DEV/GOV/1",
        "client": "DEV/GOV/1/DESK",
        "service": "DEV/GOV/2/PEOPLE/persons",
        "purpose": "birth",
        "signed_at": "2026-03-02T07:59:58Z",
        "time_stamped_at": "2026-03-02T08:00:00Z",
    }


def test_every_sentence_is_said_in_vietnamese_and_french():
    for language in ("vi", "fr"):
        path = Path(report.__file__).parents[1] / "locale" / language / "LC_MESSAGES" / "django.po"
        catalogue = read_po(io.BytesIO(path.read_bytes()))
        missing = [
            one for kind in (Reason, Remark) for one in kind if not (m := catalogue.get(one.value)) or not m.string
        ]
        assert not missing
