"""A public service as a tree of frozen dataclasses; expressions are CEL and stay text here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from onedoor.kernel.text import Text
from onedoor.procedures.questions import Fact, Field, Page


@dataclass(frozen=True)
class Law:
    """A rule of law that other parts point to by ``id``; one read in no source is ``illustrative`` wherever shown."""

    id: str
    number: str
    article: str
    text: Text
    confidence: str = ""
    illustrative: bool = False


@dataclass(frozen=True)
class Source:
    """A fact that the State holds already: asked of *register* by the values of *by* (CEL), not of the person.

    ``fallback`` is ``stop`` (the online form ends with ``missing``) or ``skip`` (go on without it). ``once`` names the
    conditions of eligibility that must hold before it is asked: who has no right learns nothing, and nothing is read.
    ``label`` says to the applicant what it is, ``name`` to everybody else where that differs.
    """

    id: str
    label: Text
    holder: Text
    register: str
    by: Mapping[str, str]
    many: bool = False
    when: str = "true"
    once: tuple[str, ...] = ()
    purpose: str = ""
    basis: str = ""
    replaces: Text = field(default_factory=dict)
    fallback: str = "skip"
    missing: Text = field(default_factory=dict)
    name: Text = field(default_factory=dict)

    @property
    def called(self) -> Text:
        """Return what the source is called where somebody else than the applicant reads it."""
        return self.name or self.label


@dataclass(frozen=True)
class Condition:
    """A condition of eligibility, checked once page ``after`` is answered; ``otherwise`` says what to do.

    One with ``beforehand`` is told, in these words, before a person begins. ``good`` says to an officer that it holds.
    """

    id: str
    condition: str
    otherwise: Text
    law: str
    after: str = ""
    when: str = "true"
    beforehand: Text = field(default_factory=dict)
    good: Text = field(default_factory=dict)


@dataclass(frozen=True)
class Fee:
    """A fee in whole units of money; one of no amount is kept out by the eligibility rule ``closed_by``.

    ``paid`` says where: ``online`` or at the ``office``.
    """

    id: str
    text: Text
    law: str
    amount: int | None = None
    closed_by: str = ""
    paid: str = "office"


@dataclass(frozen=True)
class Clock:
    """How time counts: limits are written such as ``24h``, ``2wh``, ``3wd`` (see `onedoor.kernel.clock.Limit`)."""

    total: str
    law: str
    verified: str = ""
    cutoff: str = ""
    hand_over: str = ""
    acknowledge: str = ""


@dataclass(frozen=True)
class Write:
    """A record a step writes: ``values`` are CEL (nested); the record written is then known as ``name``."""

    name: str
    register: str
    purpose: str
    basis: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A ground on which a step may refuse, with its article."""

    id: str
    text: Text
    law: str


@dataclass(frozen=True)
class Visit:
    """Why a step cannot be done without somebody coming, or without the agency going there."""

    reason: str
    text: Text
    law: str


@dataclass(frozen=True)
class Paper:
    """What must be handed over as an original on paper."""

    id: str
    title: Text
    law: str


@dataclass(frozen=True)
class Form:
    """A form to download and fill in; ``file`` is a path in the nation, empty where there is none."""

    id: str
    title: Text
    law: str
    file: str = ""


@dataclass(frozen=True)
class Proactive:
    """What an agency does before it is asked: remind, prepare, recommend or automatic, and on what rule."""

    id: str
    text: Text
    law: str


@dataclass(frozen=True)
class Suggestion:
    """When the service is suggested: a record about who asks stands in *register*, its field *unless* not being true.

    *by* is the look-up's parameter that takes the person's own number; *shows* are the fields they are told.
    """

    register: str
    by: str
    purpose: str
    basis: str
    text: Text
    shows: tuple[str, ...]
    unless: str = ""


