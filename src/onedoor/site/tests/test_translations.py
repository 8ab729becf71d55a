"""Every text of the engine stands in Vietnamese and in French."""

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import onedoor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation import file_kinds
from onedoor.site import kinds as kinds_of_files

SOURCE = Path(onedoor.__file__).parent
ROOMS = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
METHODS = [("**/tests/**", "ignore"), ("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}
WORDS = {
    "LedgerError": None,
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "said": None,
}
SLOTS = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
LANGUAGES = ("vi", "fr")
SPOKEN = {"said", "quoted", *WORDS}
"""What turns English words into those of the reader."""
Message = str | tuple[str, ...]


def extracted(room: str) -> dict[Message, str]:
    found = extract_from_dir(str(SOURCE / room), METHODS, OPTIONS, keywords=WORDS)  # type: ignore[arg-type]
    return {message: f"{room}/{file}:{line}" for file, line, message, _comments, _context in found}


def error_keys(room: str) -> dict[Message, str]:
    package = importlib.import_module(f"onedoor.{room}")
    for module in pkgutil.walk_packages(package.__path__, f"onedoor.{room}."):
        if not any(part in module.name.split(".") for part in ("tests", "migrations", "__main__", "wsgi")):
            importlib.import_module(module.name)
    return {kind.key(): f"{kind.__module__}.{kind.__name__}" for kind in kinds(OnedoorError) if _of(kind, room)}


def kinds(kind: type[OnedoorError]) -> Iterator[type[OnedoorError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def _of(kind: type[OnedoorError], room: str) -> bool:
    return kind.__module__.split(".")[:2] == ["onedoor", room] and "tests" not in kind.__module__


def catalogue(room: str, language: str) -> dict[Message, tuple[str, ...]]:
    path = SOURCE / room / "locale" / language / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        messages = [message for message in read_po(file) if message.id and not message.fuzzy]
    return {_id(m.id): ((m.string,) if isinstance(m.string, str) else tuple(m.string)) for m in messages}


def _id(key: object) -> Message:
    return tuple(key) if isinstance(key, list | tuple) else str(key)


@pytest.fixture(scope="module")
def catalogues() -> dict[str, dict[Message, tuple[str, ...]]]:
    return {
        language: {key: text for room in ROOMS for key, text in catalogue(room, language).items()}
        for language in LANGUAGES
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_text_of_a_room_is_translated(room: str, catalogues: dict[str, dict[Message, tuple[str, ...]]]) -> None:
    wanted = extracted(room) | error_keys(room)
    missing = [
        f"{language}: {where}: {message!r}"
        for message, where in wanted.items()
        for language in LANGUAGES
        if not all(catalogues[language].get(message, ("",)))
    ]
    assert not missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_places_to_fill(
    language: str, catalogues: dict[str, dict[Message, tuple[str, ...]]]
) -> None:
    wrong = [
        f"{message!r} → {text!r}"
        for message, texts in catalogues[language].items()
        for text in texts
        if sorted(set(SLOTS.findall(text)))
        != sorted(set(SLOTS.findall(message if isinstance(message, str) else message[-1])))
    ]
    assert not wrong


def test_rooms_agree_on_what_a_text_means() -> None:
    told: dict[tuple[str, Message], tuple[str, tuple[str, ...]]] = {}
    differ = []
    for language in LANGUAGES:
        for room in ROOMS:
            for message, text in catalogue(room, language).items():
                other = told.setdefault((language, message), (room, text))
                if other[1] != text:
                    differ.append(f"{language}: {message!r}: {other} but {room}: {text}")
    assert not differ


def test_french_has_a_narrow_space_before_double_signs() -> None:
    wrong = [
        text
        for room in ROOMS
        for texts in catalogue(room, "fr").values()
        for text in texts
        if re.search(r"[ \u00a0][;:!?»]|« ", text)
    ]
    assert not wrong


BY_HAND = re.compile(r"(?:[}%]}|</\w+>|<span class=\"vh\">)[:;] ")
"""A sign between two texts that a template writes as English does."""


def test_templates_leave_the_colon_between_two_texts_to_the_language() -> None:
    found = [
        f"{path.name}: {sign.group()}"
        for path in SOURCE.rglob("templates/**/*.html")
        for sign in BY_HAND.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


FRENCH = re.compile(r"""\bfr: (?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,}"'\n][^,}\n]*))""")


def test_the_french_of_nations_has_a_narrow_space_before_double_signs() -> None:
    texts = [
        (path.name, one[1] or one[2] or one[3])
        for path in SOURCE.parents[1].glob("nations/**/*.yaml")
        for one in FRENCH.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(texts) > 800
    assert not [one for one in texts if re.search(r"[ \u00a0][:;!?»]|« |\w[:;](?: |$)", one[1])]


def described(value: object) -> Iterator[str]:
    """Yield what a schema says of the values it wants: a fault tells it to whoever wrote another one."""
    if isinstance(value, dict):
        if isinstance(value.get("description"), str):
            yield value["description"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from described(one)


def test_what_schemas_want_is_said_in_every_language(catalogues: dict[str, dict[Message, tuple[str, ...]]]) -> None:
    kinds_of_files.load()
    wanted = {text for kind in file_kinds.kinds() for text in described(dict(kind.schema))}
    assert len(wanted) > 50
    assert not [(language, text) for text in wanted for language in LANGUAGES if not catalogues[language].get(text)]


def words(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every constant of *node* that is a phrase of a language and that nothing puts into another one."""
    if isinstance(node, ast.Call) and _called(node) in SPOKEN:
        return
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in parts)
    if re.search(r"[^\W\d_]{2}", text.replace("{}", "")) and " " in text.strip():
        yield node
        return
    for below in ast.iter_child_nodes(node):
        yield from words(below)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def facts(tree: ast.AST, errors: set[str]) -> Iterator[ast.AST]:
    """Yield what the module *tree* gives to *errors*, with whatever the names among it stand for."""
    named: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                named.setdefault(getattr(target, "id", ""), []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in errors:
            for given in (*node.args, *(one.value for one in node.keywords)):
                yield from named.get(given.id, []) if isinstance(given, ast.Name) else [given]


@pytest.mark.parametrize("room", ROOMS)
def test_words_given_to_an_error_are_said_in_the_readers_language(room: str) -> None:
    error_keys(room)
    errors = {kind.__name__ for kind in kinds(OnedoorError)} - {"OnedoorError"} - SPOKEN
    called = re.compile(rf"\b(?:{'|'.join(errors)})\(")
    plain = []
    for path in (SOURCE / room).rglob("*.py"):
        text = path.read_text("utf-8")
        if "tests" in path.parts or not called.search(text):
            continue
        module = sys.modules.get(".".join(("onedoor", *path.relative_to(SOURCE).with_suffix("").parts)))
        others = {name for name, one in vars(module or object).items() if not _is_error(one)}
        found = (node for given in facts(ast.parse(text), errors - others) for node in words(given))
        plain += [f"{path.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(node)}" for node in found]
    assert not plain, "give said(…): a plain phrase stands in English inside every language"


def _is_error(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, OnedoorError)


@pytest.mark.parametrize(
    ("fact", "plain"),
    [
        ('"it must be one word"', True),
        ('f"{folder} is there"', True),
        ('path if path else "no answer"', True),
        ('"; ".join(("one thing", other))', True),
        ('said("it must be one word")', False),
        ('f"{one}, {other}"', False),
        ('"not-granted"', False),
    ],
)
def test_a_plain_phrase_is_found_wherever_it_stands_in_a_fact(fact: str, *, plain: bool) -> None:
    for source in (f"Gone(why={fact})", f"Gone({fact})", f"why = {fact}\nraise Gone(why=why)"):
        found = [node for given in facts(ast.parse(source), {"Gone"}) for node in words(given)]
        assert bool(found) == plain
