"""Why a file could not be read is said in words, in each language, without a name of Python's."""

import errno

import pytest

from onedoor.kernel import refusals
from onedoor.kernel.settings import BadSetting, read


def test_why_a_file_cannot_be_read_is_said_in_words(tmp_path):
    (tmp_path / "latin").write_bytes(b"\xff")
    found = {}
    for name in ("nowhere", "latin", "latin/below", ""):
        try:
            (tmp_path / name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            found[name] = refusals.why(error)
    assert found == {
        "nowhere": "there is no such file", "latin": "it is not text in UTF-8",
        "latin/below": "there is no such file", "": "it is a folder",
    }  # fmt: skip
    assert refusals.why(PermissionError(errno.EACCES, "Permission denied")) == "this program has no right to it"
    assert refusals.why(OSError(errno.ENOTTY, "Not a typewriter")) == "the computer refuses: Not a typewriter"


def test_a_secret_whose_file_is_not_there_is_named_in_words():
    with pytest.raises(BadSetting, match=r"it must be a file that can be read \(there is no such file\)"):
        read({"ONEDOOR_ROLE": "test", "ONEDOOR_SECRET_FILE": "/nowhere"})
