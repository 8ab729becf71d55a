"""Every query on a table with personal data, as it stands in the code: in which module, under which name, on what.

A query is a name of a module's own (a statement, or `Rows` of a model), a function that asks a model's manager, or one
that goes through a relation to such a model.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import psycopg
import yaml
from django.apps import apps

import onedoor
from onedoor.store.fields import personal_tables

SOURCE = Path(onedoor.__file__).parent
FILE = Path(__file__).with_name("queries.yaml")
CARRIERS = {"onedoor.store.rows", "onedoor.store.fields", "onedoor.site.testing"}
"""Modules that carry the statements of others to the database."""
APART = {"tests", "migrations"}
MANAGERS = {"objects", "_meta", "_base_manager", "_default_manager"}
Found = dict[str, dict[str, set[str]]]


def found() -> Found:
    """Return by module and name which tables with personal data are queried there."""
    known, relations = _models(), _relations()
    tables = re.compile(rf"\b({'|'.join(sorted(personal_tables()))})\b")
    result: Found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if not APART & set(path.parts):
            asked: dict[str, set[str]] = {}
            for name, on in _queries(ast.parse(path.read_text("utf-8")), known, relations.get(_room(path), {}), tables):
                asked.setdefault(name, set()).update(on)
            if asked:
                result[_module(path)] = asked
    return result


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def _models() -> dict[str, str]:
    """Return by the name of its class the table of each model that holds personal data."""
    personal = personal_tables()
    return {one.__name__: one._meta.db_table for one in apps.get_models() if one._meta.db_table in personal}


def _relations() -> dict[str, dict[str, str]]:
    """Return by room and by the name of a relation the table it leads to: rooms do not know each other's models."""
    personal, result = personal_tables(), defaultdict[str, dict[str, str]](dict)
    for model in apps.get_models():
        for one in model._meta.related_objects:
            if one.related_model._meta.db_table in personal and one.related_name:  # type: ignore[union-attr]
                result[model._meta.app_label][one.related_name] = one.related_model._meta.db_table  # type: ignore[union-attr]
    return result


def _queries(
    tree: ast.Module, known: dict[str, str], relations: dict[str, str], tables: re.Pattern[str]
) -> Iterator[tuple[str, set[str]]]:
    aliases = (alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names)
    imported = {alias.name for alias in aliases} | {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    names = {name: table for name, table in known.items() if name in imported}
    for name, node in _named(tree.body):
        asked = set(_asked(node, names, relations, tables))
        if asked:
            yield name, asked


def _named(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield every function, and every statement of a module or class, with a name for it."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _named(node.body, f"{inside}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield f"{inside}{node.name}", node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            if target not in ("db_table", "TABLE"):
                yield f"{inside}{target}".strip("()"), node
        elif isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            yield f"{inside}line", node


def _asked(node: ast.AST, names: dict[str, str], relations: dict[str, str], tables: re.Pattern[str]) -> Iterator[str]:
    for one in _walked(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield from tables.findall(one.value)
        elif isinstance(one, ast.Attribute):
            if isinstance(one.value, ast.Name) and one.value.id in names and one.attr in MANAGERS:
                yield names[one.value.id]
            if isinstance(one.value, ast.Attribute) and one.value.attr in relations:
                yield relations[one.value.attr]
        elif isinstance(one, ast.Call):
            named = (keyword.arg.partition("__")[0] for keyword in one.keywords if keyword.arg and "__" in keyword.arg)
            yield from (relations[name] for name in named if name in relations)
            if isinstance(one.func, ast.Name) and one.func.id == "Rows":
                yield from (names[arg.id] for arg in one.args if isinstance(arg, ast.Name) and arg.id in names)


def _walked(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of *node*, without what only names a table: docstrings, places of envelopes, a model's own."""
    yield node
    for one in ast.iter_child_nodes(node):
        words = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
        place = isinstance(one, ast.Call) and ast.unparse(one.func) in ("Place", "sealed.Place", "Place._replace")
        if not words and not place:
            yield from _walked(one)


class Declared(NamedTuple):
    """Who may issue the queries of a module, why, and which these are."""

    who: str
    why: str
    queries: dict[str, list[str]]


@cache
def declared() -> dict[str, Declared]:
    """Return what tests/queries.yaml says, by module."""
    return {module: Declared(**said) for module, said in yaml.safe_load(FILE.read_text("utf-8")).items()}


@contextmanager
def watched(strays: list[str]) -> Iterator[None]:
    """Note in *strays* each statement on a table with personal data that comes from a module which is not declared.

    What a test itself asks is nobody's query. The tables are known once Django has loaded.
    """
    tables = re.compile(rf"\b({'|'.join(sorted(personal_tables()))})\b")
    execute, copy = psycopg.Cursor.execute, psycopg.Cursor.copy

    def note(cursor: "psycopg.Cursor[Any]", query: Any) -> None:
        text = query.as_string(cursor) if isinstance(query, psycopg.sql.Composable) else query
        if found := tables.search(text if isinstance(text, str) else bytes(text).decode()):
            asker = _asker()
            if asker and asker not in declared():
                strays.append(f"{asker}: {found[0]}")

    def executed(self: "psycopg.Cursor[Any]", query: Any, *arguments: Any, **options: Any) -> Any:
        note(self, query)
        return execute(self, query, *arguments, **options)

    def copied(self: "psycopg.Cursor[Any]", statement: Any, *arguments: Any, **options: Any) -> Any:
        note(self, statement)
        return copy(self, statement, *arguments, **options)

    psycopg.Cursor.execute, psycopg.Cursor.copy = executed, copied  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute, psycopg.Cursor.copy = execute, copy  # type: ignore[method-assign]


def _asker() -> str:
    """Return the module of onedoor that asks, or nothing when no module but a test's or a migration does."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        name = str(frame.f_globals.get("__name__", ""))
        if ".tests." in name or ".migrations." in name or name.startswith(("tests.", "conftest")):
            if name != __name__:
                return ""
        elif name.startswith("onedoor.") and name not in CARRIERS:
            return name
        frame = frame.f_back
    return ""
