"""Every query on a table with personal data, as it stands in the code: in which module, under which name, on what.

A query is whatever refers to a model that holds personal data, by any name and in any scope, or to its table, or goes
through a relation to it; but for what makes a row, says a type or asks for one. Where it cannot be seen which model is
meant, it is a query on `UNRESOLVED`. What opens envelopes, and who calls that, is found beside it.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

import psycopg
import yaml
from django.apps import apps

import onedoor
from onedoor.store.fields import personal_tables

SOURCE = Path(onedoor.__file__).parent
FILE = Path(__file__).with_name("queries.yaml")
CARRIERS = {"onedoor.store.rows", "onedoor.store.fields", "onedoor.site.databases", "onedoor.site.testing"}
"""Modules that carry the statements of others to the database."""
APART = {"tests", "migrations"}
MANAGERS = {"objects", "_meta", "_base_manager", "_default_manager"}
UNRESOLVED = "?"
"""In place of a table: a model that is chosen while the program runs, or a table's name in pieces."""
OPENERS = {
    "onedoor.registers.storage": {"find", "with_id", "versions", "opened"},
    "onedoor.store.sealed": {"unseal", "unseal_bytes", "reseal"},
}
"""By module the functions that give what is in envelopes, or the rows with them."""
LOADERS = {"get_model", "get_models", "import_module", "__import__"}
DEEP = 2
"""A method of a model may open by another one."""
TYPES = {"TypeVar", "cast", "isinstance", "issubclass", "ForeignKey"}
"""What takes a model for its type."""
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
Found = dict[str, dict[str, set[str]]]


def found() -> Found:
    """Return by module and name which tables with personal data are queried there."""
    return _in_each(lambda path, tree: Asking(path, tree).queries())


def openings() -> Found:
    """Return by module and name which functions and methods that open envelopes are called there, or handed on."""
    methods: dict[str, set[str]] = defaultdict(set)
    for _ in range(DEEP):
        for path, tree in _modules():
            if "models" in _module(path).split("."):
                opening = Opening(path, tree, methods[_room(path)])
                methods[_room(path)] |= {name.rpartition(".")[2] for name, _ in opening.openings()}
    return _in_each(lambda path, tree: Opening(path, tree, methods[_room(path)]).openings())


def _in_each(look: Callable[[Path, ast.Module], Iterator[tuple[str, set[str]]]]) -> Found:
    """Return by module what *look* yields of it: names, and what is asked or opened under them."""
    result: Found = {}
    for path, tree in _modules():
        asked: dict[str, set[str]] = {}
        for name, on in look(path, tree):
            asked.setdefault(name, set()).update(on)
        if asked:
            result[_module(path)] = asked
    return result


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        if not APART & set(path.parts):
            yield path, _parsed(path)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def _models() -> dict[str, str]:
    """Return by the name of its class the table of each model; of one without personal data, nothing."""
    personal = personal_tables()
    return {one.__name__: one._meta.db_table if one._meta.db_table in personal else "" for one in apps.get_models()}


@cache
def _relations() -> dict[str, dict[str, str]]:
    """Return by room and by the name of a relation the table it leads to: rooms do not know each other's models."""
    personal, result = personal_tables(), defaultdict[str, dict[str, str]](dict)
    for model in apps.get_models():
        for one in model._meta.related_objects:
            if one.related_model._meta.db_table in personal and one.related_name:  # type: ignore[union-attr]
                result[model._meta.app_label][one.related_name] = one.related_model._meta.db_table  # type: ignore[union-attr]
    return result


@cache
def _tables() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds the tables with personal data in a text, and what finds the beginning of a table's name."""
    labels = "|".join(sorted({one._meta.app_label for one in apps.get_models()}))
    return re.compile(rf"\b({'|'.join(sorted(personal_tables()))})\b"), re.compile(rf"(?<![\w.])({labels})_$")


def _imported(path: Path, tree: ast.Module) -> dict[str, str]:
    """Return by every name that is imported, in any scope, what it stands for, with its module."""
    result, here = {}, path.relative_to(SOURCE.parent).with_suffix("").parts
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            origin = ".".join((*(here[: -node.level] if node.level else ()), *filter(None, [node.module])))
            result |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            result |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return result


