import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.signing import detached, keys
from onedoor.signing.certificates import Authority, Subject

KEY = keys.new_key()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    authority = Authority.create(tmp_path_factory.mktemp("ca"))
    return authority.issue(Subject("G15"), KEY.public_key(), "sign")


def test_a_message_signed_by_the_holder_is_accepted(certificate):
    detached.verify(certificate, b"birth", detached.sign(KEY, b"birth"))


def test_another_message_or_another_key_is_refused(certificate):
    with pytest.raises(detached.BadSignature):
        detached.verify(certificate, b"death", detached.sign(KEY, b"birth"))
    with pytest.raises(detached.BadSignature):
        detached.verify(certificate, b"birth", detached.sign(keys.new_key(), b"birth"))


@given(st.binary(max_size=200), st.integers(0, 71), st.integers(1, 255))
@settings(deadline=None)
def test_a_signature_with_one_changed_byte_is_refused(certificate, data, position, change):
    signature = bytearray(detached.sign(KEY, data))
    signature[position % len(signature)] ^= change
    with pytest.raises(detached.BadSignature):
        detached.verify(certificate, data, bytes(signature))


def test_nonsense_in_place_of_a_signature_is_refused(certificate):
    for nonsense in (b"", b"0", b"\x00" * 72, b"x" * 5000):
        with pytest.raises(detached.BadSignature):
            detached.verify(certificate, b"birth", nonsense)


def test_a_key_of_another_kind_is_refused():
    class Other:
        def public_key(self):
            return ec.generate_private_key(ec.SECP384R1()).public_key()

    with pytest.raises(detached.BadSignature):
        detached.public_key(Other())


def test_openssl_accepts_our_signature(certificate, tmp_path):
    (tmp_path / "data").write_bytes(b"birth")
    (tmp_path / "signature").write_bytes(detached.sign(KEY, b"birth"))
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    command = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data"]
    assert subprocess.run(command, check=False, cwd=tmp_path, capture_output=True).returncode == 0
