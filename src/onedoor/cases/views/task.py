"""What the desk sees of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onedoor.cases.views.dossier import HistoryView, Refusal, Request, ResultView
from onedoor.cases.views.draft import Answers, AnswerView
from onedoor.cases.views.issued import IssuedView
from onedoor.kernel.text import Text


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in an officer's inbox."""

    id: str
    case: str
    step: str
    step_title: Text
    service_title: Text
    about: str
    applicant: str
    state: str
    received_at: datetime
    due: datetime
    late: bool
    minutes_left: int
    """Working minutes to the limit (negative: late)."""
    taken_by: str


@dataclass(frozen=True, slots=True)
class InboxView:
    """An officer's inbox: one tab's lines, sorted by limit; ``tabs`` maps tab to count."""

    tab: str
    tabs: Mapping[str, int]
    lines: Sequence[TaskLine]
    total: int
    page: int
    pages: int
    late: int
    due_today: int
    moment: datetime


@dataclass(frozen=True, slots=True)
class WaysView:
    """What an officer may decide on a task (see `TaskView.may`), and the ids of articles and authorities for it."""

    may: frozenset[str]
    articles: frozenset[str]
    authorities: frozenset[str]


@dataclass(frozen=True, slots=True)
class CheckView:
    """A machine check: ``outcome`` is ``good``, ``look`` (an officer must look) or ``bad``."""

    id: str
    text: Text
    law: Text
    outcome: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article of law a refusal may rest on."""

    id: str
    text: Text
    law: str


@dataclass(frozen=True, slots=True)
class LookView:
    """A register an officer may look into for this task, and what was found (None: not looked yet)."""

    id: str
    title: Text
    register: str
    found: tuple[tuple[AnswerView, ...], ...] | None = None
    record: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class AskedView:
    """One value a look-up takes; ``kind`` is ``number`` (a person's), ``year``, ``folded`` (a name) or ``text``."""

    name: str
    label: Text
    kind: str


@dataclass(frozen=True, slots=True)
class WayView:
    """One way to find records of a register: a declared look-up."""

    id: str
    asked: tuple[AskedView, ...]


@dataclass(frozen=True, slots=True)
class OfferView:
    """A register an officer may look records up in by hand: for which purpose, on which basis, which fields."""

    purpose: str
    purpose_name: Text
    basis: str
    basis_name: Text
    law: str
    register: str
    register_name: Text
    fields: tuple[str, ...]
    ways: tuple[WayView, ...]
    needs_case: bool


@dataclass(frozen=True, slots=True)
class LookedUpView:
    """What a look-up by hand found, in words, and the id of the record of this read."""

    found: tuple[tuple[AnswerView, ...], ...]
    record: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that came with a task; ``field`` names it at `service.file`."""

    field: str
    label: Text
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task with all an officer needs.

    ``may`` holds what is allowed now: ``accept verify supplement refuse hand_over``; ``verified`` is the longer limit
    where the officer must verify.
    """

    line: TaskLine
    agency: str
    agency_name: Text
    service: str
    version: str
    answers: Answers
    checks: tuple[CheckView, ...]
    looks: tuple[LookView, ...]
    results: tuple[ResultView, ...]
    articles: tuple[ArticleView, ...]
    authorities: tuple[tuple[str, Text], ...]
    may: frozenset[str]
    history: tuple[HistoryView, ...]
    request: Request | None
    refusal: Refusal | None
    issues: Text
    trouble: str
    issued: IssuedView | None = None
    supplements: tuple[HistoryView, ...] = ()
    verified: str = ""
    files: tuple[FileView, ...] = ()
