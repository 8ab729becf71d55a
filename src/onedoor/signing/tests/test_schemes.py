"""Which signatures of others are accepted, by which key and in which way they were made."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from onedoor.signing.schemes import signature_holds

RSA, CURVE = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())
SHA1, SHA256, SHA512 = hashes.SHA1(), hashes.SHA256(), hashes.SHA512()
DATA = b"what is signed"


def pss(inner: hashes.HashAlgorithm, salt: int) -> padding.PSS:
    return padding.PSS(padding.MGF1(inner), salt)


@pytest.mark.parametrize(
    ("kind", "key", "how", "holds"),
    [
        ("rsa", RSA, (padding.PKCS1v15(), SHA256), True),
        ("pss", RSA, (pss(SHA256, 32), SHA256), True),
        ("ecdsa", CURVE, (ec.ECDSA(SHA256),), True),
        ("rsa", RSA, (padding.PKCS1v15(), SHA1), False),
        ("rsa", RSA, (padding.PKCS1v15(), SHA512), False),
        ("pss", RSA, (pss(SHA256, 20), SHA256), False),
        ("pss", RSA, (pss(SHA256, 0), SHA256), False),
        ("pss", RSA, (pss(SHA1, 32), SHA256), False),
        ("pss", RSA, (pss(SHA512, 64), SHA512), False),
        ("rsa", RSA, (pss(SHA256, 32), SHA256), False),
        ("pss", RSA, (padding.PKCS1v15(), SHA256), False),
        ("ecdsa", CURVE, (ec.ECDSA(SHA1),), False),
        ("rsa", CURVE, (ec.ECDSA(SHA256),), False),
        ("ecdsa", RSA, (padding.PKCS1v15(), SHA256), False),
        ("ecdsa", ec.generate_private_key(ec.SECP256K1()), (ec.ECDSA(SHA256),), False),
        ("ecdsa", ec.generate_private_key(ec.SECP224R1()), (ec.ECDSA(SHA256),), False),
        ("rsa", rsa.generate_private_key(65537, 1024), (padding.PKCS1v15(), SHA256), False),
        ("ecdsa", ed25519.Ed25519PrivateKey.generate(), (), False),
    ],
)
def test_a_signature_holds_by_the_one_way_that_its_name_stands_for(kind, key, how, holds):
    assert signature_holds(kind, "sha256", key.public_key(), key.sign(DATA, *how), DATA) == holds


def test_a_signature_that_is_none_or_of_other_data_does_not_hold():
    made = CURVE.sign(DATA, ec.ECDSA(SHA256))
    for signature, data in ((made, b"other"), (made[:-1], DATA), (b"", DATA), (b"\x30\x06\x02\x01\0\x02\x01\0", DATA)):
        assert not signature_holds("ecdsa", "sha256", CURVE.public_key(), signature, data)
