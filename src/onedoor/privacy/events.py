"""Facts the room states; none carries personal data."""

from dataclasses import dataclass
from datetime import date, datetime

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ConsentGiven(Event):
    """A person agreed to a version of what a purpose asks."""

    purpose: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ConsentWithdrawn(Event):
    """A person withdrew a consent, or said no; nothing is read on it from now on."""

    purpose: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ManyPersonsRead(Event):
    """An alarm: one post of one system read data of more persons within minutes than the nation's file lets pass.

    *records* are the first and the last of these reads.
    """

    client: str
    user: str
    persons: int
    minutes: int
    records: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class BreachFound(Event):
    """A breach of personal data was found at an agency, at the moment *found*: its clock runs."""

    code: str
    agency: str
    found: datetime


@dataclass(frozen=True, kw_only=True)
class BreachReported(Event):
    """An agency gave notice of a breach; *late* says that its limit had passed."""

    code: str
    agency: str
    late: bool


@dataclass(frozen=True, kw_only=True)
class BreachAcknowledged(Event):
    """The authority acknowledged an agency's notice of a breach, as that agency's system heard."""

    code: str
    agency: str


@dataclass(frozen=True, kw_only=True)
class BreachOverdue(Event):
    """The limit of a breach passed, and its agency has given no notice."""

    code: str
    agency: str


@dataclass(frozen=True, kw_only=True)
class BreachTold(Event):
    """A system has a person told of a breach, at the portal where they are `by.for_whom`; told again, stated again."""

    telling: str


@dataclass(frozen=True, kw_only=True)
class RequestStepped(Event):
    """A request of a person about their data took a step here: asked, extended, granted, refused or lifted."""

    code: str
    right: str
    step: str


@dataclass(frozen=True, kw_only=True)
class RequestTold(Event):
    """An agency told the portal of a step of what `by.for_whom` asked; told again, stated again.

    *due* is the last moment to answer; *complete_on* the day on which a granted erasure is complete.
    """

    code: str
    right: str
    step: str
    due: datetime
    complete_on: date | None = None
