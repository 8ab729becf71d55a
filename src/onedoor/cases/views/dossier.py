"""What pages see of a dossier: clock, steps, results, history, reads."""

from dataclasses import dataclass
from datetime import date, datetime

from onedoor.kernel.text import Text
from onedoor.privacy.service import ReadView


@dataclass(frozen=True, slots=True)
class ResultView:
    """A signed result of a dossier; ``number`` is shown to its owner only."""

    kind: str
    title: Text
    agency: str
    agency_name: Text
    number: str
    issued_at: datetime
    sha256: str
    verify_url: str
    size: int
    filename: str


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result to download."""

    name: str
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Request:
    """A supplement an officer asked for: the words, who asked, until when it can be answered."""

    step: str
    text: str
    agency_name: Text
    asked_at: datetime
    answer_by: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: its ground and article in words, the law's number, the officer's words, how to appeal."""

    step: str
    article: Text
    law: str
    text: str
    agency_name: Text
    refused_at: datetime
    appeal: Text


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a dossier.

    ``state`` is one of ``waiting sending working supplement done refused stopped dropped skipped withdrawn``.
    """

    id: str
    title: Text
    state: str
    agency: str
    agency_name: Text
    limit: str
    started_at: datetime | None
    acknowledged_at: datetime | None
    due: datetime | None
    done_at: datetime | None
    late: bool
    early_minutes: int | None
    """Working minutes left when it was done (negative: late); None while it runs."""
    apart: bool
    """Whether its limit runs by itself and the dossier's clock does not cover it."""
    stopped_since: datetime | None
    trouble: str
    """Why the hand-over has not come through yet, in plain words; empty when all is well."""
    result: ResultView | None = None
    request: Request | None = None
    refusal: Refusal | None = None
    verifies: str = ""
    """Why its officer must verify and has the longer limit, in their words; empty where none must."""

    @property
    def open(self) -> bool:
        """Return whether something still comes of it."""
        return self.state in ("waiting", "sending", "working", "supplement")


@dataclass(frozen=True, slots=True)
class DayView:
    """A day of the dossier's clock: ``kind`` from the calendar (working, weekend, holiday), and where it stands."""

    day: date
    kind: str
    label: Text
    place: str
    """``past``, ``today``, ``due``, ``ahead``."""


@dataclass(frozen=True, slots=True)
class ClockView:
    """The dossier's clock: from when it counts, until when, what is left, whether it stands still."""

    limit: str
    submitted_at: datetime
    counted_from: datetime
    due: datetime
    working_days_left: int
    stopped: bool
    late: bool
    days: tuple[DayView, ...]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One line of a dossier's history; ``kind`` names the transition, ``text`` an officer's or person's words."""

    moment: datetime
    kind: str
    step: str
    step_title: Text
    agency_name: Text
    text: str
    entry: str
    """Id of the ledger entry."""


@dataclass(frozen=True, slots=True)
class DossierLine:
    """A dossier in a list: ``state`` is ``working supplement done partly refused stopped withdrawn``."""

    code: str
    title: Text
    about: str
    state: str
    submitted_at: datetime
    due: datetime
    late: bool
    results: int


@dataclass(frozen=True, slots=True)
class SameReads:
    """Reads of the same fields of one register by one agency for one purpose: the first, when each was, its record.

    ``holder`` is whose register it is, ``law`` the article in words, ``wrong`` the fields a person can have corrected.
    """

    first: ReadView
    holder: Text
    law: str
    wrong: tuple[str, ...]
    moments: tuple[datetime, ...]
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """What one agency did for one purpose; ``portal`` says that it was this portal, in the person's place.

    ``people`` says that it was the people of the case, who looked into it here. ``basis`` is the article in words
    when all of it rests on one.
    """

    first: ReadView
    post: Text
    portal: bool
    people: bool
    basis: SameReads | None
    reads: tuple[SameReads, ...]


@dataclass(frozen=True, slots=True)
class ReadsView:
    """Reads for a dossier, oldest first, and the agencies that did not answer when asked for theirs.

    They are all of them, or a page of the newest; ``older`` is the record before which the next page begins.
    """

    code: str
    reads: tuple[ReadView, ...]
    silent: tuple[Text, ...]
    readers: tuple[Reader, ...] = ()
    older: str = ""
