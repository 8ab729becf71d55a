"""Signed notes and checkpoints: an example of another implementation, changes, several signers."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel.ledger import Checkpoint, LedgerError, Verifier, sign_note, verify_note

# The example of the signed-note package of Go's checksum database.
LINES = st.lists(st.from_regex(r"\A[a-z]{1,9}\Z"), max_size=3)
ROOT = "A" * 43 + "="
PETER = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETER_KEY = Ed25519PrivateKey.from_private_bytes(b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:])
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_implementation_verifies():
    text, signers = verify_note(NOTE, [PETER])
    assert text.endswith("your problem is.\n")
    assert signers == ("PeterNeumann",)
    assert sign_note(text, "PeterNeumann", PETER_KEY) == NOTE


def test_a_changed_note_is_refused():
    for wrong in (NOTE.replace("think", "thank"), NOTE.replace("x08go/ZJ", "x08go/ZK"), NOTE[:-1], "no note\n", ""):
        with pytest.raises(LedgerError):
            verify_note(wrong, [PETER])
    with pytest.raises(LedgerError, match="nobody"):
        verify_note(NOTE, [Verifier("PeterNeumann", Ed25519PrivateKey.generate().public_key())])


@given(
    st.integers(0, 2**63), st.binary(min_size=32, max_size=32), st.lists(st.from_regex(r"\A[a-z]{1,9}\Z"), max_size=3)
)
@settings(max_examples=25)
def test_a_checkpoint_survives_signing_by_a_log_and_a_witness(size, root, extensions):
    checkpoint = Checkpoint("onedoor.example/VN/GOV/G15", size, root, tuple(extensions))
    log, witness = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    note = sign_note(checkpoint.sign("log", log), "witness", witness)
    verifiers = [Verifier("log", log.public_key()), Verifier("witness", witness.public_key())]
    text, signers = verify_note(note, map(Verifier.parse, map(str, verifiers)))
    assert signers == ("log", "witness")
    assert Checkpoint.parse(text) == checkpoint


NO_CHECKPOINTS = (
    "",
    "a\n",
    "a\n1\n",
    "a\n01\nAAAA\n",
    "a\n1\nAAAA\n",
    f"a\n-1\n{ROOT}\n",
    f"a\n1\n{ROOT}",
    f"a\n1\n{ROOT}\n\n",
)


@pytest.mark.parametrize("text", NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(LedgerError):
        Checkpoint.parse(text)


NO_KEYS = ("", "a", "a+b", "a+00000000+AQ==", str(PETER).replace("c74f20a3", "c74f20a4"), "x y+1+2")


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_is_no_verifier_key_is_refused(key):
    with pytest.raises(LedgerError):
        Verifier.parse(key)
