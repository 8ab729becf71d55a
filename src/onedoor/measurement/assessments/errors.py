"""What is refused of an assessment, in the reader's language."""

from onedoor.kernel.errors import BadInput, Conflict, NotAllowed, NotFound


class NoSuchAssessment(NotFound):
    """There is no such assessment here. Please choose one from the list."""


class NoUnitToAssess(BadInput):
    """There is no unit “{unit}” today. Please choose one from the list, or write the code of another."""


class AssessmentOpen(Conflict):
    """An assessment of {unit} is open already. Please finish it before you open another."""


class TwoAssess(Conflict):
    """Two others assess this unit already. Please choose another assessment from the list."""


class Submitted(Conflict):
    """These answers were submitted, so they stay as they are. What you typed since was not kept."""


class NotAllAnswered(BadInput):
    """Indicators without an answer: {n}, the first is {code}. Please answer them all, then submit."""


class NotBothSubmitted(Conflict):
    """The two assessors have not both submitted. Their answers open to you when they have."""


class OwnAssessment(NotAllowed):
    """You assessed this unit yourself. Somebody else decides where the two assessors differ."""


class NotDifferent(BadInput):
    """The assessors do not differ on {code}. There is nothing to decide about it."""


class DecidedSince(Conflict):
    """{code} was decided by somebody since you opened this page. Please look at what stands now, then save again."""


class NotAllDecided(BadInput):
    """Differences without a decision: {n}, the first is {code}. Please decide them all, then publish."""
