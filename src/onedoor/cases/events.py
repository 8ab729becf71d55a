"""Facts the room states; none carries personal data, `by` says who acted."""

from dataclasses import dataclass

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class DossierEvent(Event):
    """Something happened to a dossier at the portal."""

    case: str
    service: str


@dataclass(frozen=True, kw_only=True)
class StepEvent(DossierEvent):
    """Something happened to one step of a dossier."""

    step: str
    agency: str


@dataclass(frozen=True, kw_only=True)
class DossierSubmitted(DossierEvent):
    """A person submitted a dossier."""

    version: str


@dataclass(frozen=True, kw_only=True)
class DossierEnded(DossierEvent):
    """A dossier ended: ``done``, ``partly``, ``refused`` or ``stopped``."""

    state: str


@dataclass(frozen=True, kw_only=True)
class DossierWithdrawn(DossierEvent):
    """A person withdrew a dossier."""


@dataclass(frozen=True, kw_only=True)
class StepAcknowledged(StepEvent):
    """An authority acknowledged a step handed over to it, with facts of ``registers`` that it need not ask for."""

    registers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HandOverLate(StepEvent):
    """A hand-over passed a limit: 1 that of handing over, 2 that of the acknowledgement."""

    limit: int


@dataclass(frozen=True, kw_only=True)
class SupplementAsked(StepEvent):
    """An officer asked for a supplement: the clock stands still."""


@dataclass(frozen=True, kw_only=True)
class SupplementAnswered(StepEvent):
    """The person answered: the clock goes on."""


@dataclass(frozen=True, kw_only=True)
class SupplementExpired(StepEvent):
    """No answer came in time: the step stopped."""


@dataclass(frozen=True, kw_only=True)
class StepVerified(StepEvent):
    """An officer must verify: the longer limit of the law holds, ``limit``."""

    limit: str


@dataclass(frozen=True, kw_only=True)
class StepSettled(StepEvent):
    """An authority settled a step: in its time or not, after how many supplements, in how many minutes by the clock.

    ``visit``: somebody had to come, or something went on paper. ``on_time`` is unknown in what was stated earlier.
    """

    on_time: bool | None = None
    asked: int = 0
    minutes: int = 0
    visit: bool = False


@dataclass(frozen=True, kw_only=True)
class StepDone(StepSettled):
    """A step is done; ``result`` is the kind of its result, or empty."""

    result: str


@dataclass(frozen=True, kw_only=True)
class ResultNotAccepted(StepEvent):
    """A result came without its agency's valid seal: ``why`` is a name of `verdict.Reason`, or ``OTHER_AGENCY``."""

    why: str


@dataclass(frozen=True, kw_only=True)
class StepRefused(StepSettled):
    """A step was refused on the ground ``ground`` of its definition."""

    ground: str


@dataclass(frozen=True, kw_only=True)
class StepRedirected(StepEvent):
    """A step was handed over to another authority, ``agency``."""


@dataclass(frozen=True, kw_only=True)
class TaskMoved(Event):
    """A task of this node came or moved: ``kind`` is ``receive`` or a move of `rules.TASK_MOVES`."""

    case: str
    step: str
    agency: str
    kind: str
    state: str


@dataclass(frozen=True, kw_only=True)
class FileOpened(Event):
    """An officer of this node opened a file that the applicant of a task had sent."""

    case: str
    step: str
    agency: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ResultIssued(Event):
    """An agency of this node signed a result."""

    result: str
    kind: str
    agency: str
    case: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Refused(Event):
    """Somebody tried what is not theirs, or showed a false result: see `models.Attempt`."""

    kind: str
    what: str
