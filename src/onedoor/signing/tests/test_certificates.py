import os
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import pem
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from onedoor.signing import certificates, keys, trust
from onedoor.signing.certificates import Authority, Subject

P256 = bytes.fromhex("06082a8648ce3d030107")
ELLIPTIC, UNKNOWN = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209")
"""Object identifiers (DER): a curve, keys on curves, and keys of a kind that there is not."""
AGENCY = Subject("Con dấu số", "Ủy ban nhân dân phường Láng", "commune-00199", "VN")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority.create(tmp_path_factory.mktemp("ca"))


def identity(authority, folder, name, profile="tls", names=("localhost", "127.0.0.1")):
    key = keys.new_key()
    keys.save_key(folder / f"{name}.key", key)
    certificate = authority.issue(Subject(name), key.public_key(), profile, names=names)
    certificates.save_certificates(folder / f"{name}.pem", [certificate])
    return certificate


def test_every_certificate_says_that_it_is_not_for_production(authority, tmp_path):
    for profile in ("tls", "sign", "message", "seal"):
        issued = authority.issue(AGENCY, keys.new_key().public_key(), profile)
        assert "not for production" in issued.issuer.rfc4514_string()


def test_the_authority_is_made_once_and_found_again(tmp_path):
    first = Authority.open(tmp_path)
    assert Authority.open(tmp_path).certificate == first.certificate
    with pytest.raises(keys.KeyExists):
        Authority.create(tmp_path)


def test_a_seal_names_its_agency_in_its_own_language_and_by_id(authority):
    seal = authority.issue(AGENCY, keys.new_key().public_key(), "seal")
    assert certificates.common_name(seal) == "Ủy ban nhân dân phường Láng"
    assert certificates.identifier(seal) == "commune-00199"
    organisation = seal.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    assert organisation[0].value == "commune-00199"


def test_a_long_name_is_cut_only_where_the_standard_cuts_it(authority):
    name = "Phòng Cảnh sát quản lý hành chính về trật tự xã hội " * 2
    issued = authority.issue(Subject(name, name), keys.new_key().public_key(), "seal")
    assert certificates.common_name(issued) == name
    short = issued.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert name.startswith(short)
    assert 60 < len(short.encode()) <= 64


def test_a_certificate_never_outlives_its_authority(authority):
    issued = authority.issue(AGENCY, keys.new_key().public_key(), "seal", days=100_000)
    assert issued.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_openssl_accepts_each_profile_under_its_strict_rules(authority, tmp_path):
    certificates.save_certificates(tmp_path / "root.pem", [authority.certificate])
    for profile in ("tls", "sign", "message", "seal"):
        identity(authority, tmp_path, profile, profile)
        command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", f"{profile}.pem"]
        done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_two_sides_meet_over_mutual_tls_with_strict_checks(authority, tmp_path):
    certificates.save_certificates(tmp_path / "root.pem", [authority.certificate])
    for name in ("server", "client"):
        identity(authority, tmp_path, name)
    near, far = socket.socketpair()
    server = context(ssl.PROTOCOL_TLS_SERVER, tmp_path, "server")
    server.verify_mode = ssl.CERT_REQUIRED
    seen = []

    def serve():
        with server.wrap_socket(far, server_side=True) as connection:
            seen.append(dict(entry[0] for entry in connection.getpeercert()["subject"])["commonName"])
            connection.send(b"ok")

    thread = threading.Thread(target=serve)
    thread.start()
    client = context(ssl.PROTOCOL_TLS_CLIENT, tmp_path, "client")
    with client.wrap_socket(near, server_hostname="127.0.0.1") as connection:
        assert connection.recv(2) == b"ok"
        assert connection.version() == "TLSv1.3"
    thread.join(5)
    assert seen == ["client"]


def context(side, folder, name):
    made = ssl.SSLContext(side)
    made.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of Python 3.13
    made.load_verify_locations(folder / "root.pem")
    made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return made


def test_a_certificate_of_a_trusted_authority_in_force_is_trusted(authority):
    certificates.trusted(authority.issue(AGENCY, keys.new_key().public_key(), "sign"), [authority.certificate])


def test_another_authority_of_the_same_name_is_not_trusted(authority, tmp_path):
    forged = Authority.create(tmp_path).issue(AGENCY, keys.new_key().public_key(), "sign")
    with pytest.raises(certificates.CertificateNotTrusted, match="No authority trusted"):
        certificates.trusted(forged, [authority.certificate])


def test_a_certificate_cannot_issue_another(authority):
    key = keys.new_key()
    between = authority.issue(AGENCY, key.public_key(), "sign")
    forged = Authority(key, between).issue(AGENCY, keys.new_key().public_key(), "sign")
    with pytest.raises(certificates.CertificateNotTrusted):
        certificates.trusted(forged, [between])


def test_an_expired_certificate_is_not_trusted(authority):
    issued = authority.issue(AGENCY, keys.new_key().public_key(), "sign", days=1)
    with pytest.raises(certificates.CertificateNotInForce):
        certificates.trusted(issued, [authority.certificate], moment=datetime.now(UTC) + timedelta(days=2))


