"""A slip in a layout is found before an officer accepts: with what the examples of its service issue."""

import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from onedoor.kernel import nation
from onedoor.procedures import layouts, reading
from onedoor.procedures.answers import NAME_LETTERS
from onedoor.procedures.tests.births import VIETNAM
from onedoor.procedures.tests.test_examples import NATIONS
from onedoor.signing import pdf


@pytest.mark.parametrize("path", NATIONS, ids=lambda path: str(path.name))
def test_each_layout_takes_what_the_examples_issue(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    country, set_, render = nation.load(path), set(), pdf.render
    monkeypatch.setattr(pdf, "render", lambda file, *args, **more: set_.add(file) or render(file, *args, **more))
    assert list(layouts.faults(country)) == []
    versions = chain(*(reading.versions(document.data) for document in country.documents("service")))
    named = {result.template for version in versions for result in reading.read(version).results.values()}
    assert {str(file.relative_to(path)) for file in set_} == named


def test_a_layout_can_show_every_letter_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    signs = (sign for sign in map(chr, range(0x2000)) if NAME_LETTERS.fullmatch(sign) and sign not in "×÷")
    name, render = " ".join(f"a{sign}" for sign in signs), pdf.render
    assert len(name) > 1500

    def with_name(file: Path, data: dict[str, Any], **more: Any) -> bytes:
        return render(file, {**data, "child": {**data["child"], "full_name": name}}, **more)

    monkeypatch.setattr(pdf, "render", with_name)
    assert list(layouts.faults(VIETNAM)) == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("(data.child,", "(data.chid,", 'dictionary does not contain key "chid"'),
        ("#let parent(vi, en, person) =", "#let parent(vi, en, person =", "unclosed delimiter"),
    ],
)
def test_a_slip_in_a_layout_is_named_with_its_file_and_line(tmp_path: Path, old: str, new: str, why: str) -> None:
    copy = shutil.copytree(VIETNAM.path, tmp_path / "vietnam", ignore=shutil.ignore_patterns("fonts"))
    layout = copy / "templates" / "birth_certificate.typ"
    text = layout.read_text("utf-8")
    assert old in text
    layout.write_text(text.replace(old, new, 1), "utf-8")
    (fault,) = layouts.faults(nation.load(copy))
    assert fault.file == str(layout)
    assert why in fault.wrong
    assert fault.line == text[: text.index(old)].count("\n") + 1
