"""The engine knows no country: what is Vietnamese stands in nations/vietnam, in its translations and in tests alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "onedoor"
COUNTRY = re.compile(
    r"viet|việt|hanoi|hà nội|ho_chi_minh|\bVN\b|đồng|dichvucong|nđ-cp|qh1[0-9]|"
    r"\[0-9\]\{1[12]\}|\\d\{1[12]\}|\b[GH][0-9]{2}\b",
    re.IGNORECASE,
)
"""A name, a law's number, an agency's code, the length of a personal number."""
LANGUAGE = re.compile(r"vi|vi-VN")
SIGNS = re.compile("[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹđăơư]", re.IGNORECASE)
"""Letters that of the languages of the engine only Vietnamese has."""
EXAMPLE = re.compile(r"such as|…")
ALLOWED = {
    (
        "site/cli.py",
        "nations/vietnam",
    ): "the nation of a command that names none: the repository's first",
    ("kernel/settings.py", "vietnam"): "the nation of the tests' role",
    ("kernel/settings.py", "G15"): "an example of a member, for who wrote another thing",
    ("kernel/settings.py", "VN/GOV/G15/CIVIL-STATUS"): "the same, of a system",
    ("site/testing.py", "vietnam"): "the nation of the tests' role",
    ("site/dates.py", "vi"): "how Vietnamese, one of the languages of the engine, writes a date",
    ("site/dates.py", "Chủ nhật"): "the same: its days of the week, as running text has them",
    ("site/dates.py", "thứ "): "the same",
    ("site/dates.py", "Tư"): "the same",
    ("site/dates.py", "Năm"): "the same",
    ("site/dates.py", "Sáu"): "the same",
    ("site/dates.py", "Bảy"): "the same",
    ("kernel/text.py", "vi"): "a language of the engine's own texts",
    ("kernel/text.py", "đ"): "the one letter that Unicode's decomposition does not fold",
}
"""Where one stands all the same, with the reason."""
LATER = {
    "site/story": "a story of a birth in Viet Nam, with the people of its demonstration: a command of that nation",
}
ONE_NATION = {
    "cases/birth_pages.py": "a desk that writes by hand into one register, with a form of its own",
    "registers/demonstration.py": "what makes up people, below",
    "registers/people": "made-up people and the registers they fill: no file of a nation says how people live",
}
"""Where the engine names a nation's registers, with the reason: a nation without them has these parts lie idle."""


def python() -> list[Path]:
    return [
        path for path in sorted(SOURCE.rglob("*.py")) if "tests" not in path.parts and "migrations" not in path.parts
    ]


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every string of a module that is no docstring and says no example, with its line."""
    tree = ast.parse(path.read_text("utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in told else None
        if isinstance(text, str) and not EXAMPLE.search(text):
            yield node.lineno, text


def wired(path: Path) -> Iterator[str]:
    """Yield what is Vietnamese in a module and not allowed."""
    place = path.relative_to(SOURCE).as_posix()
    if place.startswith(tuple(LATER)):
        return
    for line, text in strings(path):
        found = COUNTRY.search(text) or SIGNS.search(text) or LANGUAGE.fullmatch(text)
        if found and (place, text) not in ALLOWED:
            yield f"{place}:{line}: {text[:80]}"


def test_nothing_vietnamese_is_wired_into_the_engine() -> None:
    modules = python()
    assert len(modules) > 150
    assert not [one for path in modules for one in wired(path)]


@pytest.mark.parametrize(
    "line",
    ['ZONE = "Asia/Ho_Chi_Minh"', 'language: str = "vi"', 'NUMBER = re.compile(r"0[0-9]{11}")',
     'portal = "VN/GOV/G22/PORTAL"', 'law = "63/2024/NĐ-CP"', 'unit = "đồng"', 'name = "Công chứng"',
     'folder = "vietnam"'],
)  # fmt: skip
def test_the_guard_finds_what_it_is_for(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    (tmp_path / "module.py").write_text(f'"""Viet Nam may be named here."""\n{line}\n', "utf-8")
    assert len(list(wired(tmp_path / "module.py"))) == 1


def test_no_register_of_a_nation_is_named_in_the_engine_but_where_it_is_said_so() -> None:
    named = {path.stem for path in (SOURCE.parents[1] / "nations").glob("*/registers/*.yaml")}
    assert len(named) > 5
    places = {path.relative_to(SOURCE).as_posix() for path in python() for _, text in strings(path) if text in named}
    assert {place for place in places if not place.startswith(tuple(LATER | ONE_NATION))} == set()
    assert all(any(place.startswith(one) for place in places) for one in ONE_NATION)


def test_every_exception_is_still_needed() -> None:
    for place, text in ALLOWED:
        assert text in [found for _, found in strings(SOURCE / place)], (place, text)
    assert all((SOURCE / folder).exists() for folder in LATER)


def test_no_template_or_style_names_the_country() -> None:
    for path in [*SOURCE.rglob("templates/**/*.html"), *SOURCE.rglob("static/**/*.js")]:
        assert not COUNTRY.search(path.read_text("utf-8")), path
