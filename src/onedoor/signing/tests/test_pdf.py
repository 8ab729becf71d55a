import json
import subprocess
import threading

import pytest

from onedoor.signing import pdf
from onedoor.signing.tests.conftest import DATA, MOMENT


def run(*command, cwd):
    return subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True).stdout


def test_a_document_is_pdf_a_3b_in_its_language_with_its_title(plain, tmp_path):
    (tmp_path / "a.pdf").write_bytes(plain)
    metadata = run("pdfinfo", "-meta", "a.pdf", cwd=tmp_path)
    assert "<pdfaid:part>3" in metadata
    assert "<pdfaid:conformance>B" in metadata
    assert "Giấy khai sinh" in run("pdfinfo", "a.pdf", cwd=tmp_path)
    assert b"/Lang(vi)" in plain.replace(b" ", b"")


def test_a_document_carries_its_data_and_its_attachments(plain, tmp_path):
    (tmp_path / "a.pdf").write_bytes(plain)
    run("pdfdetach", "-saveall", "a.pdf", cwd=tmp_path)
    assert json.loads((tmp_path / pdf.DATA_NAME).read_text()) == DATA
    assert (tmp_path / "notice.json").read_bytes() == b"{}"
    assert b"/AFRelationship/Data" in plain.replace(b" ", b"")


def test_the_data_of_a_document_are_read_back(plain):
    assert pdf.data_of(plain) == DATA


def test_a_file_without_data_is_told_apart(template):
    bare = pdf.render(template, DATA, lang="vi").replace(pdf.DATA_NAME.encode(), b"atad.json")
    for broken in (b"", b"%PDF-1.7 nothing", bare):
        with pytest.raises(ValueError, match=r"can be read|no object"):
            pdf.data_of(broken)


def test_an_attachment_that_is_not_text_comes_back_unchanged(template, tmp_path):
    content = bytes(range(256))
    (tmp_path / "a.pdf").write_bytes(pdf.render(template, DATA, {"raw.bin": content}, lang="vi"))
    run("pdfdetach", "-saveall", "a.pdf", cwd=tmp_path)
    assert (tmp_path / "raw.bin").read_bytes() == content


def test_names_of_every_people_of_the_nation_can_be_read_back(template, tmp_path):
    for name in ("Nguyễn Thị Ngọc Ánh", "ĐẶNG ỶỸ ỘỤ ỨỰ ẴẶ", "H’Ƀăm Ƀuôn Yă", "Y Ñuê Êban", "Giàng Thị Mỷ"):
        (tmp_path / "a.pdf").write_bytes(pdf.render(template, DATA | {"child": {"full_name": name}}, lang="vi"))
        assert name in run("pdftotext", "a.pdf", "-", cwd=tmp_path)


def test_letters_taken_apart_are_put_together_on_paper(template, tmp_path):
    apart = "Nguye\u0302\u0303n A\u0301nh"
    (tmp_path / "a.pdf").write_bytes(pdf.render(template, DATA | {"child": {"full_name": apart}}, lang="vi"))
    assert "Nguyễn Ánh" in run("pdftotext", "a.pdf", "-", cwd=tmp_path)


def test_text_of_a_person_is_never_taken_for_markup(template, tmp_path):
    name = '#panic("x") *b* $x$ <a> @b \\ "'
    (tmp_path / "a.pdf").write_bytes(pdf.render(template, DATA | {"child": {"full_name": name}}, lang="vi"))
    assert '#panic("x") *b* $x$ <a> @b' in run("pdftotext", "a.pdf", "-", cwd=tmp_path)


def test_the_same_data_at_the_same_moment_make_the_same_file(template):
    assert pdf.render(template, DATA, lang="vi", moment=MOMENT) == pdf.render(template, DATA, lang="vi", moment=MOMENT)


def test_a_template_that_misses_its_data_says_what_is_missing(template):
    with pytest.raises(pdf.TemplateBroken, match="full_name"):
        pdf.render(template, DATA | {"child": {}}, lang="vi")
    with pytest.raises(pdf.TemplateBroken):
        pdf.render(template.with_name("absent.typ"), DATA, lang="vi")
    pdf.render(template, DATA, lang="vi")


def test_several_threads_render_at_once(template):
    made = []

    def make():
        made.append(pdf.render(template, DATA, lang="vi", moment=MOMENT))

    threads = [threading.Thread(target=make) for _ in "four"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made) == 4
    assert len(set(made)) == 1
