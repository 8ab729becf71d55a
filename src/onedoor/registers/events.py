"""Facts the registers state; never with personal data."""

from dataclasses import dataclass
from datetime import datetime

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class RecordWritten(Event):
    """A record was written: which register, which version of which record, for which case."""

    register: str
    record: str
    version: int
    case: str = ""


@dataclass(frozen=True, kw_only=True)
class FollowedRecordChanged(Event):
    """A record of a register this system follows has a new version, as its owner told it.

    *record* is the id under which the owner gives the record out, *fields* are those that were written; *ended* says
    that it holds no more.
    """

    register: str
    record: str
    version: int
    fields: tuple[str, ...]
    ended: bool


@dataclass(frozen=True, kw_only=True)
class RecordArchived(Event):
    """A record left the reach of look-ups, by the rule of its register; *record* is its last version."""

    register: str
    record: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class RecordDestroyed(Event):
    """An archived record was destroyed for good, by the rule of its register; *record* is its last version."""

    register: str
    record: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class CorrectionAsked(Event):
    """A person said that a fact is wrong: the code of the request, which register, which field."""

    code: str
    register: str
    field: str


@dataclass(frozen=True, kw_only=True)
class CorrectionDecided(Event):
    """The owner decided on a request for a correction; when accepted, the register says so from now on."""

    code: str
    register: str
    field: str
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class CorrectionOverdue(Event):
    """The limit of a request for a correction has passed, and its owner has not decided."""

    code: str
    register: str
    field: str


@dataclass(frozen=True, kw_only=True)
class CorrectionLate(Event):
    """That an owner has not decided in time has come to the portal where `by.for_whom` asked."""

    code: str
    register: str
    field: str
    due: datetime


@dataclass(frozen=True, kw_only=True)
class CorrectionAnswered(Event):
    """The owner's decision on a request has come to the portal where `by.for_whom` asked; told again, stated again."""

    code: str
    register: str
    field: str
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class UsedFactCorrected(Event):
    """A fact this system read was corrected by its owner: the owner's ids of the reads, and their cases."""

    code: str
    register: str
    field: str
    reads: tuple[str, ...]
    cases: tuple[str, ...]
