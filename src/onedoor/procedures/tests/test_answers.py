import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel.nation import Shape
from onedoor.procedures import answers
from onedoor.procedures.answers import AnswerFault, Raw
from onedoor.procedures.questions import Field

VIETNAMESE = "aáàảãạăắằẳẵặâấầẩẫậbcdđeéèẻẽẹêếềểễệghiíìỉĩịklmnoóòỏõọôốồổỗộơớờởỡợpqrstuúùủũụưứừửữựvxyýỳỷỹỵ"
words = st.text(alphabet=VIETNAMESE + VIETNAMESE.upper(), min_size=1, max_size=7)
NAME = Field("name", "person_name", {"vi": "Tên"})


@given(st.lists(words, min_size=2, max_size=6), st.sampled_from(["NFC", "NFD"]))
def test_every_vietnamese_name_is_a_name_however_it_is_typed(parts: list[str], form: str) -> None:
    assert answers.read(NAME, unicodedata.normalize(form, "  ".join(parts)), []) == " ".join(parts)


@pytest.mark.parametrize("name", ["H’Hen Niê", "Y Blốk Êban", "Jean-Luc Đỗ", "Nguyễn Thị Ánh"])
def test_names_of_other_peoples_of_the_country_are_names(name: str) -> None:
    assert answers.read(NAME, name, []) == name


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("Trần An Nhi3n", "A name cannot contain a digit. Change “Nhi3n”."),
        ("Trần An ☺", "A name has letters only. Change “☺”."),
        ("Trần Анна", "A name has letters only. Change “Анна”."),
        ("Trần ɡia", "A name has letters only. Change “ɡia”."),
        ("Trần a\u0488", "A name has letters only. Change “a\u0488”."),
        ("Trần --", "A name has letters only. Change “--”."),
        ("Nhiên", "Write the family name and the given name: two words or more."),
        ("An " * 60, "This is too long. Please use at most 120 letters."),
    ],
)
def test_what_is_no_name_is_told_which_word_to_change(typed: str, sentence: str) -> None:
    with pytest.raises(AnswerFault) as fault:
        answers.read(NAME, typed, [])
    assert fault.value.text() == sentence


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("date", "28/11/2026", "2026-11-28"),
        ("date", "2026-11-28", "2026-11-28"),
        ("date", ["8", "1", "2026"], "2026-01-08"),
        ("date", ["", "", ""], None),
        ("yesno", "no", False),
        ("yesno", True, True),
        ("yesno", "", None),
        ("consent", "no", None),
        ("consent", "on", True),
        ("person_number", "001 196 204 817", "001196204817"),
        ("choice", "a", "a"),
        ("choice", "", None),
        ("text", "  two   words ", "two words"),
        ("text", "a\u202eb\u200b\x07c\ud800", "abc"),
    ],
)
def test_what_is_typed_becomes_a_value(kind: str, raw: Raw, value: object) -> None:
    assert answers.read(Field("x", kind, {}), raw, ["a", "b"]) == value


@pytest.mark.parametrize(
    ("kind", "raw", "fault"),
    [
        ("date", "31/02/2026", answers.NotADate),
        ("date", "tomorrow", answers.NotADate),
        ("date", ["x", "1", "2026"], answers.NotADate),
        ("yesno", "perhaps", answers.NoSuchChoice),
        ("choice", "z", answers.NoSuchChoice),
        ("text", "x" * 2001, answers.TooLong),
    ],
)
def test_what_cannot_be_read_is_refused(kind: str, raw: Raw, fault: type[AnswerFault]) -> None:
    with pytest.raises(fault):
        answers.read(Field("x", kind, {}), raw, ["a", "b"])


@pytest.mark.parametrize("number", ["12345", "101196204817"])
def test_a_number_of_another_shape_is_refused_in_the_words_of_the_nation(number: str) -> None:
    shape = Shape("0[0-9]{11}", "001196204817", {"en": "It has 12 digits.", "fr": "Il a 12 chiffres."})
    with pytest.raises(answers.NotAPersonNumber, match=f"“{number}” is not .* It has 12 digits"):
        answers.check_person_number(Field("x", "person_number", {}), number, shape)
    answers.check_person_number(Field("x", "person_number", {}), shape.example, shape)


def test_a_date_after_the_latest_is_refused() -> None:
    with pytest.raises(answers.TooLate, match="after 22/11/2026"):
        answers.read(Field("x", "date", {}), "2026-11-23", [], "2026-11-22")


def test_the_services_own_words_come_first() -> None:
    field = Field("x", "choice", {}, errors={"choice": {"vi": "Hãy chọn."}})
    with pytest.raises(answers.NoSuchChoice) as fault:
        answers.read(field, "z", ["a"])
    assert fault.value.own == {"vi": "Hãy chọn."}


def test_a_file_of_another_kind_or_too_large_is_refused() -> None:
    field = Field("x", "file", {}, files=("pdf", "jpg"), max_mb=1)
    answers.check_file(field, "proof.JPEG", 1024 * 1024)
    with pytest.raises(answers.WrongKindOfFile, match="PDF, JPG"):
        answers.check_file(field, "proof.exe", 10)
    with pytest.raises(answers.FileTooLarge):
        answers.check_file(field, "proof.pdf", 1024 * 1024 + 1)


@given(
    st.sampled_from(sorted(answers.KINDS)),
    st.one_of(st.text(), st.booleans(), st.none(), st.lists(st.text(), max_size=4)),
)
def test_nothing_typed_breaks_a_question(kind: str, raw: Raw) -> None:
    with contextlib.suppress(AnswerFault):
        value = answers.read(Field("x", kind, {}), raw, ["a"])
        assert value is None or isinstance(value, str | bool)
