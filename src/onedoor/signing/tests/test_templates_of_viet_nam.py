import subprocess
from pathlib import Path

import pytest

from onedoor.signing import pdf

TEMPLATES = Path(__file__).parents[4] / "nations" / "vietnam" / "templates"
PARENT = {
    "full_name": "Trần Thị Thu Hà",
    "born_year": 1995,
    "ethnicity": "Kinh",
    "nationality": "VN",
    "residence": "Số 12, ngõ 45, đường Láng, phường Láng, thành phố Hà Nội",
}
DATA = {
    "title": "Kết quả",
    "number": "412/2026",
    "agency": {"id": "commune-00199", "name": "Ủy ban nhân dân phường Láng"},
    "case": "VN-26-7K3M-9Q2D",
    "issued_at": "2026-11-20T18:30:10.123456+00:00",
    "verify_url": "http://localhost:8002/vi/verify/0198f2f0-5d5e-7c3a-9f6e-1c2d3e4f5a6b",
    "demonstration": True,
    "child": {
        "number": "001326004512",
        "full_name": "Nguyễn Trần Ngọc Ánh",
        "born": "2026-11-24",
        "sex": "F",
        "place": "Bệnh viện Phụ sản Hà Nội",
        "native_place": "Tỉnh Ninh Bình",
        "ethnicity": "Kinh",
        "nationality": "VN",
    },
    "mother": PARENT,
    "father": PARENT | {"full_name": "Jean Martin", "nationality": "FR", "ethnicity": ""},
    "registered_on": "2026-11-20",
    "household": {"number": "H0000123", "address": "Số 12, ngõ 45", "unit": "Phường Láng, thành phố Hà Nội"},
    "clinic": "Trạm y tế phường Láng",
    "valid_from": "2026-11-24",
    "valid_until": "2032-11-30",
    "delivery": "paper",
    "issued_on": "2026-11-24",
}
RESULTS = ("birth_certificate", "residence_notice", "insurance_card", "identity_card_notice")


@pytest.fixture
def read(tmp_path):
    def read(result, data):
        (tmp_path / "a.pdf").write_bytes(pdf.render(TEMPLATES / f"{result}.typ", data, lang="vi"))
        command = ["pdftotext", "-layout", "a.pdf", "-"]
        done = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True)
        return done.stdout

    return read


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_is_one_page_with_its_agency_child_and_seal(read, result):
    text = read(result, DATA)
    assert text.count("\f") == 1
    for part in ("Ủy ban nhân dân phường Láng", "Đã ký số", "Quét để kiểm tra", "001326004512", "412/2026"):
        assert part in text
    assert "Nguyễn Trần Ngọc Ánh".upper() in text.upper()
    assert "minh họa" in text


@pytest.mark.parametrize("result", RESULTS)
def test_a_page_says_that_data_are_synthetic_unless_they_say_they_are_real(read, result):
    mark = "Dữ liệu tổng hợp – bản trình diễn"
    assert mark in read(result, DATA)
    assert mark in read(result, {key: value for key, value in DATA.items() if key != "demonstration"})
    assert mark not in read(result, DATA | {"demonstration": False})


def test_the_moment_of_the_seal_is_shown_in_viet_nams_time(read):
    assert "01:30, 21/11/2026 (UTC+7)" in read("birth_certificate", DATA)
    assert "18:30, 20/11/2026 (UTC+7)" in read("birth_certificate", DATA | {"issued_at": "2026-11-20T18:30:10+07:00"})


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("2026-11-24", "Ngày hai mươi tư, tháng mười một, năm hai nghìn không trăm hai mươi sáu"),
        ("2021-04-05", "Ngày năm, tháng tư, năm hai nghìn không trăm hai mươi mốt"),
        ("2015-12-31", "Ngày ba mươi mốt, tháng mười hai, năm hai nghìn không trăm mười lăm"),
        ("2004-10-10", "Ngày mười, tháng mười, năm hai nghìn không trăm linh bốn"),
        ("2000-01-15", "Ngày mười lăm, tháng một, năm hai nghìn"),
        ("1999-02-21", "Ngày hai mươi mốt, tháng hai, năm một nghìn chín trăm chín mươi chín"),
    ],
)
def test_a_date_of_birth_is_also_written_in_words(read, born, words):
    text = " ".join(read("birth_certificate", DATA | {"child": DATA["child"] | {"born": born}}).split())
    first, rest = words.split(", năm ")
    assert first in text
    assert rest.split()[-1] in text


def test_a_certificate_without_a_father_says_so_and_a_foreign_parent_has_a_nationality_in_words(read):
    assert "Pháp" in read("birth_certificate", DATA)
    assert "Không ghi" in read("birth_certificate", DATA | {"father": None})


def test_long_names_and_addresses_never_hide_the_seal(read):
    long = PARENT | {"residence": "Căn hộ 1203, tòa nhà số 4, khu đô thị mới, tổ dân phố 12, " * 3}
    text = read("birth_certificate", DATA | {"mother": long, "father": long})
    assert "Đã ký số" in text
    assert "Quét để kiểm tra" in text
    two = PARENT | {
        "residence": "Căn hộ 1203, tòa nhà số 4, khu đô thị mới, tổ dân phố 12, phường Láng, thành phố Hà Nội"
    }
    assert read("birth_certificate", DATA | {"mother": two, "father": two}).count("\f") == 1
