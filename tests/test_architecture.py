"""The house holds: doors, shapes, sizes, names; the levels are import-linter's (`make check`)."""

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "onedoor"
TOOLKITS = {"kernel", "store", "signing"}
DOORS = {"service", "events"}
TOP = "site"
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
ROOMS = sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists())
FILES = [p for p in SOURCE.rglob("*.py") if "migrations" not in p.parts]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("onedoor", cache_dir=None)


def crossings(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            ours, theirs = module.split(".")[1:], imported.split(".")[1:]
            if ours and theirs and ours[0] != theirs[0] and "tests" not in ours:
                yield module, imported


def test_other_rooms_come_in_only_through_the_doors(graph: grimp.ImportGraph) -> None:
    past_the_door = [
        f"{module} imports {imported}"
        for module, imported in crossings(graph)
        if (parts := imported.split("."))[1] not in TOOLKITS
        and module.split(".")[1] != TOP
        and (len(parts) < 3 or parts[2] not in DOORS)
    ]
    assert not past_the_door


def test_every_room_stands_in_the_contract_of_levels() -> None:
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    levels = contract["importlinter:contract:house"]["layers"].replace("|", " ").split()
    assert set(ROOMS) <= {level.strip("()") for level in levels}
    assert not [level for level in levels if level.startswith("(") and level.strip("()") in ROOMS], (
        "a built room leaves its parentheses"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_a_readme_of_at_most_60_lines(room: str) -> None:
    assert len((SOURCE / room / "README.md").read_text().splitlines()) <= 60


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in TOOLKITS | {TOP}])
def test_a_room_has_a_door_and_tests(room: str) -> None:
    folder = SOURCE / room
    assert (folder / "service.py").exists() or (folder / "service" / "__init__.py").exists()
    assert list((folder / "tests").glob("test_*.py"))


def test_no_module_hides_behind_an_empty_name() -> None:
    assert not [path for path in FILES if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES]


def test_files_stay_short() -> None:
    lengths = sorted((len(path.read_text().splitlines()), path.relative_to(SOURCE)) for path in FILES)
    assert lengths[-1][0] <= 500, lengths[-1]
    assert lengths[len(lengths) * 95 // 100][0] <= 300


def functions() -> Iterator[tuple[int, str]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or 0) - node.lineno + 1, f"{path.relative_to(SOURCE)}:{node.lineno}"


def test_functions_stay_short() -> None:
    lengths = sorted(functions())
    assert lengths[-1][0] <= 50, lengths[-1]
    assert lengths[len(lengths) * 95 // 100][0] <= 35


def test_rules_are_pure() -> None:
    impure = ("django", "onedoor.store", "datetime.now", "time.time", "requests", "psycopg")
    found = [
        f"{path.relative_to(SOURCE)}: {word}"
        for path in FILES
        if path.stem == "rules"
        for word in impure
        if f"import {word}" in (text := path.read_text()) or f"from {word}" in text or f"{word}(" in text
    ]
    assert not found


def test_no_foreign_key_crosses_rooms() -> None:
    from django.apps import apps
    from django.db.models import Field

    crossing = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("onedoor.")
        for field in model._meta.get_fields()
        if isinstance(field, Field)
        and field.remote_field
        and field.remote_field.model.__module__.split(".")[:2] != model.__module__.split(".")[:2]
    ]
    assert not crossing


def test_no_django_signals() -> None:
    assert not [
        path for path in FILES if "django.db.models.signals" in (text := path.read_text()) or "django.dispatch" in text
    ]