class Asking:
    """What a module of a room asks of models that hold personal data."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self.tree = tree
        self.relations = _relations().get(_room(path), {})
        self.whole, self.begun = _tables()
        own = {node.name: node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        imported = _imported(path, tree)
        self.rooms = {name for name, origin in imported.items() if re.fullmatch(r"onedoor\..*\bmodels", origin)}
        bound = {name: origin.rpartition(".")[2] for name, origin in imported.items()} | own
        self.models = {name: _models()[stands] for name, stands in bound.items() if stands in _models()}
        self.names = {*self.models, *_models()}

    def queries(self) -> Iterator[tuple[str, set[str]]]:
        """Yield the names under which something is asked, and of which tables."""
        for name, node in _named(self.tree.body):
            if asked := set(self._asked(node)):
                yield name, asked
        if any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in ast.walk(self.tree)):
            yield "import", {UNRESOLVED}

    def _table(self, node: ast.AST) -> str | None:
        """Return the table of the model that *node* is, nothing of one without personal data; None when it is none."""
        if isinstance(node, ast.Name):
            return self.models.get(node.id)
        return _models().get(node.attr) if isinstance(node, ast.Attribute) else None

    def _asked(self, node: ast.AST) -> Iterator[str]:
        for one, harmless in _walked(node, self.names):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield from self.whole.findall(one.value)
                yield from [UNRESOLVED for _ in self.begun.findall(one.value)]
            elif (table := self._table(one)) is not None:
                yield from [table] if table and not harmless else ()
            elif isinstance(one, ast.Name) and one.id in self.rooms and not harmless:
                yield UNRESOLVED
            elif isinstance(one, ast.Attribute):
                if one.attr in MANAGERS - {"_meta"} and self._table(one.value) is None:
                    yield UNRESOLVED
                if isinstance(one.value, ast.Attribute) and one.value.attr in self.relations:
                    yield self.relations[one.value.attr]
            elif isinstance(one, ast.Call):
                yield from self._called(one)

    def _called(self, call: ast.Call) -> Iterator[str]:
        names = (keyword.arg.partition("__")[0] for keyword in call.keywords if keyword.arg and "__" in keyword.arg)
        yield from (self.relations[name] for name in names if name in self.relations)
        said = _dotted(call.func).rpartition(".")[2]
        words = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        meant = {word.rpartition(".")[2] for word in words} & set(_models())
        if said in LOADERS and not meant:
            yield UNRESOLVED
        elif said in (*LOADERS, "getattr"):
            yield from filter(None, map(_models().__getitem__, meant))


class Opening:
    """Where a module opens envelopes: by a function for that, or by one of the *methods* of its room's models."""

    def __init__(self, path: Path, tree: ast.Module, methods: set[str]) -> None:
        self.tree = tree
        self.methods = methods
        self.imported = _imported(path, tree)

    def openings(self) -> Iterator[tuple[str, set[str]]]:
        """Yield the names under which something is opened, and by what."""
        for name, node in _named(self.tree.body):
            parts = _walked(node, set())
            if asked := {said for one, harmless in parts if (said := self._opener(one, harmless=harmless))}:
                yield name, asked

    def _opener(self, node: ast.AST, *, harmless: bool) -> str:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in self.methods:
            return f".{node.func.attr}"
        origin = ""
        if isinstance(node, ast.Attribute):
            base = _dotted(node.value)
            origin = f"{self.imported.get(base, base)}.{node.attr}"
        elif isinstance(node, ast.Name):
            origin = self.imported.get(node.id, "")
        if origin in OPENERS and not harmless:  # handed on under another name
            return f"{origin.rpartition('.')[2]}.{UNRESOLVED}"
        module, _, name = origin.rpartition(".")
        return f"{module.rpartition('.')[2]}.{name}" if name in OPENERS.get(module, ()) else ""


def _dotted(node: ast.AST) -> str:
    """Return a name with its attributes; nothing of what is computed but the attributes."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _named(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield every function, and every statement of a module or class, with a name for it, whatever it stands under."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _named(node.body, f"{inside}{node.name}.")
            yield from ((f"{inside}{node.name}", one) for one in node.decorator_list)
        elif isinstance(node, FUNCTIONS):
            yield f"{inside}{node.name}", node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            if target not in ("db_table", "TABLE") and node.value:
                yield f"{inside}{target}".strip("()"), node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            continue
        elif isinstance(node, ast.Expr):
            if not isinstance(node.value, ast.Constant):
                yield f"{inside}line", node
        else:
            yield from _under(node, inside)


def _under(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield what stands under a compound statement, such as ``if`` or ``try``, as if it stood there alone."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.stmt):
            yield from _named([one], inside)
        elif isinstance(one, ast.ExceptHandler | ast.match_case):
            yield from _under(one, inside)
        elif isinstance(one, ast.expr | ast.withitem):
            yield f"{inside}line", one


def _walked(node: ast.AST, models: set[str]) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the parts of *node*, and of each whether it asks nothing when it is a model.

    Left out is what only names a table: docstrings, places of envelopes. *models* are the names that stand for models.
    """
    waiting = [(node, False)]
    while waiting:
        node, harmless = waiting.pop()
        yield node, harmless
        harmless &= isinstance(node, ast.BinOp | ast.Subscript | ast.Tuple | ast.List)
        for field, value in ast.iter_fields(node):
            parts = (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST))
            asking = (one for one in parts if not _is_left_out(one))
            waiting += [(one, harmless or _is_harmless(node, field, one, models)) for one in asking]


def _is_left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Call) and _dotted(node.func) in ("Place", "sealed.Place", "Place._replace")


def _is_harmless(node: ast.AST, field: str, one: ast.AST, models: set[str]) -> bool:
    """Return whether *one*, in this *field* of *node*, only makes a row, says a type, or is asked for a part of it."""
    if field in ("annotation", "returns", "slice"):
        return True
    if isinstance(node, ast.Call):
        return field == "func" or _dotted(node.func).rpartition(".")[2] in TYPES
    if not isinstance(node, ast.Attribute):
        return False
    model = isinstance(one, ast.Name | ast.Attribute) and _dotted(one).rpartition(".")[2] in models
    return not model or node.attr.isupper() or node.attr == "DoesNotExist"


class Declared(NamedTuple):
    """Who may issue the queries of a module, why, which these are, and where it opens envelopes by what."""

    who: str
    why: str
    queries: Mapping[str, list[str]] = MappingProxyType({})
    opens: Mapping[str, list[str]] = MappingProxyType({})


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