def test_a_fingerprint_is_what_openssl_prints(authority, tmp_path):
    certificates.save_certificates(tmp_path / "root.pem", [authority.certificate])
    command = ["openssl", "x509", "-in", "root.pem", "-noout", "-fingerprint", "-sha256"]
    printed = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True).stdout
    assert printed.strip().split("=")[1].replace(":", "").lower() == certificates.fingerprint(authority.certificate)
    assert x509.load_pem_x509_certificates(certificates.pem([authority.certificate])) == [authority.certificate]


def test_a_certificate_is_on_disk_when_it_is_said_to_be(authority, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    certificates.save_certificates(tmp_path / "seal.pem", [authority.certificate])
    assert synced == [(tmp_path / "seal.pem").stat().st_ino, tmp_path.stat().st_ino]


def test_a_certificate_that_nobody_could_use_is_refused_where_it_is_read(authority, tmp_path):
    der = authority.certificate.public_bytes(serialization.Encoding.DER)
    twice, newer = (asn1.Certificate.load(der) for _ in range(2))
    extensions = twice["tbs_certificate"]["extensions"]
    twice["tbs_certificate"]["extensions"] = [*extensions, extensions[0]]
    newer["tbs_certificate"]["version"] = 1
    others = (ELLIPTIC, UNKNOWN), (P256, P256[:-1] + b"\x63")
    broken = [twice.dump(force=True), newer.dump(force=True), *(der.replace(*one) for one in others)]
    path = tmp_path / "authority.pem"
    for one in broken:
        assert one != der
        path.write_bytes(pem.armor("CERTIFICATE", one))
        with pytest.raises(certificates.UnreadableCertificate):
            certificates.load_certificates(path)
    path.write_text("nothing of the kind\n")
    with pytest.raises(certificates.NoCertificate) as told:
        certificates.load_certificates(path)
    assert type(told.value) is certificates.NoCertificate


def made_by_openssl(folder, key, *how, usage="keyCertSign"):
    """Return an authority with a *key*, and a certificate that it issued by *how* openssl signs."""
    begin = ["openssl", "req", "-x509", "-nodes", "-days", "9", "-newkey", *key.split()]
    authority = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-addext", f"keyUsage=critical,{usage}"]
    subprocess.run([*begin, *authority], check=True, cwd=folder, capture_output=True)
    begin[begin.index("-newkey") :] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    issued = ["-keyout", "own.key", "-out", "own.pem", "-subj", "/CN=own", "-CA", "ca.pem", "-CAkey", "ca.key", *how]
    subprocess.run([*begin, *issued], check=True, cwd=folder, capture_output=True)
    return [x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in ("ca.pem", "own.pem")]


CURVE, PSS = "ec -pkeyopt ec_paramgen_curve:", ("-sigopt", "rsa_padding_mode:pss")


@pytest.mark.parametrize(
    ("key", "how"),
    [
        ("rsa:1024", ["-sha256"]),
        ("rsa:2048", ["-sha1"]),
        ("rsa:2048", ["-sha1", *PSS]),
        ("rsa:2048", ["-md5"]),
        (f"{CURVE}P-256", ["-sha1"]),
        (f"{CURVE}P-256", ["-sha224"]),
        (f"{CURVE}P-192", ["-sha256"]),
        (f"{CURVE}secp256k1", ["-sha256"]),
        ("ed25519", []),
    ],
    ids=lambda one: one.rpartition(":")[2] if isinstance(one, str) else "".join(one[:2]),
)
def test_a_certificate_signed_with_a_weak_key_or_digest_is_of_no_authority(tmp_path, key, how):
    root, own = made_by_openssl(tmp_path, key, *how)
    assert not certificates.issued(root, own)
    with pytest.raises(certificates.CertificateNotTrusted, match="No authority trusted"):
        certificates.trusted(own, [root])
    assert trust.path(own, [root], [root]) == ()


@pytest.mark.parametrize(
    ("key", "how"), [("rsa:2048", ["-sha256"]), ("rsa:2048", ["-sha512", *PSS]), (f"{CURVE}P-384", ["-sha384"])]
)
def test_a_certificate_signed_as_authorities_do_is_trusted(tmp_path, key, how):
    root, own = made_by_openssl(tmp_path, key, *how)
    certificates.trusted(own, [root])


def test_an_authority_whose_key_is_for_other_statements_issues_none(tmp_path):
    root, own = made_by_openssl(tmp_path, f"{CURVE}P-256", usage="cRLSign")
    assert not certificates.issued(root, own)


def test_a_certificate_signed_in_a_way_that_nobody_knows_is_of_no_authority(authority):
    signed = bytes.fromhex("06082a8648ce3d040302")
    der = authority.certificate.public_bytes(serialization.Encoding.DER)
    strange = x509.load_der_x509_certificate(der.replace(signed, signed[:-1] + b"\x63"))
    assert not certificates.issued(authority.certificate, strange)
