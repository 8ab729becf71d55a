"""The form of a service as a tree of frozen dataclasses: pages, questions, facts shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onedoor.kernel.text import Text


@dataclass(frozen=True)
class Option:
    """One answer to choose."""

    value: str
    label: Text
    hint: Text = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """A question. ``kind`` is a name of `answers.KINDS`; ``show``, ``required``, ``default`` are CEL.

    A ``record`` field chooses among the records of the sources ``of`` by their field ``key``; the chosen record
    is known to expressions by the name ``binds``, and ``option`` (CEL over ``item``) says it in words.
    A ``pick`` field chooses among the distinct ``values`` (CEL list). With ``single: skip`` a ``record`` or ``pick``
    question is not asked where only one answer is possible: that answer counts, and is shown as known from the
    sources ``of``. A field that ``corrects`` a fact is asked only when the person said that the fact is not
    right. What is chosen for an ``exclusive`` one stands in one open case only. ``name`` says what an answer is where
    it is read, ``label`` asks for it.
    """

    id: str
    kind: str
    label: Text
    hint: Text = field(default_factory=dict)
    show: str = "true"
    required: str = "true"
    default: str = "null"
    options: tuple[Option, ...] = ()
    list: str = ""
    where: str = "true"
    of: tuple[str, ...] = ()
    key: str = ""
    binds: str = ""
    values: str = "[]"
    option: str = ""
    corrects: str = ""
    max: str = ""
    files: tuple[str, ...] = ()
    max_mb: int = 0
    single: str = "skip"
    exclusive: bool = False
    errors: Mapping[str, Text] = field(default_factory=dict)
    explain: Text = field(default_factory=dict)
    explained: Text = field(default_factory=dict)
    think: Text = field(default_factory=dict)
    law: str = ""
    name: Text = field(default_factory=dict)

    @property
    def called(self) -> Text:
        """Return what the answer is called where it is read."""
        return self.name or self.label


@dataclass(frozen=True)
class Fact:
    """A known fact shown on a page with its source; ``value`` is CEL, ``kind`` says how to write it.

    Expressions know it as ``fact.<id>``: the value, or the answer to the field ``correct`` once it is disputed.
    """

    id: str
    label: Text
    value: str
    source: str
    kind: str = "text"
    list: str = ""
    correct: str = ""
    show: str = "true"


@dataclass(frozen=True)
class Page:
    """One page of the form: one thing to think about."""

    id: str
    name: Text
    title: Text
    hint: Text
    fields: tuple[Field, ...]
    facts: tuple[Fact, ...]
    show: str = "true"