@dataclass(frozen=True)
class Step:
    """What one agency does. ``by`` is agency kind and post, ``at`` is CEL giving the unit's code.

    ``after`` names steps that must be done before; ``verified`` is the longer limit where the officer must verify;
    a step ``apart`` runs on its own clock, outside the total. ``shows`` names the fields and facts its officer sees.
    """

    id: str
    title: Text
    by: str
    at: str
    within: str
    law: str
    when: str = "true"
    verified: str = ""
    apart: bool = False
    after: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    writes: tuple[Write, ...] = ()
    issues: str = ""
    refuse: tuple[Refusal, ...] = ()
    visit: Visit | None = None

    @property
    def agency_kind(self) -> str:
        """Return the first part of the agencies' ids, such as ``commune``."""
        return self.by.partition(".")[0]

    @property
    def post(self) -> str:
        """Return the post in the agency, such as ``civil-status``."""
        return self.by.partition(".")[2]


@dataclass(frozen=True)
class Supplement:
    """What happens when something is missing."""

    times: int
    within: str
    law: str
    text: Text


@dataclass(frozen=True)
class Result:
    """A document that a step issues from *template* (a path in the nation) with *data* (nested CEL)."""

    id: str
    title: Text
    summary: Text
    template: str
    data: Mapping[str, Any]
    when: str = "true"


@dataclass(frozen=True)
class Service:
    """One version of a public service; ``definition`` is the plain data it was read from, which `service.pin` keeps.

    ``filing`` and ``delivery`` are the ways in and out: ``online``, ``office``, ``post``.
    """

    id: str
    code: str
    version: str
    valid_from: date
    valid_until: date | None
    source: Text
    life_event: Text
    title: Text
    summary: Text
    who: Text
    min_level: int
    words: Mapping[str, tuple[str, ...]]
    law: Mapping[str, Law]
    data: Mapping[str, Source]
    pages: tuple[Page, ...]
    eligible: tuple[Condition, ...]
    fees: tuple[Fee, ...]
    clock: Clock
    steps: Mapping[str, Step]
    supplement: Supplement
    results: Mapping[str, Result]
    appeal: Text
    minutes: int
    filing: tuple[str, ...] = ()
    delivery: tuple[str, ...] = ()
    papers: tuple[Paper, ...] = ()
    forms: tuple[Form, ...] = ()
    proactive: tuple[Proactive, ...] = ()
    suggest: Suggestion | None = None
    examples: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    definition: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def in_force(self, on: date) -> bool:
        """Return whether this version is the law's on a day."""
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)

    @cached_property
    def kept(self) -> dict[tuple[str, ...], Any]:
        """Return what was worked out of this definition alone, by whoever keeps it here under names of its own."""
        return {}

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Return every question by its id, in the order of the form."""
        return {asked.id: asked for page in self.pages for asked in page.fields}

    @cached_property
    def facts(self) -> Mapping[str, Fact]:
        """Return every fact that pages show, by its id."""
        return {fact.id: fact for page in self.pages for fact in page.facts}

    @property
    def not_asked(self) -> tuple[Source, ...]:
        """Return the sources that spare the person a document (“Những thứ chúng tôi không hỏi”)."""
        return tuple(source for source in self.data.values() if source.replaces)

    @property
    def told_beforehand(self) -> tuple[Text, ...]:
        """Return for whom this service is not, to be told before starting."""
        return tuple(rule.beforehand for rule in self.eligible if rule.beforehand)

    @property
    def to_think_of(self) -> tuple[Text, ...]:
        """Return what is good to have thought of before starting (“Bạn chỉ cần nghĩ sẵn”)."""
        return tuple(asked.think for asked in self.fields.values() if asked.think)

    def page(self, page_id: str) -> Page:
        """Return a page by its id; raise `KeyError`."""
        return {page.id: page for page in self.pages}[page_id]

    def issuer(self, result_id: str) -> Step:
        """Return the step that issues a result."""
        return next(step for step in self.steps.values() if step.issues == result_id)

    def before(self, step_id: str) -> set[str]:
        """Return every step that must be done before, directly or not."""
        direct = self.steps[step_id].after
        return set(direct).union(*(self.before(other) for other in direct))
