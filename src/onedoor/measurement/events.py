"""Facts the room states; none carries personal data."""

from dataclasses import dataclass

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class SheetSubmitted(Event):
    """An assessor submitted their answers about a *unit*: from now on they stay as they are."""

    assessment: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class AssessmentPublished(Event):
    """The assessment of a *unit* was published, what two assessors differed on decided by a third."""

    assessment: str
    unit: str
