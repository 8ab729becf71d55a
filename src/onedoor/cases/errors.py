"""What can go wrong in the room, in words for the person or officer it happens to."""

from collections.abc import Mapping

from onedoor.kernel.errors import BadInput, Conflict, NotAllowed, NotFound
from onedoor.kernel.text import Text


class NoSuchCase(NotFound):
    """You have no case {code}. Check the code, or sign in as the person who applied."""


class NoSuchTask(NotFound):
    """There is no such task here. It may have been handed over to another authority."""


class OtherAgency(NotAllowed):
    """This task belongs to another authority. Your visit has been recorded."""


class NoSuchLook(NotFound):
    """There is no such look-up. Please choose one from the list at your desk."""


class NoRightToLook(NotAllowed):
    """No right lets your post look this up. The attempt has been recorded."""


class NoSuchResult(NotFound):
    """No result with this id was issued here. If a paper led you to this page, do not trust it."""


class NotIssuedYet(NotFound):
    """This result is not there yet. The page of the case says how far it is."""


class NoDraft(NotFound):
    """You have not begun this service, or the draft has already been submitted."""


class BadAnswers(BadInput):
    """Some answers need another look."""

    def __init__(self, errors: Mapping[str, Text]) -> None:
        self.errors = errors
        super().__init__(what=", ".join(errors))


class TooManyNumbers(NotAllowed):
    """You have named somebody {most} times in a day without success. Try again tomorrow, or ask your commune."""


class NotSealed(BadInput):
    """The result of this step is no document of this case sealed by its agency. It was not taken; the agency knows."""


class SealRefused(BadInput):
    """The portal did not take this result: it is no document of this case sealed by your agency. Tell your operator."""


class NotReady(Conflict):
    """There is something left to answer before you can submit."""


class Barred(Conflict):
    """This service cannot be asked for now. Go back to the form: it says why, and what you can do."""


class HeldElsewhere(Conflict):
    """What you declare here already stands in another open case. Please ask the authority that decides on it."""


class HeldByYourCase(Conflict):
    """You have declared this already: it stands in your case {code}. Nothing was sent a second time."""


class NotPossible(Conflict):
    """This cannot be done now: the step has moved on in the meantime. Please look at it again."""


class TooLateToWithdraw(Conflict):
    """It is too late to withdraw this case: {agency} has already decided."""


class OneSupplementOnly(Conflict):
    """A supplement has already been asked for; it can be asked {times} time(s) only."""


class WordsNeeded(BadInput):
    """Please write what the person should know, in words they understand."""


class NoSuchArticle(BadInput):
    """A refusal must rest on one of the articles that the service names."""


class NoSuchAuthority(BadInput):
    """This authority does not do this step. Choose one from the list."""


class OtherRules(Conflict):
    """This agency keeps other rules for {service} version {version}. Its nation's files must be brought up to date."""


class CaseOpen(Conflict):
    """The case {code} has not ended."""


class TaskOpen(Conflict):
    """A task of this agency about this person has not ended."""
