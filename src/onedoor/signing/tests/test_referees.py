"""Seven spoiled files, each given to pdfsig and to pyHanko as it is: where we say other than they do, it is named."""

import io
import subprocess
from datetime import UTC, datetime

import pytest
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from onedoor.signing import opinion, pades
from onedoor.signing.tests.test_lasting import forged
from onedoor.signing.trust import Trust

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SPOILED = {
    "an appended increment": lambda file, plain: forged(file),
    "a line break at the end": lambda file, plain: file + b"\n",
    "wrapped into another file": lambda file, plain: plain + file,
    "wrapped under a header": lambda file, plain: b"%PDF-1.7\n" + file,
    "another byte range": lambda file, plain: file.replace(b"/ByteRange [0 ", b"/ByteRange [1 ", 1),
    "a changed byte": lambda file, plain: flipped(file, file.index(b"stream", file.index(b"/EmbeddedFile")) + 20),
    "a changed byte of the signature": lambda file, plain: flipped(file, file.index(b"/Contents <") + 2000),
}  # fmt: skip
VALID_TO_PDFSIG = {"an appended increment", "a line break at the end"}
"""The first deviation: pdfsig does not look at what follows what was signed."""
VALID_TO_PYHANKO = {"a line break at the end"}
"""The second: to pyHanko white space after the end is no change. We take a file byte for byte, as it was issued."""


def flipped(file, position):
    return file[:position] + bytes([file[position] ^ 1]) + file[position + 1 :]


def is_valid_to_pdfsig(file, folder):
    (folder / "a.pdf").write_bytes(file)
    said = subprocess.run(["pdfsig", "a.pdf"], check=False, cwd=folder, capture_output=True, text=True).stdout
    return "Signature is Valid" in said


def is_valid_to_pyhanko(file, authority):
    """Return what pyHanko says by itself: nothing of ours has looked at the file."""
    roots = ValidationContext(trust_roots=[opinion._asn1(authority.certificate)], moment=NOW)
    try:
        signatures = PdfFileReader(io.BytesIO(file)).embedded_signatures
        return bool(signatures) and all(validate_pdf_signature(one, roots).bottom_line for one in signatures)
    except (PdfError, SignatureValidationError, ValueError):  # a file it cannot read is one that it does not take
        return False


def test_each_referee_takes_the_file_as_it_was_sealed(sealed, authority, tmp_path):
    assert pades.check_pdf(sealed, Trust((authority.certificate,)), moment=NOW).valid
    assert is_valid_to_pdfsig(sealed, tmp_path)
    assert is_valid_to_pyhanko(sealed, authority)


@pytest.mark.parametrize("way", SPOILED)
def test_a_spoiled_file_is_refused_by_us_and_by_each_referee_but_for_two_deviations(
    way, sealed, plain, authority, tmp_path
):
    file = SPOILED[way](sealed, plain)
    assert file != sealed
    assert not pades.check_pdf(file, Trust((authority.certificate,)), moment=NOW).valid
    assert is_valid_to_pdfsig(file, tmp_path) == (way in VALID_TO_PDFSIG)
    assert is_valid_to_pyhanko(file, authority) == (way in VALID_TO_PYHANKO)
