"""What pages see of a draft: facts, questions, pages."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from onedoor.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact the State already holds: shown, not asked.

    ``value`` is for reading in every language, ``data`` is what the register answered, ``record`` the id of the
    read in that register's own record of reads.
    """

    name: str
    label: Text
    value: Text
    source: Text
    register: str
    record: str
    moment: datetime
    data: Any = None
    disputed: bool = False
    """Whether the person said that it is not right."""
    correctable: bool = False
    """Whether the form has a question for the right value."""


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A fact that is not there: ``why`` is ``silent`` (the register did not answer) or ``empty`` (it holds none).

    With the fallback ``stop`` the form cannot go on without it, with ``skip`` it can; ``text`` says what to do.
    """

    name: str
    label: Text
    source: Text
    register: str
    why: str
    fallback: str
    text: Text
    retry: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a list."""

    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Question:
    """A field of the form as this person sees it now; ``value`` is the stored answer or the prefill."""

    name: str
    type: str
    label: Text
    hint: Text
    required: bool
    value: Any
    shown: Text
    choices: tuple[Choice, ...] = ()
    answered: bool = False
    prefilled: str = ""
    """The name of the fact this was prefilled from; empty when the person is asked without help."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnerView:
    """A step to come: which agency will do it and within how long (``limit`` such as ``24h`` or ``2wd``)."""

    step: str
    title: Text
    agency: str
    agency_name: Text
    limit: str


@dataclass(frozen=True, slots=True)
class PageView:
    """One page of the form: its questions still to ask, and the facts that stand beside them."""

    id: str
    title: Text
    number: int
    of: int
    questions: tuple[Question, ...]
    facts: tuple[Fact, ...]
    missing: tuple[MissingFact, ...]
    done: bool
    previous: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class DraftView:
    """A person's draft of one service; ``ready`` when every page is done and eligibility holds.

    ``again`` when what stands in the way rests on registers, which may say otherwise by now; ``counted`` when no
    answer to come adds a page or takes one away.
    """

    id: str
    service: str
    version: str
    title: Text
    pages: tuple[PageView, ...]
    facts: tuple[Fact, ...]
    missing: tuple[MissingFact, ...]
    barred: tuple[Text, ...]
    again: bool
    counted: bool
    saved_at: datetime
    kept_until: date
    ready: bool
    next_page: str
    agencies: tuple[OwnerView, ...] = ()

    def page(self, page: str) -> PageView:
        """Return the page called *page*; KeyError when there is none."""
        return {view.id: view for view in self.pages}[page]

    @property
    def page_ids(self) -> tuple[str, ...]:
        """Return the ids of the pages in order."""
        return tuple(view.id for view in self.pages)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One line of what was declared: ``source`` is empty when the person said it."""

    name: str
    label: Text
    value: Text
    source: Text
    disputed: bool = False
    """Whether the person said that this is not right, so that an officer looks at it."""


class Answers(tuple[AnswerView, ...]):  # noqa: SLOT001 - it keeps what is written of it
    """Answers that were opened, which nobody may change."""

    @cached_property
    def written(self) -> dict[Hashable, str]:
        """How pages wrote them: gone with them."""
        return {}
