"""YAML files with line numbers, and the faults found in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from onedoor.kernel import refusals
from onedoor.kernel.said import Said, Translate, listed, said, spoken

Keys: TypeAlias = Sequence[str | int]

INT = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
BOOL = "tag:yaml.org,2002:bool"
NULL = "tag:yaml.org,2002:null"
TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something wrong in a file of a nation, and what to write instead."""

    file: str
    line: int
    wrong: Said
    instead: Said

    def __str__(self) -> str:
        return self.text()

    def text(self, translate: Translate = str) -> str:
        """Return where the fault is, what is wrong and what to write instead, in the language of *translate*."""
        return f"{self.file}:{self.line}: {spoken(listed((self.wrong, self.instead)), translate)}"


@dataclass(frozen=True)
class Document:
    """One YAML file as plain dicts, lists, strings, whole numbers, floats, booleans and None.

    Only ``true`` and ``false`` are booleans; dates and times of day stay strings, keys are always strings.
    """

    path: Path
    data: Any
    name: str = ""
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict, repr=False)
    written: Mapping[tuple[str | int, ...], str] = field(default_factory=dict, repr=False)

    def line(self, *keys: str | int) -> int:
        """Return the line of the key path *keys*, or of the nearest part of it that the file has."""
        path = tuple(keys)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fault(self, keys: Keys, wrong: Said, instead: Said) -> Fault:
        """Return the fault at the key path *keys*."""
        return Fault(self.name or str(self.path), self.line(*keys), wrong, instead)


class _Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2: ``no`` is a word, ``15:00`` is not 900 and dates are not converted."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012 - the name PyYAML reads


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(tag, re.compile(rf"^(?:{pattern})$"), list(first))


_resolve(NULL, "~|null", "~n")
_resolve(BOOL, "true|false", "tf")
_resolve(INT, "[-+]?[0-9]+", "-+0123456789")
_resolve(FLOAT, r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789")
_Loader.add_implicit_resolver(NULL, re.compile("^$"), [""])


_in_c: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Fast(_in_c):  # type: ignore[misc]  # whichever parser there is
    """The same schema, parsed in C where that is built in: about five times as fast, but short of words for faults."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _compose(text: str) -> yaml.Node | None:
    """Return the root node of *text*; raise `yaml.YAMLError` in the words of the parser that has them."""
    try:
        return yaml.compose(text, _Fast)
    except yaml.YAMLError:
        return yaml.compose(text, _Loader)


def parse(path: Path, name: str) -> tuple[Document, list[Fault]]:
    """Return the file *path* as a document, called *name* in faults, and the faults of its YAML."""
    try:
        root = _compose(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        return Document(path, {}, name), [
            Fault(name, _line(error), said("this is not YAML: {problem}", problem=error.problem), _hint(error))
        ]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        odd = said("it holds a sign that YAML does not know")
        why = odd if isinstance(error, yaml.YAMLError) else refusals.why(error)
        return Document(path, {}, name), [
            Fault(name, 1, said("the file cannot be read: {error}", error=why), said("save it as UTF-8 text"))
        ]
    if root is None:
        return Document(path, {}, name), [
            Fault(name, 1, said("the file is empty"), said("write its content or delete it"))
        ]
    reader = _Reader(name)
    data = reader.read(root, ())
    return Document(path, data, name, reader.lines, reader.written), reader.faults


def _line(error: yaml.MarkedYAMLError) -> int:
    """Return the line to look at: where an open bracket or quote began, or where reading stopped."""
    opened = "flow" in (error.context or "") or "quoted" in (error.context or "")
    mark = error.context_mark if opened else error.problem_mark
    return mark.line + 1 if mark else 1


def _hint(error: yaml.MarkedYAMLError) -> Said:
    if "\t" in str(error.problem):
        return said("indent with spaces")
    return said("check indentation, colons and quotes here and one line above")


class _Reader:
    """Turns YAML nodes into plain data and remembers where each key stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.written: dict[tuple[str | int, ...], str] = {}
        self.faults: list[Fault] = []
        self.open: list[yaml.Node] = []

    def read(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        self.lines.setdefault(path, node.start_mark.line + 1)
        if any(node is parent for parent in self.open):
            self._fault(node, said("this alias stands inside what it repeats"), said("write the value out"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self.open.append(node)
        data = self._sequence(node, path) if isinstance(node, yaml.SequenceNode) else self._mapping(node, path)
        self.open.pop()
        return data

    def _sequence(self, node: yaml.SequenceNode, path: tuple[str | int, ...]) -> list[Any]:
        return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]

    def _mapping(self, node: yaml.Node, path: tuple[str | int, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self._fault(key, said("this key is not a plain word"), said("write a word followed by a colon"))
            elif key.value in data:
                wrong = said("the key “{name}” stands here twice", name=key.value)
                self._fault(key, wrong, said("keep one of the two"))
            else:
                self.lines[*path, key.value] = key.start_mark.line + 1
                data[key.value] = self.read(value, (*path, key.value))
        return data

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        self.written[path] = node.value
        match node.tag:
            case _ if node.tag == INT:
                return int(node.value)
            case _ if node.tag == FLOAT:
                return float(node.value)
            case _ if node.tag == BOOL:
                return node.value == "true"
            case _ if node.tag == NULL:
                return None
        if node.tag != TEXT:
            self._fault(node, said("the tag {tag} means nothing here", tag=node.tag), said("leave it out"))
        return node.value

    def _fault(self, node: yaml.Node, wrong: Said, instead: Said) -> None:
        self.faults.append(Fault(self.name, node.start_mark.line + 1, wrong, instead))
