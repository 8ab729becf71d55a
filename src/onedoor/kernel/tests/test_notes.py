"""Signed notes and checkpoints: an example of another implementation, changes, several signers."""

import contextlib
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.kernel.ledger import (
    Checkpoint,
    LedgerError,
    Verifier,
    cosign,
    join_note,
    sign_note,
    signed_at,
    verify_note,
)

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


@pytest.mark.parametrize("sign", ["\0", "\t", "\r", "\x0b", "\x1f"])
def test_a_note_with_a_control_sign_is_none_though_it_is_signed(sign):
    note = NOTE.replace("your problem,", f"your{sign}problem,")
    body = note.partition("\n\n—")[0] + "\n"
    signed = join_note(body, [f"— PeterNeumann {b64encode(PETER.key_id + PETER_KEY.sign(body.encode())).decode()}"])
    with pytest.raises(LedgerError, match="control characters"):
        verify_note(signed, [PETER])


NO_CHECKPOINTS = (
    "",
    "a\n",
    "a\n1\n",
    "a\n01\nAAAA\n",
    "a\n1\nAAAA\n",
    f"a\n-1\n{ROOT}\n",
    f"a\n1\n{ROOT}",
    f"a\n1\n{ROOT}\n\n",
    f"a\n1\n{'A' * 42}B=\n",
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


# The example of tlog-cosignature: only its shape can be held, its keys are not given.
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
COSIGNER = Verifier("witness.example/w1", WITNESS.public_key(), b"\x04")
BODY = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"


def test_a_cosignature_binds_the_checkpoint_and_the_time() -> None:
    line = cosign(BODY, COSIGNER.name, WITNESS, 1679315147)
    raw = b64decode(line.split(" ")[2])
    assert (raw[:4], int.from_bytes(raw[4:12]), len(raw)) == (COSIGNER.key_id, 1679315147, 4 + 8 + 64)
    signed = f"cosignature/v1\ntime 1679315147\n{BODY}".encode()
    WITNESS.public_key().verify(raw[12:], signed)
    key = b"witness.example/w1\n\x04" + WITNESS.public_key().public_bytes_raw()
    assert COSIGNER.key_id == sha256(key).digest()[:4]
    assert verify_note(join_note(BODY, [line]), [Verifier.parse(str(COSIGNER))]) == (BODY, (COSIGNER.name,))
    for at in (4, 11, 12, 75):
        changed = bytearray(raw)
        changed[at] ^= 1
        false = f"{line.rpartition(' ')[0]} {b64encode(changed).decode()}"
        with pytest.raises(LedgerError, match=r"false|out of range"):
            verify_note(join_note(BODY, [false]), [COSIGNER])


def test_one_name_with_two_keys_is_two_signers() -> None:
    plain = sign_note(BODY, COSIGNER.name, WITNESS)
    assert signed_at(plain, COSIGNER) is None
    assert signed_at(plain, Verifier(COSIGNER.name, WITNESS.public_key())) == 0
    both = plain + cosign(BODY, COSIGNER.name, WITNESS, 1) + "\n"
    assert signed_at(both, COSIGNER) == 1
    assert signed_at(both + cosign(BODY, COSIGNER.name, WITNESS, 7) + "\n", COSIGNER) == 7
    forged = plain + cosign(BODY + "more\n", COSIGNER.name, WITNESS, 1) + "\n"
    with pytest.raises(LedgerError, match="false"):
        verify_note(forged, [Verifier(COSIGNER.name, WITNESS.public_key()), COSIGNER])


@pytest.mark.parametrize(
    "note",
    [
        f"{BODY}\n— name é\n",
        f"{BODY}\n— \tname AAAAAAAA\n",
        f"{BODY}\n— name AAAA\n",
        f"{BODY}\n" + "— name AAAAAAAA\n" * 101,
        "x" * 70_000 + f"\n{BODY}\n— name AAAAAAAA\n",
        "\ud800" + sign_note(BODY, COSIGNER.name, WITNESS),
    ],
)
def test_whatever_a_stranger_sends_as_a_note_is_refused_by_one_error(note: str) -> None:
    with pytest.raises(LedgerError):
        verify_note(note, [Verifier(COSIGNER.name, WITNESS.public_key())])


@given(st.text(max_size=80))
def test_any_text_is_a_checkpoint_or_refused_by_one_error(text: str) -> None:
    for read in (Checkpoint.parse, Verifier.parse, lambda one: Checkpoint.parse(f"a\n{one}\n{ROOT}\n")):
        with contextlib.suppress(LedgerError):
            read(text)
    with pytest.raises(LedgerError):
        Checkpoint.parse(f"a\n{'9' * 5000}\n{ROOT}\n")
